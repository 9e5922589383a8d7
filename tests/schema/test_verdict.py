"""Verdicts on single answers."""

from typing import Any

import pytest

from tests.helpers import load, params_of
from tool_dpo.schema.calls import call_schema
from tool_dpo.schema.verdict import Verdict, judge

CASES = load("answers")
SCHEMA = call_schema("create_task", CASES["parameters"])


@pytest.mark.parametrize("case", params_of(CASES["cases"]))
def test_verdicts(case: dict[str, Any]) -> None:
    assert judge(SCHEMA, case["text"], CASES["expected"]) == Verdict(
        failure=case["failure"],
        keyword=case.get("keyword", "json" if case["failure"] == "json_error" else None),
        exact=case.get("exact", False),
        extracted=case.get("extracted", False),
    )


def test_no_answer_is_exact_without_an_expected_call() -> None:
    assert not judge(SCHEMA, CASES["expected"]).exact


def test_deeply_nested_answers_get_a_verdict() -> None:
    schema = {"$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}}}, "$ref": "#/$defs/tree", "type": "object"}
    verdicts = {judge(schema, "[" * depth + "]" * depth).failure for depth in (*range(50, 1000, 9), 990, 991, 100_000)}
    assert verdicts == {"type_mismatch", "json_error"}
