"""What each change reruns, and the four uses: dvc repro, params diff, metrics show, exp run -S."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import Project
from tool_dpo.report.decisions import RATES, calling
from tool_dpo.triplets.triplet import read_triplets

pytestmark = pytest.mark.xdist_group("pipeline")  # one after another: they share a clone
MODELS = ("base", "sft", "dpo")
MEASURES = ("sspr", "exact", *(name for name in RATES if name != "all_calls"))
"""The tiny run has no test request for several calls."""
ANSWERS = {f"answer@{name}" for name in MODELS}
SCORES = {f"score@{name}" for name in MODELS}
REPORT = {"compare", "export"}
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
    ran = set(project.repro(*command, restored=True))
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


def _edit(project: Project, file: str, old: str, new: str) -> None:
    path = project.folder / file
    text = path.read_text()
    assert old in text, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new, 1))


def test_a_second_repro_does_nothing(project: Project) -> None:
    assert project.repro() == []


def _metrics(project: Project, name: str) -> Any:
    return json.loads((project.folder / f"metrics/{name}.json").read_text())


def test_metrics_hold_together(project: Project) -> None:
    asked = calling(read_triplets(project.folder / "data/test.jsonl"))
    for name in MODELS:
        details = _metrics(project, f"details/{name}")
        assert details["passed"] + sum(details["failures"].values()) == details["n"] == len(asked)
        found = {**details, **details["decisions"]}
        rates = {measure: found[measure]["rate"] for measure in MEASURES}
        assert _metrics(project, name) == {**rates, "n": len(asked)}


def test_metrics_show_in_a_fresh_clone_without_a_cache(project: Project, tmp_path: Path) -> None:
    project.run("git", "clone", "-q", str(project.folder), str(tmp_path / "fresh"))
    shown = json.loads(Project(tmp_path / "fresh").run("dvc", "metrics", "show", "--json").stdout)
    files = shown[""]["data"]
    assert {f"metrics/{name}.json" for name in (*MODELS, "data", "compare")} == set(files)
    assert set(files["metrics/dpo.json"]["data"]) == {*MEASURES, "n"}


def test_experiments_show_the_metrics_alone(project: Project) -> None:
    """DVC leaves the file out of a column's name where the name alone is unique."""
    columns = project.run("dvc", "exp", "show", "--csv").stdout.splitlines()[0].split(",")
    rates = {f"metrics/{model}.json:{measure}" for model in MODELS for measure in (*MEASURES, "n")}
    numbers = rates | {"gained", "lost", "p", "p_exact", "displacement", "triplets", "tools", "decisions"}
    assert set(columns[columns.index("parent") + 1 : columns.index("seed")]) == numbers


def test_metrics_and_plots_differ_between_commits(project: Project) -> None:
    project.repro("exp", "run", "-S", "beta=0.1")
    metrics = json.loads(project.run("dvc", "metrics", "diff", "--all", "--json").stdout)
    assert set(metrics["metrics/dpo.json"]) == {*MEASURES, "n"}
    project.run("dvc", "plots", "diff", "HEAD")
    assert (project.folder / "dvc_plots/index.html").exists()


def test_going_back_restores_and_trains_nothing(project: Project) -> None:
    """A, then B, then A again: what A made comes from DVC's run cache."""
    before = (project.folder / "dvc.lock").read_text()
    assert "dpo" in project.repro("exp", "run", "-S", "beta=0.3")
    assert not {"sft", "mine", "dpo", *ANSWERS} & set(project.repro("exp", "run", "-S", "beta=null"))
    assert (project.folder / "dvc.lock").read_text() == before


def test_the_export_is_registered_and_is_the_trained_model(project: Project) -> None:
    read = (
        "from dvc.repo import Repo\n"
        "print([vars(one) for found in Repo().artifacts.read().values() for one in found.values()])"
    )
    (artifact,) = ast.literal_eval(project.run("python", "-c", read).stdout)
    assert (artifact["path"], artifact["type"]) == ("models/export", "model")
    card = (project.folder / "models/export/README.md").read_text()
    lock = (project.folder / "dvc.lock").read_text()
    for name in ("sft", "pairs", "test"):
        (md5,) = re.findall(rf"data/{name}\.jsonl` \| \d+ \| `(\w+)`", card)
        assert f"path: data/{name}.jsonl\n      hash: md5\n      md5: {md5}\n" in lock
    assert {path.name for path in (project.folder / "models/export").iterdir()} >= {"model.safetensors", "config.json"}


