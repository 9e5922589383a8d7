"""The project's trainers compute what stock TRL computes, step by step."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from datasets import Dataset
from transformers import set_seed
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from tests.training.helpers import with_loss
from tool_dpo.models.adapter import adapt
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import load_format, load_tokenizer, read_weights
from tool_dpo.params import ModelParams
from tool_dpo.training.dpo import make_trainer, row_of
from tool_dpo.training.lm_head import patch_trl_lm_head
from tool_dpo.training.pairs import typed
from tool_dpo.training.sft import row_of as sft_row
from tool_dpo.training.trainer import trainer_settings
from tool_dpo.triplets.triplet import Triplet, read_triplets


def _losses(curve: Path) -> list[float]:
    with curve.open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def test_sft_losses_are_stock_trl_s_step_by_step(
    sft: Path, base: Path, data: Path, tiny: ModelParams, tmp_path: Path
) -> None:
    """With PyTorch's attention and whole batches, in the same order."""
    params = replace(tiny.sft, batch_size=4, epochs=2)
    tokenizer, weights = load_tokenizer(base), read_weights(base)
    patch_trl_lm_head()
    model = adapt(load_model(base, trainable=True), base, params, seed=3)
    model.set_attn_implementation("sdpa")
    form = load_format(base, tokenizer)
    rows = [sft_row(one, form) for one in read_triplets(data)]
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(**trainer_settings(params, weights, 3, tmp_path), completion_only_loss=True),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    trainer.train()
    stock = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    assert _losses(sft.parent / "sft.csv") == pytest.approx(stock, rel=1e-3)


def test_dpo_losses_are_stock_trl_s_step_by_step(
    sft: Path, triplets: list[Triplet], tiny: ModelParams, tmp_path: Path
) -> None:
    """Each prompt read once and the project's attention, against TRL's trainer with PyTorch's."""
    pairs = [typed(one) for one in triplets[:16]]
    params = replace(with_loss(tiny.dpo, "ipo", 0.5), batch_size=4, learning_rate=5e-3, max_displacement=100.0)
    own = make_trainer(pairs, sft, tmp_path / "own", params, seed=3)
    model = load_model(sft, trainable=True)
    model.set_attn_implementation("sdpa")
    settings = trainer_settings(params, read_weights(sft), 3, tmp_path / "stock")
    tokenizer = load_tokenizer(sft)
    form = load_format(sft, tokenizer)
    rows = [row_of(pair, form) for pair in pairs]
    stock = DPOTrainer(
        model=model,
        args=DPOConfig(**settings, beta=params.beta, loss_type=["ipo"], precompute_ref_log_probs=True),
        train_dataset=Dataset.from_list(sorted(rows, key=lambda row: row["length"])),
        processing_class=tokenizer,
    )
    losses = []
    for trainer in (own, stock):
        set_seed(3)  # it orders the pairs
        trainer.train()
        losses.append([row["loss"] for row in trainer.state.log_history if "loss" in row])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert len(losses[0]) == 4
