"""Put the scores of all models on BFCL together, with paired tests between them."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from benchmarks.bfcl.score import DECIDED, Said, answers_of, groups, read_said, right
from tool_dpo.errors import run
from tool_dpo.records import read_json, read_lines, write_json
from tool_dpo.report.decisions import calling, decided
from tool_dpo.report.metrics import MODELS, judge_all, tools_of
from tool_dpo.report.rates import difference
from tool_dpo.stage import paths


def main() -> None:
    cases, answers, scores, out = paths("cases", "answers", "scores", "out", description=__doc__)
    result: dict[str, Any] = {"excluded": [case["id"] for _, case in read_lines(cases) if case["expected"] is None]}
    result |= {model: read_json(scores / f"{model}.json") for model in MODELS}
    said = {model: read_said(cases, answers / f"{model}.jsonl") for model in MODELS}
    for first, second in combinations(MODELS, 2):
        result[f"{first}_to_{second}"] = compare(said[first], said[second])
    write_json(out, result)


def compare(first: Sequence[Said], second: Sequence[Said]) -> dict[str, Any]:
    """Paired tests of each group of categories: of strict passes, of right values, and of decisions."""
    others = groups(second)
    return {name: _tests(some, others[name]) for name, some in groups(first).items()}


def _tests(first: Sequence[Said], second: Sequence[Said]) -> dict[str, Any]:
    before, after = answers_of(first), answers_of(second)
    tests = {name: test for name, test in decided(before, after).items() if name in DECIDED}
    if not calling(before):
        return tests
    passed, passed_after = ([verdict.failure is None for verdict in judge_all(one)] for one in (before, after))
    asked_of = tools_of(before)
    return {
        "sspr": difference(passed, passed_after, asked_of),
        "values": difference(right(first), right(second), asked_of),
        **tests,
    }


if __name__ == "__main__":
    run(main)
