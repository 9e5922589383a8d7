"""The model switch: one value of `model` brings all that its entry says, and nothing of another's."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT
from tool_dpo.params import load_params, overridden

PARAMS = load_params(ROOT / "params.yaml")
MADE = (
    *(f"data/{name}.jsonl" for name in ("triplets", "sft", "preference", "validation", "test", "pairs")),
    *("models/base", "models/sft", "metrics/data.json"),
)
STAGES = ("weights", "generate", "validate", "split", "sft", "dpo", "answer@base")
IN_FORCE = {
    "smollm2-135m": ("sigmoid_first", 1.0, 1.0e-4, 1.0e-3),
    "qwen2_5-coder-7b": ("ipo", 0.05, 1.0e-6, 3.0e-5),
    "qwen3-0_6b": ("sigmoid", 0.1, 5.0e-6, 2.0e-4),
    "qwen3-4b": ("sigmoid", 0.1, 5.0e-6, 2.0e-4),
    "llama-3_2-1b": ("sigmoid", 0.1, 5.0e-6, 2.0e-4),
    "functiongemma-270m": ("sigmoid", 0.1, 5.0e-6, 2.0e-4),
    "xlam-2-1b": ("sigmoid", 0.1, 5.0e-6, 2.0e-4),
}
"""Loss, beta and the learning rates of DPO and of SFT, as each entry of params.yaml documents them."""


def _switched(tmp_path: Path, model: str, **values: object) -> Path:
    lines = []
    for line in (ROOT / "params.yaml").read_text().splitlines():
        key = line.partition(":")[0]
        lines.append(f"{key}: {({'model': model} | values)[key]}" if key in {"model", *values} else line)
    (tmp_path / "params.yaml").write_text("\n".join(lines))
    return tmp_path / "params.yaml"


@pytest.mark.parametrize("model", PARAMS.models)
def test_a_model_brings_its_own_loss_beta_and_rates(model: str, tmp_path: Path) -> None:
    params = load_params(_switched(tmp_path, model))
    dpo = overridden(params.chosen.dpo, beta=params.beta, loss_type=params.loss_type)
    found = (dpo.loss_type, dpo.beta, dpo.learning_rate, params.chosen.sft.learning_rate)
    assert found == IN_FORCE[model]


def test_dvc_finds_what_every_stage_needs_of_every_model(tmp_path: Path) -> None:
    shutil.copyfile(ROOT / "dvc.yaml", tmp_path / "dvc.yaml")
    for folder in ("data", "models", "metrics"):
        (tmp_path / folder).mkdir()
    for name in ("stages", "tool_dpo", "data/tools", "data/small_talk.txt"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in MADE:
        (tmp_path / name).touch()
    subprocess.run(["dvc", "init", "--no-scm", "--quiet"], cwd=tmp_path, check=True)
    for model in PARAMS.models:
        _switched(tmp_path, model)
        result = subprocess.run(
            ["dvc", "repro", "--dry", "--single-item", *STAGES],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        assert all(f"Running stage '{stage}'" in result.stdout for stage in STAGES)


@pytest.mark.parametrize("model", PARAMS.models)
def test_a_value_at_the_top_holds_for_every_model(model: str, tmp_path: Path) -> None:
    params = load_params(_switched(tmp_path, model, beta=0.1, loss_type="hinge"))
    dpo = overridden(params.chosen.dpo, beta=params.beta, loss_type=params.loss_type)
    assert (dpo.loss_type, dpo.beta) == ("hinge", 0.1)
    assert dpo.learning_rate == IN_FORCE[model][2]


def test_what_dvc_writes_for_null_is_null(tmp_path: Path) -> None:
    """`dvc exp run -S` leaves an empty value where `null` stood."""
    for empty in ("", "null", "~"):
        assert load_params(_switched(tmp_path, "smollm2-135m", beta=empty)).beta is None


def test_an_unknown_model_is_one_line(tmp_path: Path) -> None:
    _switched(tmp_path, "gpt-9")
    command = [sys.executable, "-m", "stages.weights", str(tmp_path / "out")]
    result = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stderr.strip() == (f"params.yaml: model must be one of {', '.join(PARAMS.models)}, got 'gpt-9'")
