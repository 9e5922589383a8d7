"""Adopt the tools of a document: converted, given requests, and kept if they give a proved triplet."""

from pathlib import Path
from typing import Any, get_args

from tool_dpo.errors import InputError
from tool_dpo.generate import generate
from tool_dpo.importers import Imported, read
from tool_dpo.params import GenerateParams, Kind
from tool_dpo.tools import parse_tool
from tool_dpo.wording import word

_ONE = GenerateParams(source="catalog", triplets=1, variants=0, optional=0.5, mix=dict.fromkeys(get_args(Kind), 1.0))


def adopt(source: Path) -> Imported:
    """The tools of a document that training data can be made from, and why the others are skipped.

    Raises:
        InputError: the document cannot be read, or gives no such tool.
    """
    found = read(source)
    adopted = Imported(skipped=list(found.skipped), cut=found.cut)
    for item in found.tools:
        try:
            adopted.tools.append(_proved(item, source))
        except (ValueError, InputError) as error:
            name = item["function"]["name"] if isinstance(item, dict) and "function" in item else item
            adopted.skipped.append(f"{name}: {str(error).removeprefix(f'{source}: ')}")
    if not adopted.tools:
        reason = f": {adopted.skipped[0]}" if adopted.skipped else ""
        raise InputError(f"{source}: none of its {len(adopted.skipped)} operations is a tool{reason}")
    return adopted


def _proved(item: Any, source: Path) -> dict[str, Any]:
    tool = parse_tool(item, source)
    worded: dict[str, Any] = item if tool.requests else word(tool)
    list(generate([parse_tool(worded, source)], _ONE, seed=0))
    return worded
