"""SFT on the tiny model: what it learns, what it writes, and how a killed run goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.helpers import ROOT, curve, load, params_with_tiny
from tool_dpo.models.weights import read_weights
from tool_dpo.params import ModelParams
from tool_dpo.records import write_lines
from tool_dpo.training.sft import train_sft
from tool_dpo.triplets.triplet import Triplet, proved


def _adapter(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "adapter_model.safetensors")


def test_sft_learns_and_leaves_no_checkpoint(sft: Path) -> None:
    losses = [row["loss"] for row in curve(sft.parent / "sft.csv")]
    assert len(losses) == 20
    assert losses[-1] < losses[0] - 0.2
    assert not list((sft.parent / ".checkpoints").iterdir())


def test_a_model_folder_holds_safetensors_and_names_its_base(sft: Path, tiny: ModelParams) -> None:
    assert read_weights(sft) == tiny.weights
    assert not [path.name for path in sft.iterdir() if path.suffix in (".bin", ".pt", ".pkl")]
    assert {str(tensor.dtype) for tensor in _adapter(sft).values()} == {"torch.float32"}
    config = (sft / "adapter_config.json").read_text()
    assert str(Path.home()) not in config
    modules = json.loads(config)["target_modules"]
    assert modules == sorted(modules)


def test_a_killed_run_resumes_to_the_same_result(base: Path, data: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
        text = params_with_tiny().replace("model: smollm2-135m", "model: tiny")
        (folder / "params.yaml").write_text(text.replace("batch_size: 16", "batch_size: 1"))
    command = [sys.executable, "-m", "stages.sft", str(data), str(base), "sft", "sft.csv"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=whole, env=environment, check=True, capture_output=True)
    process = subprocess.Popen(
        command, cwd=killed, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not list(killed.glob(".checkpoints/*/checkpoint-20/manifest.json")):
        assert process.poll() is None, "ended before its first checkpoint"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "sft").exists()
    resumed = subprocess.run(command, cwd=killed, env=environment, check=True, capture_output=True, text=True)
    assert "resuming from" in resumed.stdout
    for name, tensor in _adapter(whole / "sft").items():
        torch.testing.assert_close(_adapter(killed / "sft")[name], tensor, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("share", "steps"), [(0.0, 2), (1.0, 6)])
def test_only_a_share_of_the_prompts_with_a_decision_is_trained_on(
    share: float,
    steps: int,
    plain_base: Path,
    triplets: list[Triplet],
    tiny: ModelParams,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    decided = [proved(one) for one in load("decisions")["triplets"].values()]
    write_lines(tmp_path / "data", (one.record() for one in [*triplets[:2], *decided]))
    params = replace(tiny.sft, batch_size=1, decisions=share)
    train_sft(tmp_path / "data", plain_base, tmp_path / "sft", tmp_path / "curve", params, seed=1)
    assert len(curve(tmp_path / "curve")) == steps
