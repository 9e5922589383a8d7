"""Rates with their intervals, counts of failures, and tests between two models, all over tools."""

from itertools import product
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from tool_dpo.report.metrics import summarize
from tool_dpo.report.rates import difference, rate
from tool_dpo.schema.verdict import FAILURES, Verdict

OUTCOMES = st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from("abcdefghijklm")), min_size=1, max_size=40)
"""Of requests to at most 13 tools: is the first model right, is the second, and the tool."""


def verdict(failure: str | None, exact: bool = False, extracted: bool = False) -> Verdict:
    return Verdict(failure, "format" if failure == "other_schema_error" else None, exact, extracted or not failure)


def apart(n: int) -> list[str]:
    """A tool for each of n requests."""
    return [str(number) for number in range(n)]


@given(
    st.lists(
        st.tuples(st.builds(verdict, st.sampled_from([None, *FAILURES]), st.booleans(), st.booleans()), st.text("ab")),
        min_size=1,
    )
)
def test_counts_sum_to_the_number_of_answers(judged: list[tuple[Verdict, str]]) -> None:
    verdicts, tools = zip(*judged, strict=True)
    summary = summarize(verdicts, tools)
    assert summary["n"] == len(verdicts)
    assert summary["tools"] == len(set(tools))
    assert summary["passed"] + sum(summary["failures"].values()) == summary["n"]
    assert sum(summary["other_keywords"].values()) == summary["failures"]["other_schema_error"]
    assert tuple(summary["failures"]) == FAILURES
    for name in ("sspr", "exact", "extracted"):
        assert 0 <= summary[name]["low"] <= summary[name]["rate"] <= summary[name]["high"] <= 1


def test_each_rate_has_its_own_count() -> None:
    verdicts = [verdict(None, exact=True), verdict(None), verdict("json_error", extracted=True), verdict("wrong_tool")]
    summary = summarize(verdicts, apart(4))
    assert [summary[name]["rate"] for name in ("sspr", "exact", "extracted")] == [0.5, 0.25, 0.75]


@pytest.mark.parametrize(
    ("by_tool", "low", "high"),
    [  # Wilson's interval of as many answers as there are tools, without continuity correction, z = 1.96
        ([[0]] * 10, 0.0, 0.2775),
        ([[0, 0, 0]] * 10, 0.0, 0.2775),
        ([[1]] * 10, 0.7225, 1.0),
        ([[1] * 5, *[[1]] * 9], 0.7225, 1.0),
        ([[0, 1], [1, 0], [0, 0, 1, 1], [1, 0]], 0.15, 0.85),
        ([[0] * 20], 0.0, 0.7935),
        ([[1]], 0.2065, 1.0),
        ([[0, 1, 1]], 0.2065, 1.0),
    ],
)
def test_tools_that_are_all_alike_have_wilson_intervals(by_tool: list[list[bool]], low: float, high: float) -> None:
    outcomes = [outcome for group in by_tool for outcome in group]
    found = rate(outcomes, [str(tool) for tool, group in enumerate(by_tool) for _ in group])
    assert found == {"rate": round(sum(outcomes) / len(outcomes), 4), "low": low, "high": high}


@pytest.mark.parametrize(("passed", "n"), [(50, 100), (81, 263), (150, 1000), (900, 1000)])
def test_with_one_request_a_tool_intervals_are_about_those_over_requests(passed: int, n: int) -> None:
    found = rate([True] * passed + [False] * (n - passed), apart(n))
    wilson = binomtest(passed, n).proportion_ci(method="wilson")
    assert (found["low"], found["high"]) == pytest.approx((wilson.low, wilson.high), abs=0.01)


def test_requests_that_pass_or_fail_together_count_once() -> None:
    """Nine requests to each of 100 tools, all alike, tell as much as one: the interval is three times as wide."""
    one = rate([True] * 70 + [False] * 30, apart(100))
    nine = rate([True] * 630 + [False] * 270, [tool for tool in apart(100) for _ in range(9)])
    assert nine == one
    over_requests = rate([True] * 630 + [False] * 270, apart(900))
    assert (nine["high"] - nine["low"]) / (over_requests["high"] - over_requests["low"]) == pytest.approx(3, rel=0.1)


