"""The import benchmark: its table of documents and servers, and what it prints of its large document."""

import json
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


def test_every_document_and_server_has_a_name_of_its_own_and_a_fixed_version() -> None:
    table = json.loads((ROOT / "benchmarks/import.json").read_text(encoding="utf-8"))
    names = [one["name"] for part in table.values() for one in part]
    assert len(names) == len(set(names))
    assert all(re.fullmatch("[0-9a-f]{64}", one["sha256"]) for one in table["documents"])
    assert all(one["version"] and (one.get("npm") or one.get("pypi")) for part in table.values() for one in part)
