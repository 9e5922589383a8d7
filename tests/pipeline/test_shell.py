"""No value of params.yaml reaches a shell: dvc runs no word of it, whatever stage it is asked for."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers import ROOT, params_with_tiny
from tests.pipeline.conftest import Project

RAN = "ran-by-a-shell"
TEXTS = [f"$(touch {RAN})/../test", f"test.jsonl; touch {RAN}; true ", f"x' `touch {RAN}` '", f'" | touch {RAN} # "']
"""The first names the file data/test.jsonl, which dvc finds, since it tidies paths up."""
GRAPHS = [ROOT / "dvc.yaml", *sorted(ROOT.glob("benchmarks/*/dvc.yaml"))]
RUN_BY_SPLIT = ["answer@base"]
RUN_BY_MODEL = ["weights", "sft", "mine", "dpo", "answer@base"]


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_outs_take_nothing_but_words_of_the_graph_itself(graph: Path) -> None:
    stages: dict[str, dict[str, Any]] = yaml.safe_load(graph.read_text())["stages"]
    for stage in stages.values():
        assert "${" not in str(stage.get("matrix"))
        for key in stage.keys() - {"deps", "params"}:
            assert {name.split(".")[0] for name in re.findall(r"\$\{(.*?)}", str(stage[key]))} <= {"item"}


@pytest.fixture(scope="module")
def project(clone: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A clone with every input of the stages that are forced, so that dvc gets as far as their commands."""
    folder = tmp_path_factory.mktemp("shell") / "tool-dpo"
    clone.run("git", "clone", "-q", str(clone.folder), str(folder))
    for name in (
        "data/test.jsonl",
        "data/validation.jsonl",
        "data/sft.jsonl",
        "data/preference.jsonl",
        "data/pairs.jsonl",
    ):
        (folder / name).write_text("{}\n")
    for name in ("base", "sft", "dpo"):
        (folder / "models" / name).mkdir(parents=True)
        (folder / "models" / name / "weights.json").write_text("{}\n")
    return Project(folder)


def _run(project: Project, params: str, stages: list[str]) -> str:
    """What dvc says of stages that it is made to run, each by itself."""
    (project.folder / "params.yaml").write_text(params)
    result = project.run("dvc", "repro", "--force", "--single-item", "--keep-going", *stages, check=False)
    assert result.returncode != 0
    assert not list(project.folder.rglob(f"*{RAN}*"))
    return result.stdout + result.stderr


@pytest.mark.parametrize("text", TEXTS)
def test_a_split_with_shell_text_is_refused(project: Project, text: str) -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["answer"]["split"] = text
    said = _run(project, yaml.safe_dump(params), RUN_BY_SPLIT)
    assert RAN not in "\n".join(line for line in said.splitlines() if line.startswith("> "))
    if text == TEXTS[0]:
        assert "params.yaml: answer.split must be one of test, validation, got " in said


@pytest.mark.parametrize("text", TEXTS[:3])
def test_a_model_with_shell_text_for_its_name_is_a_name(project: Project, text: str) -> None:
    """One that params.yaml describes, too; and a section that is named as dvc names the words of a matrix."""
    params = yaml.safe_load(params_with_tiny())
    name = text.replace(".", "")
    params["model"] = name
    params["models"] = {name: params["models"]["tiny"]}
    params["item"] = {"model": text}
    said = _run(project, yaml.safe_dump(params), RUN_BY_MODEL)
    assert "params.yaml: item is not a known key" in said
    assert "> python -m stages.answer_split data/test.jsonl data/validation.jsonl models/base " in said
