"""Import the tools of a document: convert them, write request templates, keep those that give a verified triplet."""

from pathlib import Path
from typing import Any, get_args

from tqdm import tqdm

from tool_dpo.errors import InputError
from tool_dpo.kinds import Kind
from tool_dpo.params import GenerateParams
from tool_dpo.tools.conversion import Imported
from tool_dpo.tools.importers import read, tools_of
from tool_dpo.tools.mcp_server import URLS, listed
from tool_dpo.tools.tool import parse_tool
from tool_dpo.tools.wording import word
from tool_dpo.triplets.generate import generate

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


def import_tools(source: str, *, mcp: bool = False) -> Imported:
    """Import the tools of a document or, with `mcp`, of a server. Tools that give no training data are skipped.

    `skipped` in the result gives the reason for each of them.

    Raises:
        InputError: the document cannot be read, the server does not answer, or no tool is left.
    """
    if not mcp and source.startswith(URLS):
        raise InputError(f"{source}: documents are read from files, nothing is fetched; for an MCP server add --mcp")
    path = Path(source)
    found = tools_of(listed(source)) if mcp else read(path)
    adopted = Imported(skipped=list(found.skipped), cut=found.cut)
    names: set[str] = set()
    for index, item in enumerate(tqdm(found.tools, desc="proving tools", delay=2)):
        try:
            worded = _proved(item, path)
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
    return adopted


def _name(item: Any) -> str:
    function = item.get("function") if isinstance(item, dict) else None
    return str(function.get("name", "")) if isinstance(function, dict) else ""


def _proved(item: Any, source: Path) -> dict[str, Any]:
    tool = parse_tool(item, source)
    worded: dict[str, Any] = item if tool.requests else word(tool)
    list(generate([parse_tool(worded, source)], _ONE, seed=0))
    return worded
