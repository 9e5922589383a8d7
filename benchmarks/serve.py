"""Ask an export in every way for the same tool calls, and compare with asking the trained model itself.

    python -m benchmarks.serve [--limit N] [--out FILE] MODEL [MODEL ...]

A MODEL is an exported folder or a GGUF file. A folder is asked through plain transformers, and then through
`transformers serve`; a file through `llama-server`, which must be on the PATH. Servers are asked with the official
OpenAI client. Each gets the first N test prompts that ask for a call, one after the other. Then a table of SSPR, exact
values and seconds a request is printed; its first row is this project's own decoding of `models/dpo`. Run the pipeline
first.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from urllib.request import urlopen

from openai import APIConnectionError, BadRequestError, InternalServerError, OpenAI

from tool_dpo.errors import InputError, run
from tool_dpo.formats.format import as_text
from tool_dpo.models.decode import decode
from tool_dpo.models.load import compute_dtype, load_model
from tool_dpo.models.weights import load_format, load_tokenizer, read_format, read_weights
from tool_dpo.params import load_params
from tool_dpo.records import write_json
from tool_dpo.report.decisions import calling
from tool_dpo.report.metrics import summarize
from tool_dpo.report.rates import difference
from tool_dpo.report.tables import cell, failures, markdown
from tool_dpo.schema.forms import is_message, no_call
from tool_dpo.schema.verdict import Verdict, judge
from tool_dpo.triplets.triplet import Triplet, read_triplets

_START = 300
"""Seconds that a server may take to load a model."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--data", type=Path, default=Path("data/test.jsonl"))
    parser.add_argument("--direct", type=Path, default=Path("models/dpo"))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if read_format(options.direct) == "plain":
        raise InputError(f"{options.direct}: is asked in the plain format, which no server knows")
    for model in options.models:
        command_of(model, 0)  # a missing server is told before the first answer
    triplets = calling(read_triplets(options.data))[: options.limit]
    longest = load_params().answer.max_new_tokens
    calls, seconds = directly(triplets, options.direct, longest)
    results = {"direct": _result(triplets, calls, seconds, calls)}
    for folder in filter(Path.is_dir, options.models):
        plain, seconds = plainly(triplets, folder, longest)
        results[f"{folder.name}, transformers"] = _result(triplets, plain, seconds, calls)
    for model in options.models:
        with serving(model) as url:
            served, seconds = through(url, model, triplets, longest)
        engine = "transformers serve" if model.is_dir() else "llama-server"
        results[f"{model.name}, {engine}"] = _result(triplets, served, seconds, calls)
    if options.out:
        write_json(options.out, results)
    print(markdown(_rows(results)))


def directly(triplets: Sequence[Triplet], folder: Path, longest: int) -> tuple[list[str], list[float]]:
    """What each answer says, and the seconds that it took, decoded by this project one at a time."""
    tokenizer, model = load_tokenizer(folder), load_model(folder)
    form = load_format(folder, tokenizer)

    def call(triplet: Triplet) -> str:
        ((_, text),) = decode(model, tokenizer, [form.chat(triplet)], max_new_tokens=longest, batch_size=1)
        return form.read(text).call or as_text(text)

    return _timed(triplets, call)


def plainly(triplets: Sequence[Triplet], folder: Path, longest: int) -> tuple[list[str], list[float]]:
    """The same from transformers alone, as anybody loads the folder."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=compute_dtype(read_weights(folder)))
    form = load_format(folder, tokenizer)

    def call(triplet: Triplet) -> str:
        chat = [{"role": "user", "content": triplet.request}]
        inputs = tokenizer.apply_chat_template(
            chat, tools=json.loads(triplet.tools), add_generation_prompt=True, return_tensors="pt"
        )
        with torch.inference_mode():
            output = model.generate(**inputs, max_new_tokens=longest)[0, inputs["input_ids"].shape[1] :]
        text = tokenizer.decode(output, clean_up_tokenization_spaces=False).removesuffix(tokenizer.eos_token)
        return form.read(text).call or as_text(text)

    return _timed(triplets, call)


def through(url: str, model: Path, triplets: Sequence[Triplet], longest: int) -> tuple[list[str], list[float]]:
    """What each answer of a model's server says, and the seconds that it took."""
    client = OpenAI(base_url=url, api_key="none", max_retries=0, timeout=600)

    def call(triplet: Triplet) -> str:
        try:
            answer = client.chat.completions.create(
                model=str(model),  # `transformers serve` takes no other name
                messages=[{"role": "user", "content": triplet.request}],
                tools=json.loads(triplet.tools),
                max_tokens=longest,
                temperature=0,
            )
            return call_of(answer.choices[0].message)
        except (BadRequestError, InternalServerError) as error:  # a call that the server cannot read, or a long prompt
            return as_text(str(error))
        except APIConnectionError as error:
            raise InputError(f"{model}: its server does not answer: {error}") from None

    return _timed(triplets, call)


