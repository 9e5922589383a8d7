"""Judge all models' answers to BFCL: strict schema, the right tool, and the right values by BFCL's own rules."""

from itertools import combinations
from pathlib import Path
from typing import Any

from benchmarks.bfcl.check import correct
from tool_dpo.errors import run
from tool_dpo.records import read_lines, write_json
from tool_dpo.report.metrics import MODELS, judge_all, summarize, tools_of
from tool_dpo.report.rates import difference, rate
from tool_dpo.schema.answer import Answer, read_answers
from tool_dpo.schema.documents import parse
from tool_dpo.stage import paths


def main() -> None:
    cases, answers, out = paths("cases", "answers", "out", description=__doc__)
    write_json(out, score([case for _, case in read_lines(cases)], answers))


def score(cases: list[dict[str, Any]], answers: Path) -> dict[str, Any]:
    """Metrics of each model, paired tests between them, and the cases left out since no accepted call is strict."""
    asked = [case for case in cases if case["expected"] is not None]
    result: dict[str, Any] = {"excluded": [case["id"] for case in cases if case["expected"] is None]}
    passed, right = {}, {}
    for model in MODELS:
        said = read_answers(answers / f"{model}.jsonl")
        verdicts = judge_all(said)
        calls = [_call(answer) for answer in said]
        passed[model] = [verdict.failure is None for verdict in verdicts]
        right[model] = [
            correct(case["function"], case["accepted"], *call) for case, call in zip(asked, calls, strict=True)
        ]
        asked_of = tools_of(said)
        summary = summarize(verdicts, asked_of)
        chosen = [tool == case["tool"] for case, (tool, _) in zip(asked, calls, strict=True)]
        result[model] = {
            **{name: summary[name] for name in ("n", "sspr", "failures", "other_keywords")},
            "tool": rate(chosen, asked_of),
            "values": rate(right[model], asked_of),
        }
    for first, second in combinations(MODELS, 2):
        result[f"{first}_to_{second}"] = {
            "sspr": difference(passed[first], passed[second], asked_of),
            "values": difference(right[first], right[second], asked_of),
        }
    return result


def _call(answer: Answer) -> tuple[Any, dict[str, Any]]:
    """The tool and the parameters that an answer names; nothing where it is no such call."""
    try:
        call = parse(answer.call)
    except ValueError:
        return None, {}
    parameters = call.get("parameters") if isinstance(call, dict) else None
    return (call["tool"], parameters) if isinstance(parameters, dict) and "tool" in call else (None, {})


if __name__ == "__main__":
    run(main)
