"""Triplets: a file is read only if each line has a valid chosen call and the fault that it states."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import changed, load, params_of
from tool_dpo.errors import InputError
from tool_dpo.triplets.triplet import Triplet, proved, read_triplets

CASES = load("triplets")
GOOD = CASES["triplet"]
ASKED = {
    "request": "Create a task with title 'Review PR' and priority high.",
    "tools": json.dumps(
        [
            {
                "type": "function",
                "function": {"name": "create_task", "parameters": GOOD["schema"]["properties"]["parameters"]},
            }
        ]
    ),
}
"""What a triplet of the four fields gets."""
STATED = {"tool": "create_task", "violation": "enum_violation", "keyword": "enum", "path": "$.parameters.priority"}


def write(folder: Path, *lines: str) -> Path:
    path = folder / "triplets.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def complaint(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        list(read_triplets(path))
    return str(caught.value)


def test_four_fields_are_enough_and_the_rest_is_worked_out() -> None:
    assert proved(GOOD).record() == GOOD | STATED | ASKED


def test_correct_labels_are_accepted(tmp_path: Path) -> None:
    edit = {"op": "replace", "path": "/parameters/priority", "value": "urgent"}
    path = write(tmp_path, json.dumps(GOOD), json.dumps(GOOD | STATED | {"edit": edit, "source": "mine"}))
    triplet = Triplet(**GOOD, **STATED, **ASKED)
    assert list(read_triplets(path)) == [triplet, replace(triplet, edit=edit)]


@pytest.mark.parametrize("layout", [{"separators": (",", ":")}, {"indent": 2}, {"sort_keys": True}])
def test_an_edit_applies_to_documents_whatever_their_layout(layout: dict[str, Any]) -> None:
    edit = {"op": "replace", "path": "/parameters/priority", "value": "urgent"}
    texts = {name: json.dumps(json.loads(GOOD[name]), **layout) for name in ("chosen", "rejected")}
    assert proved(GOOD | texts | {"edit": edit}).edit == edit


@pytest.mark.parametrize(
    ("violation", "rejected", "path"),
    [
        ("json_error", GOOD["chosen"][:-1], "$"),
        ("wrong_value", GOOD["chosen"].replace("high", "low"), "$.parameters.priority"),
    ],
)
def test_faults_beyond_the_schema_are_accepted_where_they_are_labelled(
    violation: str, rejected: str, path: str
) -> None:
    triplet = proved(GOOD | {"rejected": rejected, "violation": violation})
    assert (triplet.violation, triplet.path) == (violation, path)


def test_a_reference_inside_the_schema_is_followed() -> None:
    schema = GOOD["schema"]
    record = changed(GOOD, {"schema.$defs": {"p": schema["properties"]["parameters"]}})
    referring = changed(record, {"schema.properties.parameters": {"$ref": "#/$defs/p"}})
    triplet = proved(referring)
    assert triplet.violation == "enum_violation"
    (tool,) = json.loads(triplet.tools)
    assert tool["function"]["parameters"] == {"$defs": record["schema"]["$defs"], "$ref": "#/$defs/p"}


@pytest.mark.parametrize("case", params_of(CASES["cases"]))
def test_an_invalid_triplet_is_reported_with_its_line(case: dict[str, Any], tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps(GOOD), json.dumps(changed(GOOD, case["set"])))
    assert complaint(path) == f"{path}:2: {case['error']}"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (json.dumps(GOOD)[:-40], "not a JSON line: "),
        ("", "not a JSON line: "),
        ("[" * 100_000, "not a JSON line: "),
        ("[]", "expected a JSON object, got list"),
    ],
)
def test_a_line_that_is_no_object_is_reported(line: str, reason: str, tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps(GOOD), line)
    assert complaint(path).startswith(f"{path}:2: {reason}")


def test_an_empty_or_missing_file_is_reported(tmp_path: Path) -> None:
    empty = write(tmp_path)
    assert complaint(empty) == f"{empty}: no triplets"
    assert complaint(tmp_path / "none.jsonl") == f"{tmp_path / 'none.jsonl'}: no such file"
