"""Score answers, and compare models on the same ones: metrics and plots."""

import csv
import shutil
from itertools import combinations
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.records import atomic, read_json, write_json
from tool_dpo.report.metrics import paired, summarize
from tool_dpo.report.tables import MODELS
from tool_dpo.schema.answer import Answer, read_answers
from tool_dpo.schema.verdict import FAILURES, Verdict, judge


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
