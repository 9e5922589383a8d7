"""SFT and DPO on the tiny model: what they start from, what they learn, what a killed run goes on with."""

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from tests.helpers import ROOT
from tool_dpo.formats.plain import messages
from tool_dpo.models.adapter import adapt
from tool_dpo.models.checkpoints import fingerprint
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import load_tokenizer, prepare, read_weights
from tool_dpo.params import DpoParams, LossType, ModelParams
from tool_dpo.training.dpo import make_trainer, row_of, train_dpo
from tool_dpo.training.lm_head import patch_trl_lm_head
from tool_dpo.training.pairs import typed
from tool_dpo.training.preference import PARTS
from tool_dpo.training.sft import train_sft
from tool_dpo.training.trainer import trainer_settings
from tool_dpo.triplets.triplet import Triplet, read_triplets


def _with(params: DpoParams, loss_type: LossType, beta: float) -> DpoParams:
    return replace(params, loss_type=loss_type, beta=beta)


def _chosen_parts(row: dict[str, float]) -> float:
    return sum(row[f"chosen_{part}"] for part in PARTS)


def _curve(path: Path) -> list[dict[str, float]]:
    with path.open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def _adapter(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "adapter_model.safetensors")


def test_sft_learns_and_leaves_no_checkpoint(sft: Path) -> None:
    losses = [row["loss"] for row in _curve(sft.parent / "sft.csv")]
    assert len(losses) == 20
    assert losses[-1] < losses[0] - 0.2
    assert not list((sft.parent / ".checkpoints").iterdir())


def test_a_model_folder_is_safetensors_and_says_what_it_is(sft: Path, tiny: ModelParams) -> None:
    assert read_weights(sft) == tiny.weights
    assert not [path.name for path in sft.iterdir() if path.suffix in (".bin", ".pt", ".pkl")]
    assert {str(tensor.dtype) for tensor in _adapter(sft).values()} == {"torch.float32"}
    config = (sft / "adapter_config.json").read_text()
    assert str(Path.home()) not in config
    modules = json.loads(config)["target_modules"]
    assert modules == sorted(modules)


@pytest.mark.parametrize(
    ("loss_type", "beta", "expected"),
    [
        ("ipo", 0.05, 1 / (4 * 0.05**2)),
        ("ipo", 0.5, 1 / (4 * 0.5**2)),
        ("ipo_differing", 0.1, 1 / (4 * 0.1**2)),
        ("sigmoid", 0.1, math.log(2)),
        ("hinge", 0.1, 1.0),
    ],
)
def test_before_the_first_step_the_margin_is_zero(
    loss_type: LossType,
    beta: float,
    expected: float,
    sft: Path,
    tiny: ModelParams,
    triplets: list[Triplet],
    tmp_path: Path,
) -> None:
    trainer = make_trainer(
        [typed(triplet) for triplet in triplets[:4]],
        sft,
        tmp_path,
        _with(tiny.dpo, loss_type, beta),
        seed=3,
    )
    batch = next(iter(trainer.get_train_dataloader()))
    with torch.no_grad():
        loss = trainer.compute_loss(trainer.model, batch)
    assert loss.item() == pytest.approx(expected, rel=1e-4)
    assert trainer._metrics["train"]["rewards/margins"][-1] == pytest.approx(0, abs=1e-4)


def test_the_sft_term_adds_the_chosen_s_loss(
    sft: Path, tiny: ModelParams, triplets: list[Triplet], tmp_path: Path
) -> None:
    losses = []
    for weight in (0.0, 0.5, 1.0):
        params = replace(tiny.dpo, sft_weight=weight)
        trainer = make_trainer(
            [typed(one) for one in triplets[:4]], sft, tmp_path, _with(params, "sigmoid", 0.1), seed=3
        )
        with torch.no_grad():
            losses.append(trainer.compute_loss(trainer.model, next(iter(trainer.get_train_dataloader()))).item())
    assert losses[0] == pytest.approx(math.log(2), rel=1e-4)
    assert losses[2] - losses[0] == pytest.approx(2 * (losses[1] - losses[0]), rel=1e-3)
    assert losses[1] > losses[0] + 0.1


