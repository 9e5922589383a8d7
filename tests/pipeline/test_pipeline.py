"""What each change reruns, and the four uses: dvc repro, params diff, metrics show, exp run -S."""

import json
import time
from pathlib import Path

import pytest

from tests.pipeline.conftest import Project

MODELS = ("base", "sft", "dpo")
ANSWERS = {f"answer@{name}" for name in MODELS}
SCORES = {f"score@{name}" for name in MODELS}
AFTER_TOOLS = {"generate", "validate", "split", "sft", "dpo", "compare"} | ANSWERS | SCORES


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def _reword_a_tool(project: Project) -> None:
    _edit(project.folder / "data/tools/calendar.json", '"description": "', '"description": "Now: ')


def _add_a_tool(project: Project) -> None:
    source = json.loads((project.folder / "data/tools/calendar.json").read_text())[0]
    source["function"]["name"] = "brand_new_tool"
    (project.folder / "data/tools/brand_new.json").write_text(json.dumps([source]))


def _change_scoring(project: Project) -> None:
    _edit(project.folder / "tool_dpo/sspr.py", '"passed": passed,', '"passed": passed, "failed": n - passed,')


def test_a_second_repro_does_nothing_and_is_quick(project: Project) -> None:
    start = time.monotonic()
    assert project.repro() == []
    assert time.monotonic() - start < 10


def test_metrics_hold_together(project: Project) -> None:
    asked = (project.folder / "data/test.jsonl").read_text().count("\n")
    for name in MODELS:
        metrics = json.loads((project.folder / f"metrics/{name}.json").read_text())
        assert metrics["n"] == asked
        assert metrics["passed"] + sum(metrics["failures"].values()) == asked


def test_metrics_show_in_a_fresh_clone_without_a_cache(project: Project, tmp_path: Path) -> None:
    project.run("git", "clone", "-q", str(project.folder), str(tmp_path / "fresh"))
    shown = json.loads(Project(tmp_path / "fresh").run("dvc", "metrics", "show", "--json").stdout)
    files = shown[""]["data"]
    assert {f"metrics/{name}.json" for name in (*MODELS, "data", "compare")} == set(files)
    assert "rate" in files["metrics/dpo.json"]["data"]["sspr"]


def test_beta_reruns_preference_training_and_what_follows(project: Project) -> None:
    ran = project.repro("exp", "run", "-S", "beta=0.1")
    assert set(ran) == {"dpo", "answer@dpo", "score@dpo", "compare"}
    diff = json.loads(project.run("dvc", "params", "diff", "--json").stdout)
    assert diff["params.yaml"]["beta"] == {"old": 0.05, "new": 0.1}
    assert set(diff["params.yaml"]) == {"beta"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [(_change_scoring, SCORES | {"compare"}), (_add_a_tool, AFTER_TOOLS)],
    ids=["a scoring rule", "a tool"],
)
def test_a_changed_file_reruns_what_uses_it(project: Project, change, expected: set[str]) -> None:
    project.run("git", "checkout", "-q", ".")
    project.run("dvc", "checkout", "-q")
    change(project)
    ran = set(project.repro())
    project.run("git", "checkout", "-q", ".")
    project.run("git", "clean", "-fdq")
    assert ran == expected


def test_a_seed_reruns_all_but_the_weights(project: Project) -> None:
    project.run("dvc", "checkout", "-q")
    assert set(project.repro("exp", "run", "-S", "seed=7")) == AFTER_TOOLS
