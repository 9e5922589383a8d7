"""Cases read from JSON files, and the tool that most of them are about."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tool_dpo.tools.tool import Tool, parse_tool

CASES = Path(__file__).parent / "cases"
ROOT = Path(__file__).resolve().parents[1]


def load(name: str) -> Any:
    return json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))


def params_of(cases: list[dict[str, Any]]) -> list[Any]:
    """The cases as pytest parameters, named by their `id`."""
    return [pytest.param(case, id=case["id"]) for case in cases]


def changed(document: Any, changes: dict[str, Any]) -> Any:
    """A copy of the document with the value at each dotted path replaced, or removed where it is `...`."""
    result = copy.deepcopy(document)
    for path, value in changes.items():
        *parents, last = (int(part) if part.isdecimal() else part for part in path.split("."))
        place = result
        for part in parents:
            place = place[part]
        if value == "...":
            del place[last]
        else:
            place[last] = value
    return result


TASK_ITEM: dict[str, Any] = load("tool")


def task(**changes: Any) -> Tool:
    """The tool of cases/tool.json; a keyword is a dotted path into it, with `__` for the dots."""
    return parse_tool(changed(TASK_ITEM, {path.replace("__", "."): value for path, value in changes.items()}), CASES)
