"""SSPR, the Strict Schema Pass Rate: the share of answers that are, whole, one JSON call valid for the schema."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tool_dpo.schema import KINDS, OTHER, WRONG_VALUE, Schema, faults

FAILURES = tuple(kind for kind in KINDS if kind != WRONG_VALUE)


@dataclass(frozen=True)
class Verdict:
    """What an answer comes to.

    `failure` is None for a strict pass, else the first of FAILURES that the answer has; `exact` says that the
    call is the expected one, values and all; `extracted` that the first JSON object in the text would pass.
    """

    failure: str | None
    keyword: str | None
    exact: bool
    extracted: bool


def judge(schema: Schema, text: str, expected: str | None = None) -> Verdict:
    """The verdict on one answer."""
    found = faults(schema, text, expected)
    if not found or found[0].kind == WRONG_VALUE:
        return Verdict(None, None, exact=expected is not None and not found, extracted=True)
    return Verdict(found[0].kind, found[0].keyword, exact=False, extracted=_extracted(schema, text))


def _extracted(schema: Schema, text: str) -> bool:
    start = text.find("{")
    if start < 0:
        return False
    try:
        _, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return False
    return not faults(schema, text[start:end])


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
