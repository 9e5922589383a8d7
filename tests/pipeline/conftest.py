"""The project in a temporary clone, with the tiny model, driven by the real dvc, without a network."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT, params_with_tiny

TINY = {
    "model": "tiny",
    "generate.triplets": "160",
    "generate.variants": "0",
    "mine.samples": "1",
    "pairs.mined": "0.5",
    "answer.max_new_tokens": "4",
    "models.tiny.answer.batch_size": "64",
}
NO_NETWORK = Path(__file__).parent / "no_network"


@dataclass(frozen=True)
class Project:
    """A clone of the project, and what dvc does in it."""

    folder: Path

    @property
    def log(self) -> Path:
        """What tests/pipeline/no_network wrote of the processes of every command."""
        return self.folder.with_name(f"{self.folder.name}.processes.jsonl")

    def processes(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(filter(None, [str(NO_NETWORK), os.environ.get("PYTHONPATH")]))
        env = {**os.environ, "PYTHONPATH": path, "NO_NETWORK_LOG": str(self.log)}
        result = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False)
        if check:
            assert result.returncode == 0, result.stdout + result.stderr
        return result

    def repro(self, *command: str, restored: bool = False) -> list[str]:
        """The names of the stages that a dvc command ran, in order; or ran or restored from the run cache."""
        result = self.run("dvc", *(command or ("repro",)))
        word = "(?:Running stage|Stage)" if restored else "Running stage"
        ending = "(?: is cached|:)" if restored else ":"
        return re.findall(rf"^{word} '([^']+)'{ending}", result.stdout, re.MULTILINE)

    def commit(self) -> None:
        self.run("git", "add", "--all")
        self.run(
            "git", "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "-qm", "Run", "--no-verify"
        )


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The tracked and new files of the working tree and the tiny model, committed in a repository of their own."""
    folder = tmp_path_factory.mktemp("clone") / "tool-dpo"
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in names:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / "params.yaml").write_text(params_with_tiny())
    project = Project(folder)
    project.run("git", "init", "-q")
    project.run("git", "config", "user.name", "test")
    project.run("git", "config", "user.email", "test@example.com")
    project.commit()
    return project


@pytest.fixture(scope="session")
def project(clone: Project) -> Project:
    """The clone after one whole run on the tiny model."""
    settings = [part for name, value in TINY.items() for part in ("-S", f"{name}={value}")]
    clone.repro("exp", "run", *settings)
    clone.commit()
    return clone
