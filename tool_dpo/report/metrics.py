"""Rates over many verdicts, with their intervals, and paired tests between two models."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tool_dpo.kinds import OTHER
from tool_dpo.records import write_json
from tool_dpo.schema.answer import Answer, read_answers
from tool_dpo.schema.verdict import FAILURES, Verdict, judge

MODELS = ("base", "sft", "dpo")
_SMALLEST_P = 1e-4
"""`dvc exp show` rounds to five digits, and 0.0 would be wrong."""


def score(answers: Path, out: Path, details: Path) -> None:
    """Judge one model's answers: the rates people compare to `out`, and everything else to `details`."""
    summary = summarize(judge_all(read_answers(answers)))
    write_json(details, summary)
    write_json(out, {"sspr": summary["sspr"]["rate"], "exact": summary["exact"]["rate"], "n": summary["n"]})


def judge_all(answers: list[Answer]) -> list[Verdict]:
    """The verdict on each answer."""
    return [judge(answer.schema, answer.call, answer.expected, answer.found) for answer in answers]


def summarize(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Counts and rates over n answers, rates with 95 % intervals (Wilson, 1927); failures and passed sum to n."""
    n = len(verdicts)
    failures = Counter(verdict.failure for verdict in verdicts)
    other = Counter(verdict.keyword for verdict in verdicts if verdict.failure == OTHER)
    passed = failures[None]
    return {
        "n": n,
        "passed": passed,
        "sspr": rate(passed, n),
        "exact": rate(sum(verdict.exact for verdict in verdicts), n),
        "extracted": rate(sum(verdict.extracted for verdict in verdicts), n),
        "failures": {name: failures[name] for name in FAILURES},
        "other_keywords": {str(name): count for name, count in sorted(other.items(), key=str)},
    }


def rate(count: int, n: int) -> dict[str, float]:
    """The share of `count` in `n`, with its 95 % interval (Wilson, 1927)."""
    from scipy.stats import binomtest

    interval = binomtest(count, n).proportion_ci(method="wilson")
    return {"rate": round(count / n, 4), "low": round(float(interval.low), 4), "high": round(float(interval.high), 4)}


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> dict[str, float]:
    """Do two models differ on the same cases? The exact two-sided McNemar test (McNemar, 1947) on paired outcomes."""
    from scipy.stats import binomtest

    gained = sum(not a and b for a, b in zip(first, second, strict=True))
    lost = sum(a and not b for a, b in zip(first, second, strict=True))
    p = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    return {"gained": gained, "lost": lost, "p": float(f"{p:.3g}")}


def paired(first: Sequence[Verdict], second: Sequence[Verdict]) -> dict[str, Any]:
    """Both models' verdicts on the same prompts compared: strict passes, and exact values."""
    return {
        "sspr": mcnemar([one.failure is None for one in first], [one.failure is None for one in second]),
        "exact": mcnemar([one.exact for one in first], [one.exact for one in second]),
    }


def headline(tests: dict[str, Any], displacement: float) -> dict[str, float]:
    """What people compare of two models' `paired` tests: `p` of at most 1e-4 is 1e-4, since DVC rounds it."""
    sspr, exact = tests["sspr"], tests["exact"]
    return {
        "gained": sspr["gained"],
        "lost": sspr["lost"],
        "p": max(sspr["p"], _SMALLEST_P),
        "p_exact": max(exact["p"], _SMALLEST_P),
        "displacement": displacement,
    }
