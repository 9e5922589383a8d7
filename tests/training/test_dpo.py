"""DPO on the tiny model: where it starts, and what it learns."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.helpers import curve
from tests.training.helpers import trainer_of, with_loss
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import prepare
from tool_dpo.params import LossType, ModelParams
from tool_dpo.training.dpo import train_dpo
from tool_dpo.training.preference import PARTS
from tool_dpo.training.sft import train_sft
from tool_dpo.triplets.triplet import Triplet


def _chosen_parts(row: dict[str, float]) -> float:
    return sum(row[f"chosen_{part}"] for part in PARTS)


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
    trainer = trainer_of(triplets[:4], sft, tmp_path, with_loss(tiny.dpo, loss_type, beta))
    batch = next(iter(trainer.get_train_dataloader()))
    with torch.no_grad():
        loss = trainer.compute_loss(trainer.model, batch)
    assert loss.item() == pytest.approx(expected, rel=1e-4)
    assert trainer._metrics["train"]["rewards/margins"][-1] == pytest.approx(0, abs=1e-4)


def test_the_sft_term_adds_the_loss_of_the_chosen_answer(
    sft: Path, tiny: ModelParams, triplets: list[Triplet], tmp_path: Path
) -> None:
    losses = []
    for weight in (0.0, 0.5, 1.0):
        params = replace(tiny.dpo, sft_weight=weight)
        trainer = trainer_of(triplets[:4], sft, tmp_path, with_loss(params, "sigmoid", 0.1))
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
    train_dpo(pairs, sft, out, tmp_path / "dpo.csv", with_loss(params, "sigmoid", 0.1), seed=3)
    rows = curve(tmp_path / "dpo.csv")
    assert rows[0]["margin"] == pytest.approx(0, abs=1e-3)
    assert sum(row["margin"] for row in rows[-5:]) / 5 > 0.3
    assert sum(row["loss"] for row in rows[-5:]) / 5 < math.log(2)
    trained, before = (load_file(folder / "adapter_model.safetensors") for folder in (out, sft))
    assert trained.keys() == before.keys()
    assert all(row["logp_chosen"] == pytest.approx(_chosen_parts(row), rel=1e-3) for row in rows)


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
        pairs, tmp_path / "sft", tmp_path / "dpo", tmp_path / "dpo.csv", with_loss(tiny.dpo, "sigmoid", 0.1), seed=3
    )
    assert (tmp_path / "dpo/adapter_model.safetensors").exists()
