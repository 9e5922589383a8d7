"""The study of preference training: python -m benchmarks.preference.study

Runs each setting below that has no result yet, on the validation tools, from the SFT model as it is, and prints all as
Markdown tables. A finalist's seed draws other pairs and orders them anew; the SFT model and the requests stay.
It changes the workspace as `dvc exp run` does: `git reset --hard && dvc checkout` goes back.
"""

import shutil
import subprocess
from pathlib import Path
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


def main() -> None:
    seeded = {f"{name}-{seed}": [*settings, f"seed={seed}"] for seed in SEEDS for name, settings in FINALISTS.items()}
    subprocess.run(["dvc", "repro", f"{BENCHMARK}:answer@validation-sft"], check=True)
    for name, settings in {**SETTINGS, **seeded}.items():
        if not (RESULTS / f"{name}.json").exists():
            measure(name, settings)
    print(markdown(table(SETTINGS)), markdown(table(seeded)), sep="\n\n")


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


def table(settings_of: dict[str, list[str]]) -> list[list[str]]:
    """A row for the SFT model, and one for each setting."""
    results = {name: read_json(RESULTS / f"{name}.json") for name in settings_of}
    sft = next(iter(results.values()))["sft"]
    rows = [["setting", "SSPR", "exact", "gained, lost", "p", "exact gained, lost", "p", "failures"]]
    rows.append(_row("SFT", sft, ["", "", "", ""]))
    for name, result in results.items():
        tests = (result["sft_to_dpo"][rate] for rate in ("sspr", "exact"))
        moved = [text for test in tests for text in (f"{test['gained']}, {test['lost']}", f"{test['p']:.2g}")]
        rows.append(_row(f"{name}: {' '.join(settings_of[name])}", result["dpo"], moved))
    return rows


def _row(name: str, summary: dict[str, Any], moved: list[str]) -> list[str]:
    return [name, cell(summary["sspr"]), f"{summary['exact']['rate']:.1%}", *moved, failures(summary)]


if __name__ == "__main__":
    run(main)
