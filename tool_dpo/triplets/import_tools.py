"""Import the tools of a document: convert them, write request templates, keep those that give a verified triplet."""

from pathlib import Path
from typing import Any, get_args

from tqdm import tqdm

from tool_dpo.errors import InputError
from tool_dpo.kinds import Kind
from tool_dpo.params import GenerateParams, TeacherParams
from tool_dpo.tools.conversion import Imported
from tool_dpo.tools.importers import read, tools_of
from tool_dpo.tools.mcp_server import URLS, listed
from tool_dpo.tools.teacher import templates
from tool_dpo.tools.tool import parse_tool, with_requests
from tool_dpo.tools.wording import fault_of, word
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
    teacher=None,
)
_ENOUGH = 5
"""Templates of the teacher that do without others."""


def import_tools(
    source: str, *, mcp: bool = False, teacher: TeacherParams | None = None, max_length: int | None = None
) -> Imported:
    """Import the tools of a document or, with `mcp`, of a server. Tools that give no training data are skipped.

    `skipped` in the result gives the reason for each of them. `teacher` writes request templates, if it is given. A
    prompt with its answer has at most `max_length` tokens.

    Raises:
        InputError: the document cannot be read, the server or the teacher does not answer, or no tool is left.
    """
    if not mcp and source.startswith(URLS):
        raise InputError(f"{source}: documents are read from files, nothing is fetched; for an MCP server add --mcp")
    path = Path(source)
    found = tools_of(listed(source)) if mcp else read(path)
    adopted = Imported(skipped=list(found.skipped), cut=found.cut)
    names: set[str] = set()
    for index, item in enumerate(tqdm(found.tools, desc="proving tools", delay=2)):
        try:
            worded = _proved(item, path, max_length)
            name = worded["function"]["name"]
            if name in names:
                raise ValueError("another tool has the same name")
        except (ValueError, InputError) as error:
            adopted.skipped.append(f"{_name(item) or f'tool {index}'}: {str(error).removeprefix(f'{path}: ')}")
        else:
            names.add(name)
            adopted.tools.append(worded)
    if not adopted.tools:
        raise InputError(f"{source}: no tool in it{''.join(f': {reason}' for reason in adopted.skipped[:1])}")
    if teacher:
        adopted.tools = _spoken(adopted.tools, path, teacher)
    return adopted


def _name(item: Any) -> str:
    function = item.get("function") if isinstance(item, dict) else None
    return str(function.get("name", "")) if isinstance(function, dict) else ""


def _proved(item: Any, source: Path, max_length: int | None) -> dict[str, Any]:
    tool = parse_tool(item, source)
    worded: dict[str, Any] = item if tool.requests else word(tool)
    first_triplet(parse_tool(worded, source), _ONE, max_length)
    return worded


def _spoken(items: list[dict[str, Any]], source: Path, teacher: TeacherParams) -> list[dict[str, Any]]:
    """The tools with the teacher's templates in place of their own, or beside them if these are few."""
    tools = [parse_tool(item, source) for item in items]
    written = templates(tools, teacher)
    result = []
    for item, tool in zip(items, tools, strict=True):
        texts = [text for text in written[tool.name] if not fault_of(with_requests(tool, [text]))]
        result.append({**item, "requests": texts if len(texts) >= _ENOUGH else [*texts, *item["requests"]]})
    return result
