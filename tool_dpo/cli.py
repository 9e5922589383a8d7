"""The `tool-dpo` command."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from tool_dpo.errors import one_line, run
from tool_dpo.models.gguf import GgufType

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Train and use models whose tool calls follow their JSON Schemas.",
)


@app.command()
def call(
    request: Annotated[
        str | None, typer.Argument(help="The request, in plain words. Without it, requests are read from stdin.")
    ] = None,
    tools: Annotated[
        list[Path] | None,
        typer.Option(help="A JSON or YAML file of tools, or a folder of such files. Repeat it for more."),
    ] = None,
    model: Annotated[Path, typer.Option(help="The folder of the model.")] = Path("models/dpo"),
    tool: Annotated[
        list[str] | None, typer.Option(help="Offer this tool only. Repeat it for more; by default, all are offered.")
    ] = None,
    constrained: Annotated[
        bool, typer.Option("--constrained", help="Let the model write nothing but one valid call.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a request.")] = False,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest answer, in tokens.")] = 256,
    batch_size: Annotated[int, typer.Option(min=1, help="Requests of stdin that are answered together.")] = 16,
) -> None:
    """Print the model's answer to a request: its call, with the tool that it chose and the arguments.

    Several calls are printed as a list. If no tool fits or a value is missing, a model that
    is trained on decisions may answer in words, which are printed as they are.

    Each line of stdin is a request in plain words, or JSON:
    {"request": "...", "tools": [...]}, with tools of its own if need be.

    Answers are printed in the order of the requests, one a line.
    What is wrong with an answer is printed to stderr. With --json it is in the object too:
    {"line": 1, "request": "...", "name": "...", "arguments": {}, "calls": [...],
    "message": null, "violations": [], "text": "..."}

    A line that cannot be asked is told by its number and left out. Exit codes:
    0: the model called, and all calls are valid;
    1: an answer is not valid, or nothing could be asked, or the tools or the model cannot be used;
    2: a line of stdin was left out, or an option is not as said here;
    3: the model answered in words (of several answers: at least one, the others are valid).
    """
    from tqdm import tqdm

    from tool_dpo.errors import InputError
    from tool_dpo.models.call import ToolCaller
    from tool_dpo.models.decode import BY_BATCH
    from tool_dpo.models.requests import Line, read_requests
    from tool_dpo.tools.tool import named, read_tools

    many = request is None
    if many and sys.stdin.isatty():
        raise typer.BadParameter("is missing: give one, or write requests to stdin", param_hint="REQUEST")
    offered = named([one for source in tools or () for one in read_tools(source)], tool or [])
    if not many and not offered:
        raise InputError("no tools: name a file or a folder of tools with --tools")
    found = list(read_requests(sys.stdin.buffer)) if request is None else [Line(1, request)]
    if not found:
        raise InputError("stdin: no request in it")
    lines = [line for line in found if isinstance(line, Line)]
    faults = [f"stdin:{line}" for line in found if isinstance(line, InputError)]
    for fault in faults:
        print(fault, file=sys.stderr)
    if not lines:
        raise typer.Exit(2)
    asked = ((line.request, offered if line.tools is None else line.tools) for line in lines)
    answers = ToolCaller.load(model).calls(
        asked, constrained=constrained, max_new_tokens=max_new_tokens, batch_size=batch_size
    )
    silent = None if many else True  # None: where stderr is no terminal
    progress = tqdm(answers, total=len(lines), unit=" requests", disable=silent, **BY_BATCH)
    valid, called = True, True
    for line, answer in zip(lines, progress, strict=True):
        where = f"stdin:{line.number}: " if many else ""
        if isinstance(answer, InputError):
            faults.append(f"{where}{answer}")
            tqdm.write(faults[-1], sys.stderr)
            continue
        numbered = {"line": line.number} if many else {}
        record = numbered | {"request": line.request} | answer.record()
        tqdm.write(json.dumps(record, ensure_ascii=False) if as_json else answer.line(), sys.stdout)
        sys.stdout.flush()
        called = called and answer.message is None
        for violation in answer.violations:
            valid = False
            tqdm.write(f"{where}{violation}", sys.stderr)
    raise typer.Exit(2 if many and faults else 1 if faults or not valid else 0 if called else 3)


@app.command()
def export(
    gguf: Annotated[GgufType, typer.Option(help="The type of its numbers; q8_0 has half the size of bf16.")],
    model: Annotated[Path, typer.Option(help="The folder of the exported model.")] = Path("models/export"),
    out: Annotated[Path | None, typer.Option(help="The GGUF file; by default MODEL-TYPE.gguf.")] = None,
    llama_cpp: Annotated[
        Path | None, typer.Option(envvar="LLAMA_CPP", help="A folder of llama.cpp's source, which has the converter.")
    ] = None,
) -> None:
    """Write the exported model as a GGUF file, for llama.cpp and Ollama, with its chat template in it.

    llama.cpp's own converter makes it. The types q6_k, q5_k_m and q4_k_m need its llama-quantize too.
    """
    from tool_dpo.models.gguf import to_gguf

    model = model.resolve()
    file = out or model.with_name(f"{model.name}-{gguf}.gguf")
    to_gguf(model, file, gguf, llama_cpp)
    print(f"{file}: {file.stat().st_size / 1e6:,.0f} MB")


@app.command("import")
def import_(
    source: Annotated[
        str, typer.Argument(help="An OpenAPI 3 document, or a list of tools (MCP, OpenAI, ...); JSON or YAML.")
    ],
    mcp: Annotated[
        bool, typer.Option("--mcp", help="SOURCE is a running MCP server's URL, or the command that starts one.")
    ] = False,
    teacher: Annotated[
        bool, typer.Option("--teacher", help="The chat model of params.yaml (generate.teacher) writes the templates.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write to this JSON file instead of stdout.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what became of each tool as JSON.")] = False,
) -> None:
    """Convert a document, or the tools of an MCP server, into tools with request templates.

    A tool is kept only if a verified triplet can be made from it that is short enough for the model of params.yaml. For
    each tool, a line on stderr tells its new name and what it lacks, or why it was left out. With --json, stdout has
    the same as data, and the tools unless --out is given.
    """
    from tool_dpo.errors import InputError
    from tool_dpo.formats.length import Limit
    from tool_dpo.params import PARAMS, load_params
    from tool_dpo.records import write_json
    from tool_dpo.triplets.import_tools import import_tools

    params = load_params() if teacher or PARAMS.exists() else None
    writer = params.generate.teacher if params and teacher else None
    if teacher and not writer:
        raise InputError(f"{PARAMS}: generate.teacher must say who writes the templates, got None")
    limit = Limit.of(params.chosen) if params else None
    adopted = import_tools(source, mcp=mcp, teacher=writer, limit=limit)
    if as_json:
        kept, left_out = ([entry.record() for entry in part] for part in (adopted.kept, adopted.left_out))
        report = {"kept": kept, "left_out": left_out} | ({} if out else {"tools": adopted.tools})
        print(json.dumps(report, indent=2, ensure_ascii=False))
    elif adopted.tools and not out:
        print(json.dumps(adopted.tools, indent=2, ensure_ascii=False))
    for entry in () if as_json else adopted.entries:
        print(one_line(entry.line()), file=sys.stderr)
    if not adopted.tools:
        raise InputError(f"{source}: no tool in it")
    if out:
        write_json(out, adopted.tools)
    print(f"{len(adopted.tools)} tools, {len(adopted.left_out)} skipped", file=sys.stderr)


@app.command()
def report(
    metrics: Annotated[Path, typer.Argument(help="The folder with the metrics.")] = Path("metrics"),
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """Print the table of results for base, SFT and DPO."""
    from rich.console import Console
    from rich.table import Table

    from tool_dpo.report import tables

    found = tables.tables(metrics)
    if markdown:
        print(tables.markdown(*found))
        return
    for header, *body in found:
        table = Table(*header)
        for row in body:
            table.add_row(*row)
        Console().print(table)


@app.command()
def show(
    triplets: Annotated[Path, typer.Argument(help="A file of triplets.")] = Path("data/triplets.jsonl"),
    violation: Annotated[str | None, typer.Option(help="Only this violation, JSON Schema keyword or decision.")] = None,
    tool: Annotated[str | None, typer.Option(help="Only this tool.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Print at most this many triplets.")] = 10,
) -> None:
    """Print triplets: chosen and rejected side by side, with the violation marked."""
    from itertools import islice

    from rich.console import Console

    from tool_dpo.errors import InputError
    from tool_dpo.triplets.show import show
    from tool_dpo.triplets.triplet import read_triplets

    wanted = (
        triplet
        for triplet in read_triplets(triplets)
        if violation in (None, triplet.violation, triplet.keyword) and tool in (None, triplet.tool)
    )
    found = list(islice(wanted, limit))
    for triplet in found:
        Console().print(show(triplet))
    if not found:
        raise InputError(f"{triplets}: no triplet of violation {violation or 'any'} and tool {tool or 'any'}")


def main() -> None:
    run(app)
