"""What is counted over many answers: strict passes, failures, decisions; and two models compared."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.kinds import OTHER
from tool_dpo.records import write_json
from tool_dpo.report.decisions import RATES, calling, decided, decisions
from tool_dpo.report.rates import difference, rate
from tool_dpo.schema.answer import Answer, read_answers
from tool_dpo.schema.verdict import FAILURES, Verdict, judge

MODELS = ("base", "sft", "dpo")


def score(answers: Path, out: Path, details: Path) -> None:
    """Judge one model's answers: the rates people compare to `out`, and everything else to `details`.

    Raises:
        InputError: it is no file of answers, or no request asks for a call.
    """
    said = read_answers(answers)
    if not calling(said):
        raise InputError(f"{answers}: no request that asks for a call")
    summary = measure(said)
    rates = {name: summary[name]["rate"] for name in ("sspr", "exact")}
    decided = {name: one["rate"] for name, one in summary.get("decisions", {}).items() if name in RATES}
    write_json(details, summary)
    write_json(out, {**rates, **decided, "n": summary["n"]})


def measure(answers: Sequence[Answer]) -> dict[str, Any]:
    """The `summarize` of the answers to requests that ask for a call, and the `decisions` of all, if there are any."""
    asked = calling(answers)
    found = decisions(answers)
    return summarize(judge_all(asked), tools_of(asked)) | ({"decisions": found} if found else {})


def compared(first: Sequence[Answer], second: Sequence[Answer]) -> dict[str, Any]:
    """Both models' answers to the same requests compared: strict passes and exact values of calls, and decisions."""
    before, after = calling(first), calling(second)
    return paired(judge_all(before), judge_all(after), tools_of(before)) | decided(first, second)


def judge_all(answers: Sequence[Answer]) -> list[Verdict]:
    """The verdict on each answer."""
    return [judge(answer.schema, answer.call, answer.expected, answer.found) for answer in answers]


def tools_of(answers: Sequence[Answer]) -> list[str]:
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
