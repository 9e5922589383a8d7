"""Cases read from JSON files, the tool that most of them are about, and the project's params and command."""

import copy
import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tool_dpo.params import ModelParams, load_params, read_section
from tool_dpo.tools.tool import Tool, parse_tool

CASES = Path(__file__).parent / "cases"
ROOT = Path(__file__).resolve().parents[1]


def params_with_tiny() -> str:
    """The project's params.yaml, with the tiny model among its models, which come last there."""
    return f"{(ROOT / 'params.yaml').read_text().rstrip()}\n\n{(ROOT / 'tests/tiny.yaml').read_text()}"


PARAMS = load_params(ROOT / "params.yaml")
TINY = read_section(ModelParams, YAML(typ="safe").load((ROOT / "tests/tiny.yaml").read_text())["tiny"])


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


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What `tool-dpo` prints and returns, in a terminal 120 columns wide."""
    program = "from tool_dpo.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "COLUMNS": "120", "TQDM_DISABLE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def curve(path: Path) -> list[dict[str, float]]:
    """The rows of a training curve."""
    with path.open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
