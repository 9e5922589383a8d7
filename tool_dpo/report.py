"""Compare models on the same answers, and show it: one metrics file, plots, and the table people read."""

import csv
import shutil
from itertools import combinations
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.records import Answer, atomic, read_answers, read_json, write_json
from tool_dpo.sspr import FAILURES, Verdict, judge, paired, summarize

MODELS = ("base", "sft", "dpo")


def score(answers: Path, out: Path) -> None:
    """Write the metrics of one model's answers."""
    write_json(out, summarize(judge_all(read_answers(answers))))


def judge_all(answers: list[Answer]) -> list[Verdict]:
    return [judge(answer.schema, answer.text, answer.expected) for answer in answers]


def compare(answers: Path, metrics: Path, curves: Path, out: Path, plots: Path) -> None:
    """Write paired tests between the models, and everything that is plotted: rates, failures, training curves.

    Raises:
        InputError: the models were asked different prompts.
    """
    said = {name: read_answers(answers / f"{name}.jsonl") for name in MODELS}
    if len({tuple(answer.prompt for answer in one) for one in said.values()}) > 1:
        raise InputError(f"{answers}: the models' answers are to different prompts")
    verdicts = {name: judge_all(one) for name, one in said.items()}
    result: dict[str, Any] = {}
    for first, second in combinations(MODELS, 2):
        result[f"{first}_to_{second}"] = paired(verdicts[first], verdicts[second])
    summaries = {name: read_json(metrics / f"{name}.json") for name in MODELS}
    rates = [(name, summaries[name][key]["rate"], key) for name in MODELS for key in ("sspr", "exact", "extracted")]
    _write_csv(plots / "rates.csv", ("model", "rate", "measure"), rates)
    counts = [(name, kind, summaries[name]["failures"][kind]) for name in MODELS for kind in FAILURES]
    _write_csv(plots / "failures.csv", ("model", "failure", "count"), counts)
    for curve in sorted(curves.glob("*.csv")):
        shutil.copyfile(curve, plots / curve.name)
    write_json(out, result)


def _write_csv(path: Path, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    with atomic(path) as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def table(metrics: Path) -> list[list[str]]:
    """The results as rows of cells, a header first: rates with intervals, paired tests, then each kind of failure.

    Raises:
        InputError: a metrics file is missing, or is not what `score` and `compare` write.
    """
    summaries = {name: read_json(metrics / f"{name}.json") for name in MODELS}
    tests = read_json(metrics / "compare.json")
    try:
        return _rows(summaries, tests)
    except (KeyError, TypeError) as error:
        raise InputError(f"{metrics}: not the metrics of this pipeline: {error} is missing") from None


def _rows(summaries: dict[str, Any], tests: dict[str, Any]) -> list[list[str]]:
    rows = [["", *MODELS], ["answers", *(str(one["n"]) for one in summaries.values())]]
    for key, label in (("sspr", "SSPR"), ("exact", "exact values"), ("extracted", "pass after extraction")):
        rows.append([label, *(cell(one[key]) for one in summaries.values())])
    for first in MODELS[:-1]:
        against = [tests.get(f"{first}_to_{second}") for second in MODELS]
        rows.append([f"SSPR against {first}, McNemar p", *(str(one["sspr"]["p"]) if one else "" for one in against)])
    for kind in FAILURES:
        rows.append([kind, *(str(one["failures"][kind]) for one in summaries.values())])
    return rows


def cell(rate: dict[str, float]) -> str:
    """A rate with its interval."""
    return f"{rate['rate']:.1%} ({rate['low']:.1%} to {rate['high']:.1%})"


def failures(summary: dict[str, Any]) -> str:
    """The kinds of failure that there are, with their counts."""
    return ", ".join(f"{kind} {count}" for kind, count in summary["failures"].items() if count)


def markdown(rows: list[list[str]]) -> str:
    """The rows as a Markdown table."""
    header, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([header, "|" + ":--|" * len(rows[0]), *body])
