"""The viewer: both calls, the broken place marked in each, and only the triplets asked for."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text

from tests.helpers import ROOT, load
from tool_dpo.records import write_lines
from tool_dpo.triplets.show import marked_json
from tool_dpo.triplets.triplet import proved

DOCUMENT = {"tool": "t", "parameters": {"items": [{"sku": "a"}, {"sku": "b", "n": []}], "b c": None}}


def marked(text: Text) -> list[str]:
    return [text.plain[span.start : span.end].strip() for span in text.spans if span.style == "red"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", [json.dumps(DOCUMENT, indent=2)]),
        ("$.parameters['b c']", ['"b c": null', "null"]),
        ("$.parameters.items[1].sku", ['"sku": "b"', '"b"']),
        ("$.parameters.items[1].missing", []),
    ],
)
def test_the_broken_place_is_marked(path: str, expected: list[str]) -> None:
    text = marked_json(DOCUMENT, path, "red")
    assert json.loads(text.plain) == DOCUMENT
    assert sorted(marked(text)) == sorted(expected)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("tool-dpo"), "show", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "120"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def triplets(tmp_path: Path) -> Path:
    good: dict[str, Any] = load("triplets")["triplet"]
    untitled = json.loads(good["chosen"])
    del untitled["parameters"]["title"]
    records = [good, good | {"rejected": json.dumps(untitled)}]
    write_lines(tmp_path / "triplets.jsonl", [proved(record).record() for record in records])
    return tmp_path / "triplets.jsonl"


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((), ["enum_violation (enum)", "missing_required (required)"]),
        (("--limit", 1), ["enum_violation (enum)"]),
        (("--violation", "missing_required"), ["missing_required (required)"]),
        (("--violation", "required"), ["missing_required (required)"]),
        (("--tool", "create_task"), ["enum_violation (enum)", "missing_required (required)"]),
    ],
)
def test_triplets_are_chosen_by_violation_and_tool(
    arguments: tuple[Any, ...], shown: list[str], triplets: Path
) -> None:
    result = run(triplets, *arguments)
    assert result.returncode == 0, result.stderr
    faults = [line.partition(" at ")[0] for line in result.stdout.splitlines() if " at $" in line]
    assert faults == shown
    assert result.stdout.count("rejected") == len(shown)


def test_nothing_to_show_is_one_line(triplets: Path) -> None:
    result = run(triplets, "--tool", "delete_task")
    assert (result.returncode, result.stderr.strip()) == (
        1,
        f"{triplets}: no triplet of violation any and tool delete_task",
    )
