"""The judge of requests: what it prints of a small document, and that it sees names and repetitions."""

import re
import subprocess
import sys
from dataclasses import replace
from importlib import import_module

from tests.helpers import CASES, ROOT, task

wording = import_module("benchmarks.wording")


def test_a_row_for_a_document() -> None:
    path = next((CASES / "documents").glob("*.json"))
    command = [sys.executable, ROOT / "benchmarks/wording.py", path, "--show", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    _, _, row, *requests = done.stdout.splitlines()
    assert re.fullmatch(r"\| \S+ \| \d+ \|( 0\.\d\d \|){3} [\d.]+% \| \d+, \d+, \d+ \| [\d.]+% \| [\d.]+% \|", row)
    assert len(requests) == 3


def test_names_and_repetitions_are_seen() -> None:
    tool = task(function__parameters__properties__due_day={"type": "string"})
    same = [(tool, "do it with due_day Monday please now")] * 10
    other = [(replace(tool), f"do {number} things, the due day {number} is a Monday") for number in range(10)]
    assert list(wording.judged(same))[-2:] == ["100.0%", "0.0%"]
    assert list(wording.judged(other))[-2:] == ["0.0%", "100.0%"]
    assert float(next(wording.judged(same))) < float(next(wording.judged(other)))
