"""Losses: their values, by hand and by TRL."""

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from trl import DPOTrainer

from tests.training.helpers import trainer_of, with_loss
from tool_dpo.params import LossType, ModelParams
from tool_dpo.training.preference import PreferenceTrainer
from tool_dpo.triplets.triplet import Triplet


def _loss(trainer: PreferenceTrainer, answers: list[str], log_probs: list[list[float]]) -> float:
    """The loss of answers whose letters are tokens with these log-probabilities; the reference gives 0 to all."""
    trainer._share_prompts = False
    rows = [[7, *map(ord, answer)] for answer in answers]
    longest = max(map(len, rows))
    zeros = torch.zeros(len(answers) // 2)
    inputs = {
        "input_ids": torch.tensor([row + [0] * (longest - len(row)) for row in rows]),
        "attention_mask": torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows]),
        "completion_mask": torch.tensor([[0] + [1] * (len(row) - 1) + [0] * (longest - len(row)) for row in rows]),
        "ref_chosen_logps": zeros,
        "ref_rejected_logps": zeros,
    }
    each = torch.tensor([row + [0.0] * (longest - 1 - len(row)) for row in log_probs])

    class Says(torch.nn.Module):
        def forward(self, **_: object) -> SimpleNamespace:
            zeros = torch.zeros_like(each)
            return SimpleNamespace(
                log_probs=each, entropy=zeros, mean_logits=zeros, is_top1=zeros.bool(), log_sum_sq_probs=zeros
            )

    return float(trainer.compute_loss(Says(), inputs))


@pytest.mark.parametrize(
    ("sides", "differing"),
    [
        ((["abcde"], ["abXde"]), [1]),
        ((["abcde"], ["abde"]), [1]),  # counted in the answer that has it
        ((["abde"], ["abXYde"]), [2]),
        ((["abc"], ["abc"]), [1]),
        ((["abcde", "abc"], ["aXXde", "abX"]), [2, 1]),
    ],
)
def test_ipo_over_differing_tokens_by_hand(
    sides: tuple[list[str], list[str]], differing: list[int], sft: Path, tiny: ModelParams, triplets: list[Triplet],
    tmp_path: Path,
) -> None:  # fmt: skip
    """Each token's log-probability is -1 (rejected: -2): (delta - 1 / (2 beta))^2."""
    trainer = trainer_of(triplets[:1], sft, tmp_path, with_loss(tiny.dpo, "ipo_differing", 0.25))
    log_probs = [[float(-number)] * len(answer) for number, side in enumerate(sides, 1) for answer in side]
    loss = _loss(trainer, [*sides[0], *sides[1]], log_probs)
    deltas = [
        (-len(chosen) + 2 * len(rejected)) / count for chosen, rejected, count in zip(*sides, differing, strict=True)
    ]
    assert loss == pytest.approx(sum((delta - 2) ** 2 for delta in deltas) / len(deltas))
    assert trainer._metrics["train"]["delta"][-1] == pytest.approx(sum(deltas) / len(deltas))


@pytest.mark.parametrize(
    ("chosen", "rejected", "first"),
    [
        ("abcde", "abXde", 2),
        ("abcde", "abde", 2),
        ("abde", "abXYde", 2),
        ("Xbc", "abc", 0),
        ("abc", "abc", None),
    ],
)
def test_sigmoid_of_the_first_token_by_hand(
    chosen: str, rejected: str, first: int | None, sft: Path, tiny: ModelParams, triplets: list[Triplet],
    tmp_path: Path,
) -> None:  # fmt: skip
    """Token i has log-probability -(i + 1) in the chosen answer and -3 (i + 1) in the rejected one."""
    trainer = trainer_of(triplets[:1], sft, tmp_path, with_loss(tiny.dpo, "sigmoid_first", 0.5))
    log_probs = [[-float(i + 1) for i in range(len(chosen))], [-3.0 * (i + 1) for i in range(len(rejected))]]
    loss = _loss(trainer, [chosen, rejected], log_probs)
    delta = 2.0 * (first + 1) if first is not None else 0.0
    assert loss == pytest.approx(math.log(1 + math.exp(-0.5 * delta)))
    assert trainer._metrics["train"]["delta"][-1] == pytest.approx(delta)


@pytest.mark.parametrize("loss_type", ["ipo", "sigmoid", "hinge", "sigmoid_norm"])
def test_a_loss_equals_trl_s_where_trl_has_it(
    loss_type: LossType, sft: Path, tiny: ModelParams, triplets: list[Triplet], tmp_path: Path
) -> None:
    trainer = trainer_of(triplets[:4], sft, tmp_path, with_loss(tiny.dpo, loss_type, 0.1))
    batch = next(iter(trainer.get_train_dataloader()))
    batch["ref_chosen_logps"] -= 2.0
    with torch.no_grad():
        ours = trainer.compute_loss(trainer.model, batch).item()
        trainer.loss_types, trainer.loss_weights = [loss_type], [1.0]
        trls = DPOTrainer.compute_loss(trainer, trainer.model, batch).item()
    assert ours == pytest.approx(trls, rel=1e-5)


def test_a_loss_without_a_reference_does_not_compute_one(
    sft: Path, tiny: ModelParams, triplets: list[Triplet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[Any] = []
    real = DPOTrainer.compute_ref_log_probs
    monkeypatch.setattr(DPOTrainer, "compute_ref_log_probs", lambda *args: passes.append(args) or real(*args))
    losses: tuple[tuple[LossType, int], ...] = (("sigmoid_first", 0), ("sigmoid", 2))
    for loss_type, expected in losses:
        params = replace(tiny.dpo, batch_size=2)
        trainer_of(triplets[:4], sft, tmp_path, with_loss(params, loss_type, 0.1))
        assert len(passes) == expected
