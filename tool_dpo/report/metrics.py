"""Rates over many verdicts, with their intervals, and tests between two models. Both are over tools."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tool_dpo.kinds import OTHER
from tool_dpo.records import write_json
from tool_dpo.schema.answer import Answer, read_answers
from tool_dpo.schema.verdict import FAILURES, Verdict, judge

MODELS = ("base", "sft", "dpo")


def score(answers: Path, out: Path, details: Path) -> None:
    """Judge one model's answers: the rates people compare to `out`, and everything else to `details`."""
    said = read_answers(answers)
    summary = summarize(judge_all(said), tools_of(said))
    write_json(details, summary)
    write_json(out, {"sspr": summary["sspr"]["rate"], "exact": summary["exact"]["rate"], "n": summary["n"]})


def judge_all(answers: list[Answer]) -> list[Verdict]:
    """The verdict on each answer."""
    return [judge(answer.schema, answer.call, answer.expected, answer.found) for answer in answers]


def tools_of(answers: list[Answer]) -> list[str]:
    """The tool that each answer should call."""
    return [answer.tool for answer in answers]


def summarize(verdicts: Sequence[Verdict], tools: Sequence[str]) -> dict[str, Any]:
    """Counts and rates over n answers to requests to `tools`, rates with intervals; failures and passed sum to n."""
    failures = Counter(verdict.failure for verdict in verdicts)
    other = Counter(verdict.keyword for verdict in verdicts if verdict.failure == OTHER)
    return {
        "n": len(verdicts),
        "tools": len(set(tools)),
        "passed": failures[None],
        "sspr": rate([verdict.failure is None for verdict in verdicts], tools),
        "exact": rate([verdict.exact for verdict in verdicts], tools),
        "extracted": rate([verdict.extracted for verdict in verdicts], tools),
        "failures": {name: failures[name] for name in FAILURES},
        "other_keywords": {str(name): count for name, count in sorted(other.items(), key=str)},
    }


def rate(outcomes: Sequence[bool], tools: Sequence[str]) -> dict[str, float]:
    """The share of true outcomes, with its 95 % interval.

    The answers to requests to one tool are not independent, so the interval is a bootstrap over tools (BCa; Efron,
    1987). There is none if all tools have the same share. Then each tool counts as one answer in the interval of Wilson
    (1927).
    """
    from scipy.stats import binomtest, bootstrap

    groups = _by_tool(outcomes, tools)
    share = sum(outcomes) / len(outcomes)
    if len({sum(group) / len(group) for group in groups}) == 1:
        interval = binomtest(round(share * len(groups)), len(groups)).proportion_ci(method="wilson")
    else:
        interval = bootstrap(
            ([sum(group) for group in groups], [len(group) for group in groups]),
            lambda passed, asked, axis: passed.sum(axis) / asked.sum(axis),
            paired=True,
            rng=0,
        ).confidence_interval
    return {"rate": round(share, 4), "low": round(float(interval.low), 4), "high": round(float(interval.high), 4)}


def difference(first: Sequence[bool], second: Sequence[bool], tools: Sequence[str]) -> dict[str, float]:
    """Do two models differ on the same requests?

    `p` is of a two-sided permutation test over tools (Fisher, 1935): if the models were equally good, all their
    answers for any tool could be swapped. It is exact up to 13 tools that differ, else from 9,999 random swaps, and
    never below 0.0002. `mcnemar` is the p of the exact test of McNemar (1947), which takes all requests as independent.
    """
    from scipy.stats import binomtest, permutation_test

    changes = [after - before for before, after in zip(first, second, strict=True)]
    gained, lost = changes.count(1), changes.count(-1)
    differing = [change for change in map(sum, _by_tool(changes, tools)) if change]
    p = mcnemar = 1.0
    if len(differing) > 1:  # a single tool differs as much when it is swapped
        test = permutation_test(
            (differing,), lambda changes, axis: changes.sum(axis), permutation_type="samples", rng=0
        )
        p = test.pvalue
    if gained + lost:
        mcnemar = binomtest(gained, gained + lost).pvalue
    return {"gained": gained, "lost": lost, "p": float(f"{p:.3g}"), "mcnemar": float(f"{mcnemar:.3g}")}


def _by_tool(outcomes: Sequence[int], tools: Sequence[str]) -> list[list[int]]:
    groups: dict[str, list[int]] = {}
    for outcome, tool in zip(outcomes, tools, strict=True):
        groups.setdefault(tool, []).append(outcome)
    return list(groups.values())


def paired(first: Sequence[Verdict], second: Sequence[Verdict], tools: Sequence[str]) -> dict[str, Any]:
    """Both models' verdicts on the same requests compared: strict passes, and exact values."""
    return {
        "sspr": difference([one.failure is None for one in first], [one.failure is None for one in second], tools),
        "exact": difference([one.exact for one in first], [one.exact for one in second], tools),
    }


def headline(tests: dict[str, Any], displacement: float) -> dict[str, float]:
    """What people compare of two models' `paired` tests; `p` and `p_exact` are over tools."""
    sspr, exact = tests["sspr"], tests["exact"]
    return {
        "gained": sspr["gained"],
        "lost": sspr["lost"],
        "p": sspr["p"],
        "p_exact": exact["p"],
        "displacement": displacement,
    }
