"""The study of preference training: python -m benchmarks.preference.study

Prints all results in study/ as Markdown tables. A setting without a result is run first, on the validation tools, from
the SFT model as it is; that changes the workspace as `dvc exp run` does: `git reset --hard && dvc checkout` goes back.
The seed of a finalist decides which pairs are drawn, and their order; the SFT model and the requests are the same.
"""

import csv
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

from tool_dpo.errors import run
from tool_dpo.params import PARAMS
from tool_dpo.records import read_json
from tool_dpo.report.tables import cell, failures, markdown

BENCHMARK = "benchmarks/preference/dvc.yaml"
STAGES = ["mine", "pairs", "dpo", f"{BENCHMARK}:answer@validation-dpo", f"{BENCHMARK}:score@validation"]
MEASURED = Path("benchmarks/preference/validation.json")
CURVE = Path("data/curves/dpo.csv")
RESULTS = Path("benchmarks/preference/study")
MINED = ["mine.samples=3", "pairs.mined=0.5"]
SETTINGS: dict[str, list[str]] = {
    "default": [],
    "triplets": ["pairs.typed=triplets"],
    "balanced-and-mined": MINED,
    "both-and-mined": ["pairs.typed=both", *MINED],
    "ipo-and-mined": ["loss_type=ipo", "beta=0.05", *MINED],
    "mined": ["mine.samples=3", "pairs.mined=1.0"],
}
FINALISTS: dict[str, list[str]] = {
    "balanced": ["pairs.typed=balanced"],
    "balanced-ipo": ["pairs.typed=balanced", "loss_type=ipo", "beta=0.05"],
}
SEEDS = (42, 1, 2)
EARLIER = (
    "ipo-both",
    "ipo-mined",
    "differing-mined",
    "differing-mined-slower",
    "differing-mined-faster",
    "sigmoid-mined",
    "sft-mined",
    "earlier-ipo-both",
    "earlier-ipo-mined",
    "more-mined-all",
    "more-mined-schema",
)
"""Results of runs with earlier code, which cannot be repeated."""


def main() -> None:
    seeded = {f"{name}-{seed}": [*settings, f"seed={seed}"] for name, settings in FINALISTS.items() for seed in SEEDS}
    missing = [item for item in {**SETTINGS, **seeded}.items() if not (RESULTS / f"{item[0]}.json").exists()]
    if missing:
        subprocess.run(["dvc", "repro", f"{BENCHMARK}:answer@validation-sft"], check=True)
    for name, settings in missing:
        measure(name, settings)
    earlier: dict[str, list[str]] = {name: [] for name in EARLIER}
    print(*(markdown(table(part)) for part in (seeded, SETTINGS, earlier)), sep="\n\n")


def measure(name: str, settings: list[str]) -> None:
    before = PARAMS.read_text()
    options = [part for setting in settings for part in ("-S", setting)]
    try:
        subprocess.run(["dvc", "exp", "run", "--name", name, *options, "--single-item", *STAGES], check=True)
    finally:
        PARAMS.write_text(before)
    RESULTS.mkdir(exist_ok=True)
    shutil.copy(MEASURED, RESULTS / f"{name}.json")
    shutil.copy(CURVE, RESULTS / f"{name}.csv")


def table(settings_of: Mapping[str, list[str]]) -> list[list[str]]:
    """A row for each setting, below a row for the SFT model that it and those after it trained from.

    No p over tools stands beside results that were recorded before there was one; their intervals are over requests.
    """
    tested = ["p over tools", "McNemar p"]
    header = ["setting", "SSPR", "exact", "gained, lost", *tested, "exact gained, lost", *tested, "margin", "failures"]
    rows = [header]
    sft = None
    for name, settings in settings_of.items():
        result = read_json(RESULTS / f"{name}.json")
        if result["sft"] != sft:
            sft = result["sft"]
            rows.append(_row("SFT alone", sft, [""] * 7))
        moved = [text for rate in ("sspr", "exact") for text in _tested(result["sft_to_dpo"][rate])]
        rows.append(_row(" ".join([name, *settings]), result["dpo"], [*moved, _margin(RESULTS / f"{name}.csv")]))
    return rows


def _tested(test: dict[str, Any]) -> list[str]:
    p = (f"{test[key]:.2g}" if key in test else "" for key in ("p", "mcnemar"))
    return [f"{test['gained']}, {test['lost']}", *p]


def _margin(curve: Path) -> str:
    """The mean margin of the last two steps, in nats a pair; nothing where no curve was kept."""
    if not curve.exists():
        return ""
    with curve.open(encoding="utf-8") as file:
        return f"{mean(float(row['margin']) for row in list(csv.DictReader(file))[-2:]):.1f}"


def _row(name: str, summary: dict[str, Any], moved: list[str]) -> list[str]:
    return [name, cell(summary["sspr"]), f"{summary['exact']['rate']:.1%}", *moved, failures(summary)]


if __name__ == "__main__":
    run(main)
