"""Verdicts on single answers."""

import json
from typing import Any

import pytest

from tests.helpers import load, params_of
from tool_dpo.formats.plain import Plain
from tool_dpo.schema.calls import call_schema, several_schema
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.verdict import Verdict, judge
from tool_dpo.schema.violations import faults

CASES = load("answers")
SCHEMA = call_schema("create_task", CASES["parameters"])


@pytest.mark.parametrize("case", params_of(CASES["cases"]))
def test_verdicts(case: dict[str, Any]) -> None:
    read = Plain().read(case["text"])
    assert judge(SCHEMA, read.call, CASES["expected"], read.found) == Verdict(
        failure=case["failure"],
        keyword=case.get("keyword", "json" if case["failure"] == "json_error" else None),
        exact=case.get("exact", False),
        extracted=case.get("extracted", False),
    )


@pytest.mark.parametrize("case", params_of(CASES["several"]["cases"]))
def test_verdicts_on_several_calls(case: dict[str, Any]) -> None:
    schema, expected = several_schema(CASES["several"]["tools"], count=2), CASES["several"]["expected"]
    found = faults(schema, case["text"], expected)
    assert [f"{one.kind} at {one.path}" for one in found] == case["faults"]
    verdict = judge(schema, case["text"], expected)
    failure = case.get("failure", next((one.kind for one in found if one.kind != "wrong_value"), None))
    assert (verdict.failure, verdict.keyword) == (failure, case.get("keyword"))
    assert verdict.exact == case.get("exact", False)


def test_no_answer_is_exact_without_an_expected_call() -> None:
    assert not judge(SCHEMA, CASES["expected"]).exact


def test_deeply_nested_answers_get_a_verdict() -> None:
    schema = {"$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}}}, "$ref": "#/$defs/tree", "type": "object"}
    verdicts = {judge(schema, "[" * depth + "]" * depth).failure for depth in (*range(50, 1000, 9), 990, 991, 100_000)}
    assert verdicts == {"type_mismatch", "json_error"}


@pytest.mark.parametrize("case", load("sspr"), ids=lambda case: case["name"])
def test_found_before(case: dict[str, Any]) -> None:
    verdict = judge(call_schema("t", case["parameters"]), json.dumps({"tool": "t", "parameters": case["arguments"]}))
    kind, _, keyword = case["expected"].partition(" ")
    assert (verdict.failure or "pass") == kind
    assert not keyword or verdict.keyword == keyword


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"format": "duration"}, '"P1e9999999D"'),
        ({"format": "regex"}, '"(("'),
        ({"format": "regex", "maxLength": 5}, '"a{9999999999}"'),
        ({"type": "array"}, None),
        ({"items": {"$ref": "#"}}, "[" * 900 + "]" * 900),
        ({"items": {"$ref": "#"}}, "[" * 100_000 + "]" * 100_000),
        ({"maximum": 5}, "9" * 5000),
        ({"maximum": 5}, "9" * 300),
        ({"type": "number"}, "1e999"),
        ({"type": "string"}, '"\\ud800"'),
        ({"type": "integer"}, "\ud800"),
        ({"not": {"pattern": r"^(?:(a|aa)+)\1$"}}, json.dumps("a" * 60 + "!")),
        ({"properties": {"tool": {}}}, "\x00"),
    ],
)
def test_an_answer_never_raises(schema: Schema, text: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tool_dpo.schema.engine.PATIENCE", 0.1)
    assert judge(schema, text).failure
