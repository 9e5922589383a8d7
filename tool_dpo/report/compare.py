"""Compare the models on the same answers: metrics and plots."""

import csv
import shutil
from itertools import combinations
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.files import atomic
from tool_dpo.records import read_json, write_json
from tool_dpo.report.decisions import RATES, asked_for, said_as
from tool_dpo.report.metrics import MODELS, compared, headline
from tool_dpo.schema.answer import read_answers
from tool_dpo.schema.verdict import FAILURES


def compare(answers: Path, details: Path, curves: Path, out: Path, tests: Path, plots: Path) -> None:
    """Compare what the models answered.

    Args:
        answers: the folder of their answers; `details`: of their summaries; `curves`: of their training curves.
        out: DPO against SFT in a few numbers; `tests`: the paired tests of all models; `plots`: what is plotted.

    Raises:
        InputError: the models were asked different prompts.
    """
    said = {name: read_answers(answers / f"{name}.jsonl") for name in MODELS}
    if len({tuple(answer.prompt for answer in one) for one in said.values()}) > 1:
        raise InputError(f"{answers}: the models' answers are to different prompts")
    results: dict[str, Any] = {}
    for first, second in combinations(MODELS, 2):
        results[f"{first}_to_{second}"] = compared(said[first], said[second])
    summaries = {name: read_json(details / f"{name}.json") for name in MODELS}
    rates = [(name, one["rate"], key) for name in MODELS for key, one in _rates(summaries[name]).items()]
    _write_csv(plots / "rates.csv", ("model", "rate", "measure"), rates)
    counts = [(name, kind, summaries[name]["failures"][kind]) for name in MODELS for kind in FAILURES]
    _write_csv(plots / "failures.csv", ("model", "failure", "count"), counts)
    for name in MODELS:
        decided = [(asked_for(answer), said_as(answer)) for answer in said[name]]
        _write_csv(plots / f"decisions_{name}.csv", ("asked", "said"), decided)
    for curve in sorted(curves.glob("*.csv")):
        shutil.copyfile(curve, plots / curve.name)
    write_json(tests, results)
    write_json(out, headline(results["sft_to_dpo"], _last(curves / "dpo.csv", "displacement")))


def _rates(summary: dict[str, Any]) -> dict[str, Any]:
    """The rates of a model's summary, by name."""
    found = summary | summary.get("decisions", {})
    return {name: found[name] for name in ("sspr", "exact", "extracted", *RATES) if name in found}


def _last(curve: Path, column: str) -> float:
    with curve.open(encoding="utf-8") as file:
        *_, row = csv.DictReader(file)
    return round(float(row[column]), 4)


def _write_csv(path: Path, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    with atomic(path) as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
