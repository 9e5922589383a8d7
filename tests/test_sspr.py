"""The figures: verdicts on answers, rates and tests."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import load, params_of
from tool_dpo.report.metrics import mcnemar, summarize
from tool_dpo.schema.calls import call_schema
from tool_dpo.schema.verdict import FAILURES, Verdict, judge

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


def test_nothing_is_exact_where_nothing_is_expected() -> None:
    assert not judge(SCHEMA, CASES["expected"]).exact


def test_no_nesting_is_too_deep_for_a_verdict() -> None:
    schema = {"$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}}}, "$ref": "#/$defs/tree", "type": "object"}
    verdicts = {judge(schema, "[" * depth + "]" * depth).failure for depth in (*range(50, 1000, 9), 990, 991, 100_000)}
    assert verdicts == {"type_mismatch", "json_error"}


def verdict(failure: str | None, exact: bool = False, extracted: bool = False) -> Verdict:
    return Verdict(failure, "format" if failure == "other_schema_error" else None, exact, extracted or not failure)


@given(st.lists(st.builds(verdict, st.sampled_from([None, *FAILURES]), st.booleans(), st.booleans()), min_size=1))
def test_counts_sum_to_the_number_of_answers(verdicts: list[Verdict]) -> None:
    summary = summarize(verdicts)
    assert summary["n"] == len(verdicts)
    assert summary["passed"] + sum(summary["failures"].values()) == summary["n"]
    assert sum(summary["other_keywords"].values()) == summary["failures"]["other_schema_error"]
    assert tuple(summary["failures"]) == FAILURES
    for name in ("sspr", "exact", "extracted"):
        assert 0 <= summary[name]["low"] <= summary[name]["rate"] <= summary[name]["high"] <= 1


def test_each_rate_counts_its_own() -> None:
    verdicts = [verdict(None, exact=True), verdict(None), verdict("json_error", extracted=True), verdict("wrong_tool")]
    summary = summarize(verdicts)
    assert [summary[name]["rate"] for name in ("sspr", "exact", "extracted")] == [0.5, 0.25, 0.75]


@pytest.mark.parametrize(
    ("passed", "n", "low", "high"),
    [  # Wilson's interval without continuity correction, z = 1.96; 81/263 and 15/148 are from Newcombe (1998)
        (8, 10, 0.4902, 0.9433),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (50, 100, 0.4038, 0.5962),
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
    ],
)
def test_rates_have_wilson_intervals(passed: int, n: int, low: float, high: float) -> None:
    verdicts = [verdict(None)] * passed + [verdict("json_error")] * (n - passed)
    assert summarize(verdicts)["sspr"] == {"rate": round(passed / n, 4), "low": low, "high": high}


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [(6, 1, 0.125), (1, 6, 0.125), (0, 0, 1.0), (5, 5, 1.0), (0, 5, 0.0625), (10, 0, 0.00195), (3, 1, 0.625)],
)
@pytest.mark.parametrize("agreed", [0, 7])
def test_mcnemar(gained: int, lost: int, p: float, agreed: int) -> None:
    first = [False] * gained + [True] * lost + [True, False] * agreed
    second = [True] * gained + [False] * lost + [True, False] * agreed
    assert mcnemar(first, second) == {"gained": gained, "lost": lost, "p": p}


def test_mcnemar_needs_pairs() -> None:
    with pytest.raises(ValueError, match="shorter"):
        mcnemar([True], [])
