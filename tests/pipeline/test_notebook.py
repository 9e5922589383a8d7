"""The Colab notebook's cells run as they stand, on the tiny model; only the set-up cell is left out."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.helpers import ROOT
from tests.pipeline.conftest import Project

pytestmark = pytest.mark.xdist_group("pipeline")


def test_the_notebook_runs(project: Project, tmp_path: Path) -> None:
    cells = json.loads((ROOT / "notebooks/colab.ipynb").read_text())["cells"]
    lines = [
        line.strip().removeprefix("!")
        for cell in cells
        if cell["cell_type"] == "code" and "setup" not in cell["metadata"].get("tags", [])
        for line in cell["source"]
        if line.startswith("!")
    ]
    assert len(lines) == 4
    script = "set -e\n" + "\n".join(lines)
    result = subprocess.run(
        ["bash", "-c", script],
        cwd=project.folder,
        env={**os.environ, "MODEL": "tiny", "PYTHONPATH": str(project.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "SSPR" in result.stdout
    assert "json_error" in result.stderr
