"""The study of preference training: python -m benchmarks.preference.study

Runs each setting below that has no result yet, on the validation tools, from the SFT model as it is, and prints all as
a Markdown table. It changes the workspace as `dvc exp run` does: `git reset --hard && dvc checkout` goes back.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from tool_dpo.errors import run
from tool_dpo.params import PARAMS
from tool_dpo.records import read_json
from tool_dpo.report import cell, failures, markdown

TARGET = "benchmarks/preference/dvc.yaml:score@validation"
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


def main() -> None:
    for name, settings in SETTINGS.items():
        if not (RESULTS / f"{name}.json").exists():
            measure(name, settings)
    print(markdown(table()))


def measure(name: str, settings: list[str]) -> None:
    before = PARAMS.read_text()
    options = [part for setting in settings for part in ("-S", setting)]
    try:
        subprocess.run(["dvc", "exp", "run", "--name", name, *options, TARGET], check=True)
    finally:
        PARAMS.write_text(before)
    RESULTS.mkdir(exist_ok=True)
    shutil.copy(MEASURED, RESULTS / f"{name}.json")
    shutil.copy(CURVE, RESULTS / f"{name}.csv")


def table() -> list[list[str]]:
    """A row for the SFT model, and one for each setting."""
    results = {name: read_json(RESULTS / f"{name}.json") for name in SETTINGS}
    sft = next(iter(results.values()))["sft"]
    rows = [["setting", "SSPR", "exact", "gained, lost", "p", "failures"], _row("SFT", sft, "", "")]
    for name, result in results.items():
        test = result["sft_to_dpo"]["sspr"]
        moved = (f"{test['gained']}, {test['lost']}", f"{test['p']:.2g}")
        rows.append(_row(f"{name}: {' '.join(SETTINGS[name])}", result["dpo"], *moved))
    return rows


def _row(name: str, summary: dict[str, Any], moved: str, p: str) -> list[str]:
    return [name, cell(summary["sspr"]), f"{summary['exact']['rate']:.1%}", moved, p, failures(summary)]


if __name__ == "__main__":
    run(main)