def test_dpo_learns_to_prefer_and_keeps_the_base(
    sft: Path,
    tiny: ModelParams,
    pairs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "dpo"
    params = replace(tiny.dpo, batch_size=8, epochs=6, learning_rate=5e-3)
    train_dpo(pairs, sft, out, tmp_path / "dpo.csv", _with(params, "sigmoid", 0.1), seed=3)
    rows = _curve(tmp_path / "dpo.csv")
    assert rows[0]["margin"] == pytest.approx(0, abs=1e-3)
    assert sum(row["margin"] for row in rows[-5:]) / 5 > 0.3
    assert sum(row["loss"] for row in rows[-5:]) / 5 < math.log(2)
    assert _adapter(out).keys() == _adapter(sft).keys()
    assert all(row["logp_chosen"] == pytest.approx(_chosen_parts(row), rel=1e-3) for row in rows)


def test_a_killed_run_resumes_to_the_same_result(base: Path, data: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
        text = (ROOT / "params.yaml").read_text().replace("model: smollm2-135m", "model: tiny")
        (folder / "params.yaml").write_text(text.replace("batch_size: 16", "batch_size: 1"))
    command = [sys.executable, "-m", "stages.sft", str(data), str(base), "sft", "sft.csv"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=whole, env=environment, check=True, capture_output=True)
    process = subprocess.Popen(
        command, cwd=killed, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not list(killed.glob(".checkpoints/*/checkpoint-20/trainer_state.json")):
        assert process.poll() is None, "ended before its first checkpoint"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "sft").exists()
    resumed = subprocess.run(command, cwd=killed, env=environment, check=True, capture_output=True, text=True)
    assert "resuming from" in resumed.stdout
    for name, tensor in _adapter(whole / "sft").items():
        torch.testing.assert_close(_adapter(killed / "sft")[name], tensor, rtol=1e-4, atol=1e-5)


def test_another_run_s_checkpoint_is_never_resumed(base: Path, data: Path, tmp_path: Path) -> None:
    keys = {fingerprint({"beta": beta}, [path]) for beta in (0.1, 0.05) for path in (data, base / "weights.json")}
    assert len(keys) == 4


def test_four_bit_base_trains(
    tiny: ModelParams,
    data: Path,
    pairs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The QLoRA path of the 7B model, on a CPU."""
    monkeypatch.chdir(tmp_path)
    prepare(replace(tiny.weights, load_in_4bit=True), tmp_path / "base")
    train_sft(data, tmp_path / "base", tmp_path / "sft", tmp_path / "sft.csv", tiny.sft, seed=3)
    assert "Linear4bit" in {type(module).__name__ for module in load_model(tmp_path / "sft").modules()}
    train_dpo(
        pairs,
        tmp_path / "sft",
        tmp_path / "dpo",
        tmp_path / "dpo.csv",
        _with(tiny.dpo, "sigmoid", 0.1),
        seed=3,
    )
    assert (tmp_path / "dpo/adapter_model.safetensors").exists()


def test_sft_losses_are_stock_trl_s_step_by_step(
    sft: Path, base: Path, data: Path, tiny: ModelParams, tmp_path: Path
) -> None:
    """With PyTorch's attention and whole batches, in the same order."""
    params = replace(tiny.sft, batch_size=4, epochs=2)
    tokenizer, weights = load_tokenizer(base), read_weights(base)
    patch_trl_lm_head()
    model = adapt(load_model(base, trainable=True), base, params, seed=3)
    model.set_attn_implementation("sdpa")
    rows = [
        {"prompt": messages(one.prompt), "completion": [{"role": "assistant", "content": one.chosen}]}
        for one in read_triplets(data)
    ]
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(**trainer_settings(params, weights, 3, tmp_path), completion_only_loss=True),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    trainer.train()
    stock = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    assert [row["loss"] for row in _curve(sft.parent / "sft.csv")] == pytest.approx(stock, rel=1e-3)


def test_dpo_losses_are_stock_trl_s_step_by_step(
    sft: Path, triplets: list[Triplet], tiny: ModelParams, tmp_path: Path
) -> None:
    """Each prompt read once and the project's attention, against TRL's trainer with PyTorch's."""
    pairs = [typed(one) for one in triplets[:16]]
    params = replace(_with(tiny.dpo, "ipo", 0.1), batch_size=4, learning_rate=5e-3)
    own = make_trainer(pairs, sft, tmp_path / "own", params, seed=3)
    model = load_model(sft, trainable=True)
    model.set_attn_implementation("sdpa")
    settings = trainer_settings(params, read_weights(sft), 3, tmp_path / "stock")
    stock = DPOTrainer(
        model=model,
        args=DPOConfig(**settings, beta=params.beta, loss_type=["ipo"], precompute_ref_log_probs=True),
        train_dataset=Dataset.from_list(sorted(map(row_of, pairs), key=lambda row: row["length"])),
        processing_class=load_tokenizer(sft),
    )
    losses = []
    for trainer in (own, stock):
        trainer.train()
        losses.append([row["loss"] for row in trainer.state.log_history if "loss" in row])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert len(losses[0]) == 4
