"""The import benchmark: what it prints of its large document."""

import re
import subprocess
import sys

from tests.helpers import ROOT


def test_a_document_of_fifty_megabytes_is_read() -> None:
    command = [sys.executable, ROOT / "benchmarks/import.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    size, tools, peak = re.fullmatch(
        r"(\d+) MB: (\d+) of 150 operations are tools, \d+ cut, [\d.]+ s, peak (\d+) MiB\n", done.stdout
    ).groups()
    assert (int(size) >= 50, int(tools)) == (True, 150)
    assert int(peak) < 1024