def _timed(triplets: Sequence[Triplet], call: Callable[[Triplet], str]) -> tuple[list[str], list[float]]:
    """The call for each triplet, one after the other, and the seconds that each took."""
    calls, seconds = [], []
    for triplet in triplets:
        start = time.perf_counter()
        calls.append(call(triplet))
        seconds.append(time.perf_counter() - start)
    return calls, seconds


def call_of(message: Any) -> str:
    """What a message says, as the formats read it: one call, several, or words. If it is none, what it has, as text."""
    words = (message.content or "").strip()
    functions = [one.function for one in message.tool_calls or ()]
    if words or not functions:
        return as_text(words) if functions or not is_message(words) else no_call(words)
    calls = [f'{{"tool": {json.dumps(one.name)}, "parameters": {one.arguments}}}' for one in functions]
    return f"[{', '.join(calls)}]" if len(calls) > 1 else calls[0]


def command_of(model: Path, port: int) -> list[str]:
    """The command that serves a model on this machine alone.

    Raises:
        InputError: there is no such model, or its server is not installed.
    """
    if not model.exists():
        raise InputError(f"{model}: no such file or folder")
    place = ["--host", "127.0.0.1", "--port", str(port)]
    if model.is_dir():
        dtype = str(compute_dtype(read_weights(model))).removeprefix("torch.")
        return [str(Path(sys.executable).with_name("transformers")), "serve", str(model), "--dtype", dtype, *place]
    server = shutil.which("llama-server")
    if server is None:
        raise InputError(f"{model}: llama-server is not on the PATH (it is part of llama.cpp)")
    return [server, "--model", str(model), "--jinja", "--parallel", "1", *place]


@contextmanager
def serving(model: Path) -> Iterator[str]:
    """Serve a model on a free port of this machine, and yield the base URL for an OpenAI client.

    Raises:
        InputError: the server ends, or does not answer in time; with its last line.
    """
    port = free_port()
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    with TemporaryFile("w+") as log:
        process = subprocess.Popen(command_of(model, port), env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            if not _answers(process, f"http://127.0.0.1:{port}/health"):
                log.seek(0)
                last = (log.read().strip() or "no word from it").splitlines()[-1]
                raise InputError(f"{model}: its server did not start: {last}")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port of this machine that no program has."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _answers(process: "subprocess.Popen[bytes]", url: str) -> bool:
    """Whether a server answers in time."""
    end = time.monotonic() + _START
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(url, timeout=5):
                return True
        except OSError:
            time.sleep(0.2)
    return False


def _result(
    triplets: Sequence[Triplet], calls: Sequence[str], seconds: Sequence[float], direct: Sequence[str]
) -> dict[str, Any]:
    def verdicts(found: Sequence[str]) -> list[Verdict]:
        return [judge(one.schema, call, one.chosen) for one, call in zip(triplets, found, strict=True)]

    tools = [one.tool for one in triplets]
    ours, theirs = ([one.failure is None for one in verdicts(found)] for found in (direct, calls))
    return {
        **summarize(verdicts(calls), tools),
        "same": sum(_value(one) == _value(other) for one, other in zip(calls, direct, strict=True)),
        "against_direct": difference(ours, theirs, tools),
        "seconds": {"median": round(statistics.median(seconds), 3), "worst": round(max(seconds), 3)},
    }


def _value(call: str) -> Any:
    try:
        return json.loads(call)
    except ValueError:
        return call


def _rows(results: dict[str, dict[str, Any]]) -> list[list[str]]:
    rows = [["", "answers", "SSPR", "exact values", "same call", "p against direct", "seconds, median", "failures"]]
    for name, one in results.items():
        rates = [cell(one["sspr"]), cell(one["exact"]), f"{one['same']} of {one['n']}"]
        ends = [str(one["against_direct"]["p"]), f"{one['seconds']['median']:.2f}", failures(one)]
        rows.append([name, str(one["n"]), *rates, *ends])
    return rows


if __name__ == "__main__":
    run(main)
