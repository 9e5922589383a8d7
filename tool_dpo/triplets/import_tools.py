"""Import the tools of a document: convert them, write request templates, keep those that give a verified triplet."""

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from tqdm import tqdm

from tool_dpo.errors import InputError
from tool_dpo.formats.length import Limit
from tool_dpo.kinds import Kind
from tool_dpo.params import GenerateParams, TeacherParams
from tool_dpo.tools.conversion import Entry, Imported
from tool_dpo.tools.importers import read, tools_of
from tool_dpo.tools.mcp_server import URLS, listed
from tool_dpo.tools.teacher import templates
from tool_dpo.tools.tool import parse_tool, with_requests
from tool_dpo.tools.wording import fault_of, never_mentioned, word
from tool_dpo.triplets.generate import first_triplet

_ONE = GenerateParams(
    "catalog",
    triplets=1,
    variants=0,
    distractors=0.0,
    json_schema=0.0,
    room=0,
    optional=0.5,
    mix=dict.fromkeys(get_args(Kind), 1.0),
    decisions={},
    teacher=None,
)
_ENOUGH = 5
"""Templates of the teacher that do without others."""


def import_tools(
    source: str, *, mcp: bool = False, teacher: TeacherParams | None = None, limit: Limit | None = None
) -> Imported:
    """Import the tools of a document or, with `mcp`, of a server. Tools that give no training data are left out.

    Every tool has an entry in the result, with the reason for each that was left out. `teacher` writes request
    templates, if it is given. A prompt with its answer keeps the `limit`.

    Raises:
        InputError: the document cannot be read, or the server or the teacher does not answer.
    """
    if not mcp and source.startswith(URLS):
        raise InputError(f"{source}: documents are read from files, nothing is fetched; for an MCP server add --mcp")
    path = Path(source)
    found = tools_of(listed(source)) if mcp else read(path)
    adopted = Imported()
    names: set[str] = set()
    for entry in tqdm(found.entries, desc="proving tools", delay=2):
        if entry.tool is not None:
            entry = _adopted(entry, path, names, limit)
        if entry.tool is not None:
            names.add(entry.name)
        adopted.entries.append(entry)
    return _spoken(adopted, path, teacher) if teacher else adopted


def _adopted(entry: Entry, source: Path, names: set[str], limit: Limit | None) -> Entry:
    """The entry with requests in its tool, proved by a triplet; or without its tool, and with the reason."""
    try:
        tool = _proved(entry, source, limit)
        if tool["function"]["name"] in names:
            raise ValueError("another tool has the same name")
    except (ValueError, InputError) as error:
        reason = str(error).removeprefix(f"{source}: ")
    except Exception as error:  # an error in one tool never ends the import of the others
        reason = f"cannot be proved: {type(error).__name__}: {error}"
    else:
        return _with_unsaid(replace(entry, tool=tool), source)
    return replace(entry, tool=None, reason=reason)


def _proved(entry: Entry, source: Path, limit: Limit | None) -> dict[str, Any]:
    tool = replace(parse_tool(entry.tool, source), written=entry.written)
    worded: dict[str, Any] = entry.tool if tool.requests else word(tool)
    first_triplet(parse_tool(worded, source), _ONE, limit)
    return worded


def _with_unsaid(entry: Entry, source: Path) -> Entry:
    """The entry with the parameters that the requests of its tool leave out."""
    return replace(entry, unsaid=tuple(never_mentioned(parse_tool(entry.tool, source))))


def _spoken(adopted: Imported, source: Path, teacher: TeacherParams) -> Imported:
    """The tools with the teacher's templates in place of their own, or beside them if these are few."""
    tools = {entry.name: parse_tool(entry.tool, source) for entry in adopted.kept}
    written = templates([*tools.values()], teacher)
    entries = []
    for entry in adopted.entries:
        if entry.tool is not None:
            texts = [text for text in written[entry.name] if not fault_of(with_requests(tools[entry.name], [text]))]
            requests = texts if len(texts) >= _ENOUGH else [*texts, *entry.tool["requests"]]
            entry = _with_unsaid(replace(entry, tool={**entry.tool, "requests": requests}), source)
        entries.append(entry)
    return Imported(entries)