def test_tools_weigh_as_much_as_they_are_asked() -> None:
    """20 tools of one request that fail and 20 of four that pass. By the delta method, the variance is that of the sum
    of passed - share * asked over tools, in all 40 (20 * 0.8**2 + 20 * 0.8**2), divided by the square of 100."""
    outcomes = [False] * 20 + [True] * 80
    found = rate(outcomes, apart(20) + [f"asked {tool}" for tool in apart(20) for _ in range(4)])
    half = 1.96 * sqrt(20 * 0.8**2 + 20 * (4 - 4 * 0.8) ** 2) / 100
    assert found["rate"] == 0.8
    assert (found["high"] - found["low"]) / 2 == pytest.approx(half, rel=0.1)


@pytest.mark.filterwarnings("error")
@given(OUTCOMES)
def test_an_interval_holds_the_rate(outcomes: list[tuple[bool, bool, str]]) -> None:
    right, _, tools = zip(*outcomes, strict=True)
    found = rate(right, tools)
    assert 0 <= found["low"] <= found["rate"] <= found["high"] <= 1
    assert found["low"] < found["high"]
    assert found == rate(right, tools)


@pytest.mark.parametrize(
    ("changes", "gained", "lost", "p", "mcnemar"),
    [  # of each tool: what the second model gains in each request
        ([[1], [1], [1]], 3, 0, 0.25, 0.25),  # of 8 ways to swap, all gained and all lost
        ([[-1], [-1], [-1]], 0, 3, 0.25, 0.25),
        ([[1] * 5], 5, 0, 1.0, 0.0625),
        ([[1] * 5, [0] * 3, [0]], 5, 0, 1.0, 0.0625),
        ([[1, 1], [1, 1], [-1]], 4, 1, 0.5, 0.375),  # 3 or more, of 5, 3, 1, -1 and their negatives
        ([[1, -1], [1]], 2, 1, 1.0, 1.0),
        ([[1, -1], [-1, 1]], 2, 2, 1.0, 1.0),
        ([[1], [-1]], 1, 1, 1.0, 1.0),
        ([[1]] * 6 + [[-1]], 6, 1, 0.125, 0.125),
        ([[1]] * 13, 13, 0, 0.000244, 0.000244),
        ([[0], [0, 0]], 0, 0, 1.0, 1.0),
    ],
)
@pytest.mark.parametrize("agreed", [0, 7])
def test_models_differ_by_tools(
    changes: list[list[int]], gained: int, lost: int, p: float, mcnemar: float, agreed: int
) -> None:
    by_request = [(change, str(tool)) for tool, group in enumerate(changes) for change in group]
    first = [change < 0 for change, _ in by_request] + [True, False] * agreed
    second = [change > 0 for change, _ in by_request] + [True, False] * agreed
    tools = [tool for _, tool in by_request] + apart(2 * agreed)
    assert difference(first, second, tools) == {"gained": gained, "lost": lost, "p": p, "mcnemar": mcnemar}


@pytest.mark.filterwarnings("error")
@given(OUTCOMES)
def test_p_is_the_share_of_swaps_that_differ_as_much(outcomes: list[tuple[bool, bool, str]]) -> None:
    first, second, tools = zip(*outcomes, strict=True)
    by_tool = [sum(b - a for a, b, other in outcomes if other == tool) for tool in sorted(set(tools))]
    totals = [abs(sum(swapped)) for swapped in product(*({change, -change} for change in by_tool))]
    p = sum(total >= abs(sum(by_tool)) for total in totals) / len(totals)
    found = difference(first, second, tools)
    assert found["p"] == pytest.approx(p, rel=0.005)
    assert found == difference(first, second, tools)
    assert found["p"] == difference(second, first, tools)["p"]


def test_p_of_many_tools_is_estimated() -> None:
    """With one request a tool, the test is McNemar's."""
    first, second = [False] * 40 + [True] * 20, [True] * 40 + [False] * 20
    found = difference(first, second, apart(60))
    assert found["p"] == pytest.approx(found["mcnemar"], rel=0.3)
    assert found == difference(first, second, apart(60))
    assert difference([False] * 200, [True] * 200, apart(200))["p"] == 0.0002


def test_a_difference_needs_pairs() -> None:
    with pytest.raises(ValueError, match="shorter"):
        difference([True], [], ["a"])
