"""Rates with their intervals, counts of failures, and the McNemar test."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_dpo.report.metrics import mcnemar, summarize
from tool_dpo.schema.verdict import FAILURES, Verdict


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


def test_each_rate_has_its_own_count() -> None:
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
