"""What each change reruns, and the four uses: dvc repro, params diff, metrics show, exp run -S."""

import json
import time
from pathlib import Path

import pytest

from tests.pipeline.conftest import Project

pytestmark = pytest.mark.xdist_group("pipeline")  # one after another: they share a clone
MODELS = ("base", "sft", "dpo")
ANSWERS = {f"answer@{name}" for name in MODELS}
SCORES = {f"score@{name}" for name in MODELS}
TRAINED = {"sft", "mine", "dpo", "answer@sft", "answer@dpo"}
CHEAP = {
    **{f"score@{name}": [f"data/answers/{name}.jsonl"] for name in MODELS},
    "pairs": ["data/preference.jsonl", "data/mined.jsonl"],
}
"""Stages that rerun just where these came out different, which a random model does not promise."""
DATA = {"generate", "validate", "split", "contamination"}


@pytest.fixture(autouse=True)
def _fresh(project: Project) -> None:
    """Each test starts from the committed run."""
    project.run("git", "reset", "-q", "--hard")
    project.run("dvc", "checkout", "-q")


def _inputs(project: Project) -> dict[str, str]:
    """What each cheap stage reads."""
    return {stage: "".join((project.folder / path).read_text() for path in paths) for stage, paths in CHEAP.items()}


def _assert_reran(project: Project, expected: set[str], *command: str) -> None:
    """The command runs the expected stages, and of the cheap ones those besides whose input came out different."""
    before = _inputs(project)
    ran = set(project.repro(*command))
    after = _inputs(project)
    assert ran - CHEAP.keys() == expected - CHEAP.keys()
    assert ran & CHEAP.keys() == (expected & CHEAP.keys()) | {name for name in CHEAP if before[name] != after[name]}


def _reword(project: Project, part: str) -> None:
    """Change what people say to a tool of this part of the split."""
    with (project.folder / f"data/{part}.jsonl").open() as file:
        name = json.loads(file.readline())["tool"]
    (path,) = (one for one in (project.folder / "data/tools").glob("*.json") if f'"name": "{name}"' in one.read_text())
    tools = json.loads(path.read_text())
    for tool in tools:
        if tool["function"]["name"] == name:
            tool["requests"] = [f"{request} Thanks!" for request in tool["requests"]]
    path.write_text(json.dumps(tools))


def _change_scoring(project: Project) -> None:
    path = project.folder / "tool_dpo/sspr.py"
    old, new = '"passed": passed,', '"passed": passed, "failed": n - passed,'
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


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
    assert {f"metrics/{name}.json" for name in (*MODELS, "data", "contamination", "pairs", "compare")} == set(files)
    assert "rate" in files["metrics/dpo.json"]["data"]["sspr"]


def test_beta_reruns_preference_training_and_what_follows(project: Project) -> None:
    _assert_reran(project, {"dpo", "answer@dpo", "compare"}, "exp", "run", "-S", "beta=0.1")
    diff = json.loads(project.run("dvc", "params", "diff", "--json").stdout)
    assert set(diff) == {"params.yaml"}
    assert set(diff["params.yaml"]) == {"beta"}
    assert (diff["params.yaml"]["beta"]["old"], diff["params.yaml"]["beta"]["new"]) == (1.0, 0.1)


def test_a_scoring_rule_reruns_scoring_alone(project: Project) -> None:
    _change_scoring(project)
    _assert_reran(project, SCORES | {"compare"})


def test_a_test_tool_retrains_nothing(project: Project) -> None:
    _reword(project, "test")
    _assert_reran(project, DATA | ANSWERS | {"compare"})


def test_a_training_tool_asks_the_base_nothing_again(project: Project) -> None:
    _reword(project, "sft")
    _assert_reran(project, DATA | TRAINED | {"compare"})


def test_a_seed_reruns_all_but_the_weights(project: Project) -> None:
    _assert_reran(project, DATA | TRAINED | ANSWERS | {"compare"}, "exp", "run", "-S", "seed=7")
