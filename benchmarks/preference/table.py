"""Tables of the study's results: the rates of each row, and what it changed against the SFT model it started from."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from tool_dpo.records import read_json
from tool_dpo.report.decisions import RATES
from tool_dpo.report.tables import cell, failures

ALONE = "SFT alone"
MEASURES = ("sspr", "exact", *RATES)


@dataclass(frozen=True)
class _Row:
    name: str
    summary: dict[str, Any]
    tests: dict[str, Any]
    curve: Path | None
    cost: dict[str, Any]


def levels(results: Sequence[Path]) -> list[list[str]]:
    """The rates of each row with their intervals."""
    header = ["row", "calls", *MEASURES, "failures"]
    rows = []
    for row in _rows(results):
        found = {**row.summary, **row.summary.get("decisions", {})}
        cells = [cell(found[name]) if name in found else "" for name in MEASURES]
        rows.append([row.name, str(row.summary["n"]), *cells, failures(row.summary)])
    return [header, *rows]


def changes(results: Sequence[Path]) -> list[list[str]]:
    """What each row gained and lost against its SFT model, the last margin of its training, and what it cost."""
    header = ["row", *(f"{name}: gained, lost" for name in MEASURES), "margin", "training", "answers"]
    rows = []
    for row in _rows(results):
        tests = [_tested(row.tests[name]) if name in row.tests else "" for name in MEASURES]
        cost = [_cost(row.cost[name]) if name in row.cost else "" for name in ("training", "answers")]
        rows.append([row.name, *tests, _margin(row.curve), *cost])
    return [header, *rows]


def _rows(results: Sequence[Path]) -> list[_Row]:
    """A row for each result, and one for the SFT model of those after it where that has no result of its own."""
    rows: list[_Row] = []
    sft = None
    for path in results:
        result = read_json(path)
        cost = result.get("cost", {})
        if "dpo" not in result:
            rows.append(_Row(path.stem, result["sft"], {}, None, cost))
        else:
            if result["sft"] != sft:
                rows.append(_Row(ALONE, result["sft"], {}, None, {}))
            rows.append(_Row(path.stem, result["dpo"], result["sft_to_dpo"], path.with_suffix(".csv"), cost))
        sft = result["sft"]
    return rows


def _tested(test: dict[str, Any]) -> str:
    """Gained and lost, p over tools, and McNemar's. There is no p over tools of results recorded before there was one,
    whose intervals are over requests too."""
    tested = [f"{label} {test[key]:.2g}" for key, label in (("p", "p"), ("mcnemar", "McNemar")) if key in test]
    return f"{test['gained']}, {test['lost']} ({', '.join(tested)})"


def _margin(curve: Path | None) -> str:
    """The mean margin of the last two steps, in nats a pair; nothing where no curve was kept."""
    if curve is None or not curve.exists():
        return ""
    with curve.open(encoding="utf-8") as file:
        return f"{mean(float(row['margin']) for row in list(csv.DictReader(file))[-2:]):.1f}"


def _cost(cost: dict[str, Any]) -> str:
    return f"{cost['minutes']:.1f} min, {cost['gb']:.1f} GB ({cost['device']})"
