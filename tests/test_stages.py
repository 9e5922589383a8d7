"""The stages as programs: bad input ends in one clear line and exit code 1, with earlier outputs untouched."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers import ROOT

CASES = json.loads((ROOT / "tests/cases/stages.json").read_text())
COMMANDS = {
    "generate": ["tools", "small_talk.txt", "out.jsonl"],
    "validate": ["triplets.jsonl", "base", "out.jsonl", "details.json"],
    "split": ["triplets.jsonl", "base", "out.jsonl", "preference.jsonl", "validation.jsonl", "test.jsonl"],
    "weights": ["out"],
    "sft": ["triplets.jsonl", "base", "out", "curve.csv"],
    "score": ["answers.jsonl", "out.jsonl", "details.json"],
}


def _run(stage: str, folder: Path, **settings: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"stages.{stage}", *COMMANDS[stage]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        **settings,  # type: ignore[call-overload]
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder with one tool, the default params, and an earlier output."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "data/tools/calendar.json", tmp_path / "tools")
    shutil.copy(ROOT / "data/small_talk.txt", tmp_path)
    params = (ROOT / "params.yaml").read_text()
    for key, value in {"triplets": 16, "variants": 0}.items():
        params = re.sub(rf"^  {key}: \d+", f"  {key}: {value}", params, flags=re.MULTILINE)
    params = re.sub(r"^    (no_tool|ask|choose|several): [\d.]+", r"    \1: 0", params, flags=re.MULTILINE)
    (tmp_path / "params.yaml").write_text(params)
    (tmp_path / "out.jsonl").write_text("earlier\n")
    return tmp_path


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_bad_input_is_reported_in_one_line(case: dict[str, object], folder: Path) -> None:
    for name, text in case.get("files", {}).items():  # type: ignore[attr-defined]
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text if isinstance(text, str) else json.dumps(text))
    for old, new in case.get("params", {}).items():  # type: ignore[attr-defined]
        text = (folder / "params.yaml").read_text()
        assert old in text
        (folder / "params.yaml").write_text(text.replace(old, new, 1))
    result = _run(str(case["stage"]), folder)
    assert result.returncode == 1
    assert result.stderr.strip() == case["error"]
    assert (folder / "out.jsonl").read_text() == "earlier\n"
    assert not list(folder.glob(".*.tmp"))


def test_a_good_run_replaces_the_output(folder: Path) -> None:
    assert _run("generate", folder).returncode == 0
    assert len((folder / "out.jsonl").read_text().splitlines()) == 16


def test_a_full_disk_is_reported_in_one_line(folder: Path) -> None:
    """A file-size limit takes the place of a full disk: the same write fails."""
    limit = (2000, 2000)
    result = _run("generate", folder, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    assert result.returncode == 1
    assert result.stderr.strip() == "out.jsonl: cannot be written: File too large"
    assert (folder / "out.jsonl").read_text() == "earlier\n"


def test_ctrl_c_is_reported_in_one_line_and_leaves_no_output(folder: Path) -> None:
    text = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(text.replace("triplets: 16", "triplets: 2000"))
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.generate", *COMMANDS["generate"]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background ignores it
    )
    while not list(folder.glob(".out.jsonl.*.tmp")):
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate()
    # both are 130 to a shell: Python dies of the signal itself when it fell into an exec, as a dataclass makes
    assert process.returncode in (130, -signal.SIGINT)
    assert error.strip() == "interrupted: earlier outputs are untouched; run the same command to continue"
    assert (folder / "out.jsonl").read_text() == "earlier\n"


def test_ctrl_c_in_a_destructor_is_not_lost() -> None:
    program = """
import signal, time
from tool_dpo.errors import run

class Interrupted:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def main():
    Interrupted()
    time.sleep(60)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
run(main)
"""
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 130
    assert result.stderr.startswith("interrupted: ")
    assert len(result.stderr.splitlines()) == 1