def test_a_colleague_pulls_and_runs_nothing(project: Project, tmp_path: Path) -> None:
    project.run("dvc", "remote", "add", "-f", "-d", "store", str(tmp_path / "store"))
    project.run("dvc", "push", "-q", "--run-cache")
    project.commit()
    project.run("git", "clone", "-q", str(project.folder), str(tmp_path / "colleague"))
    colleague = Project(tmp_path / "colleague")
    colleague.run("dvc", "pull", "-q", "--run-cache")
    assert colleague.repro() == []
    project.run("git", "reset", "-q", "--hard", "HEAD~1")


def test_beta_reruns_preference_training_and_what_follows(project: Project) -> None:
    _assert_reran(project, {"dpo", "answer@dpo", *REPORT}, "exp", "run", "-S", "beta=0.1")
    diff = json.loads(project.run("dvc", "params", "diff", "--json").stdout)
    assert set(diff) == {"params.yaml"}
    assert set(diff["params.yaml"]) == {"beta"}
    assert (diff["params.yaml"]["beta"]["old"], diff["params.yaml"]["beta"]["new"]) == (None, 0.1)


def _changed_deps(why: list[Any]) -> set[str]:
    return {dep for reason in why if isinstance(reason, dict) for dep in reason.get("changed deps", {})}


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (
            "tool_dpo/report/metrics.py",
            '"passed": failures[None],',
            '"passed": failures[None], "failed": len(verdicts) - failures[None],',
            SCORES | REPORT,
        ),
        ("tool_dpo/report/tables.py", '"exact values"', '"right values"', {"export"}),
        ("tool_dpo/report/compare.py", '"rate", "measure"', '"rate", "name"', {"compare"}),
        ("tool_dpo/triplets/census.py", '"tools": len', '"kinds": 0, "tools": len', {"validate"}),
        ("tool_dpo/models/decode.py", "repetition_penalty=1.0", "repetition_penalty=1", {"mine", *ANSWERS}),
        ("tool_dpo/models/call.py", "max_new_tokens: int = 256", "max_new_tokens: int = 128", set()),
        ("tool_dpo/params.py", "    seed: Annotated[int, Seed]\n", "    seed: Annotated[int, Seed]  # of all\n", set()),
        ("tool_dpo/errors.py", "interrupted: ", "stopped: ", set()),
        ("tool_dpo/cli.py", "no_args_is_help=True", "no_args_is_help=False", set()),
        ("tool_dpo/training/losses.py", '    "hinge": Loss', '    "hinge ": Loss', {"dpo"}),
        ("tool_dpo/training/pairs.py", '"failures_found": found', '"found": found', {"mine", "pairs"}),
        ("tool_dpo/triplets/contamination.py", '"held_out": len', '"others": len', {"contamination"}),
        ("tool_dpo/triplets/negatives.py", "_TRIES = 6", "_TRIES = 6 + 0", {"generate"}),
        ("tool_dpo/tools/openapi.py", '"""', '""" ', {"generate"}),
    ],
)
def test_an_edit_reruns_what_it_can_change(file: str, old: str, new: str, expected: set[str], project: Project) -> None:
    """The stages whose code it is. What these make comes out the same, so that no other stage follows."""
    _edit(project, file, old, new)
    status = json.loads(project.run("dvc", "status", "--json", "dvc.yaml").stdout)
    assert {stage for stage, why in status.items() if file in _changed_deps(why)} == expected


def test_a_test_tool_retrains_nothing(project: Project) -> None:
    _reword(project, "test")
    _assert_reran(project, DATA | ANSWERS | REPORT)


def test_a_training_tool_asks_the_base_nothing_again(project: Project) -> None:
    _reword(project, "sft")
    _assert_reran(project, DATA | TRAINED | REPORT)


def test_a_seed_reruns_all_but_the_weights(project: Project) -> None:
    _assert_reran(project, DATA | TRAINED | ANSWERS | REPORT, "exp", "run", "-S", "seed=7")
