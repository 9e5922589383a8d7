"""Prompts that both answers of a pair share: read once, with the results of reading them twice."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.helpers import trainer_of, with_loss
from tool_dpo.params import ModelParams
from tool_dpo.training.dpo import make_trainer
from tool_dpo.training.pairs import typed
from tool_dpo.training.shared_prompts import SharedPrompts, can_share_prompts
from tool_dpo.triplets.triplet import Triplet


def test_a_shared_prompt_gives_the_same_results_and_gradients(
    sft: Path, tiny: ModelParams, triplets: list[Triplet], tmp_path: Path
) -> None:
    pairs = [typed(one) for one in triplets[:5]]
    pairs[1] = replace(pairs[1], rejected="{", fault="json_error")
    params = replace(tiny.dpo, batch_size=len(pairs))
    trainer = make_trainer(pairs, sft, tmp_path, with_loss(params, "sigmoid", 0.1), seed=3)
    batch = next(iter(trainer.get_train_dataloader()))
    labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, -100)
    labels[2] = -100  # as of an answer that max_length has cut off
    batch["attention_mask"][2] = batch["attention_mask"][2 + len(pairs)] * (labels[2 + len(pairs)] == -100)
    inputs = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"], "labels": labels}

    def results(model: Any) -> tuple[Any, list[torch.Tensor]]:
        output = model(**inputs, fused_lm_head=True)
        weights = [weight for weight in trainer.model.parameters() if weight.requires_grad]
        return output, list(torch.autograd.grad(output.log_probs.sum(), weights))

    (apart, gradients), (together, others) = results(trainer.model), results(SharedPrompts(trainer.model))
    for name in ("log_probs", "entropy", "mean_logits", "is_top1"):
        torch.testing.assert_close(together[name], apart[name])
    torch.testing.assert_close(others, gradients)
    assert apart.log_probs.count_nonzero() == (labels[:, 1:] != -100).sum()


def test_a_prompt_is_read_once_on_a_cpu(
    sft: Path, tiny: ModelParams, triplets: list[Triplet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    forward = torch.nn.Embedding.forward

    def counted(self: torch.nn.Embedding, ids: torch.Tensor) -> torch.Tensor:
        read.append(ids.numel())
        return forward(self, ids)

    monkeypatch.setattr(torch.nn.Embedding, "forward", counted)
    trainer = trainer_of(triplets[:1], sft, tmp_path, with_loss(tiny.dpo, "ipo", 0.1))
    batch = next(iter(trainer.get_train_dataloader()))
    trainer.compute_loss(trainer.model, batch)
    tokens, answers = int(batch["attention_mask"].sum()), int(batch["completion_mask"].sum())
    once = (tokens - answers) // 2 + answers + 1
    chosen = batch["input_ids"].size(1)
    assert read == [once, chosen, once]  # by the reference, for the displacement, and in training


@pytest.mark.parametrize("attention", ["sdpa", "eager", "grouped"])
def test_every_attention_gives_the_same_loss_with_shared_prompts(
    attention: str, sft: Path, tiny: ModelParams, triplets: list[Triplet], tmp_path: Path
) -> None:
    losses = []
    for share in (True, False):
        pairs = [typed(one) for one in triplets[:5]]
        trainer = make_trainer(
            pairs,
            sft,
            tmp_path,
            with_loss(replace(tiny.dpo, batch_size=5), "sigmoid", 0.1),
            seed=3,
            share_prompts=share,
        )
        trainer.model.set_attn_implementation(attention)
        assert can_share_prompts(trainer.model.config)
        batch = next(iter(trainer.get_train_dataloader()))
        batch["ref_chosen_logps"] -= 2.0
        with torch.no_grad():
            losses.append(trainer.compute_loss(trainer.model, batch).item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
