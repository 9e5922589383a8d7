"""What preference training tells of itself: where two answers differ, what moved there, and when it stops."""

import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from trl import DPOTrainer

from tool_dpo.errors import InputError
from tool_dpo.params import DpoParams, LossType, ModelParams
from tool_dpo.training.dpo import make_trainer
from tool_dpo.training.pairs import typed
from tool_dpo.training.preference import PARTS, Displacement, PreferenceTrainer, parts
from tool_dpo.training.shared_prompts import SharedPrompts, can_share_prompts
from tool_dpo.triplets.triplet import Triplet

SHORT = {"p": "prefix", "d": "differing", "r": "rest"}


def _with(params: DpoParams, loss_type: LossType, beta: float) -> DpoParams:
    return replace(params, loss_type=loss_type, beta=beta)


@pytest.mark.parametrize(
    ("chosen", "rejected", "of_chosen", "of_rejected"),
    [
        ("abcde", "abXde", "ppdrr", "ppdrr"),  # a value changed
        ("abcde", "abde", "ppdrr", "pprr"),  # a field left out
        ("abde", "abcde", "pprr", "ppdrr"),  # one invented
        ("abc", "abc", "ppp", "ppp"),
        ("abc", "ab", "ppd", "pp"),  # cut off
        ("abc", "xyz", "ddd", "ddd"),
        ("abcabc", "xabc", "rrrddd", "drrr"),
        ("", "a", "", "d"),
    ],
)
def test_parts_of_two_answers(chosen: str, rejected: str, of_chosen: str, of_rejected: str) -> None:
    found = parts([*map(ord, chosen)], [*map(ord, rejected)])
    assert found == ([SHORT[one] for one in of_chosen], [SHORT[one] for one in of_rejected])


@given(chosen=st.lists(st.integers(0, 3)), rejected=st.lists(st.integers(0, 3)))
def test_what_is_alike_is_alike_in_both(chosen: list[int], rejected: list[int]) -> None:
    of_chosen, of_rejected = parts(chosen, rejected)
    for name in ("prefix", "rest"):
        alike = [
            [token for token, part in zip(tokens, named, strict=True) if part == name]
            for tokens, named in ((chosen, of_chosen), (rejected, of_rejected))
        ]
        assert alike[0] == alike[1]


def _loss(trainer: PreferenceTrainer, answers: list[str], log_probs: list[list[float]]) -> float:
    """Of answers whose letters are tokens with these log-probabilities; the reference gives 0 to all."""
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
    trainer = make_trainer([typed(triplets[0])], sft, tmp_path, _with(tiny.dpo, "ipo_differing", 0.25), seed=3)
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
    trainer = make_trainer([typed(triplets[0])], sft, tmp_path, _with(tiny.dpo, "sigmoid_first", 0.5), seed=3)
    log_probs = [[-float(i + 1) for i in range(len(chosen))], [-3.0 * (i + 1) for i in range(len(rejected))]]
    loss = _loss(trainer, [chosen, rejected], log_probs)
    delta = 2.0 * (first + 1) if first is not None else 0.0
    assert loss == pytest.approx(math.log(1 + math.exp(-0.5 * delta)))
    assert trainer._metrics["train"]["delta"][-1] == pytest.approx(delta)


@pytest.mark.parametrize("loss_type", ["ipo", "sigmoid"])
def test_the_parts_sum_to_the_answers(
    loss_type: LossType, sft: Path, tiny: ModelParams, triplets: list[Triplet], tmp_path: Path
) -> None:
    trainer = make_trainer([typed(one) for one in triplets[:4]], sft, tmp_path, _with(tiny.dpo, loss_type, 0.1), seed=3)
    batch = next(iter(trainer.get_train_dataloader()))
    batch["ref_chosen_logps"] -= 2.0  # as if training had raised each chosen answer by two nats
    with torch.no_grad():
        trainer.compute_loss(trainer.model, batch)
    found = {name: values[-1] for name, values in trainer._metrics["train"].items()}
    for side in ("chosen", "rejected"):
        total = sum(found[f"{side}/{part}"] for part in PARTS)
        assert total == pytest.approx(found[f"logps/{side}"], rel=1e-4)
    assert found["chosen/prefix"] == pytest.approx(found["rejected/prefix"], rel=1e-4)
    lengths = batch["completion_mask"].sum(dim=1)[: len(batch["ref_chosen_logps"])]
    expected = (2.0 / lengths).mean().item() if loss_type == "ipo" else 2.0
    assert found["delta"] == pytest.approx(expected, abs=1e-3)


def test_a_prompt_that_is_read_once_gives_what_two_give(
    sft: Path, tiny: ModelParams, triplets: list[Triplet], tmp_path: Path
) -> None:
    pairs = [typed(one) for one in triplets[:5]]
    pairs[1] = replace(pairs[1], rejected="{", fault="json_error")
    params = replace(tiny.dpo, batch_size=len(pairs))
    trainer = make_trainer(pairs, sft, tmp_path, _with(params, "sigmoid", 0.1), seed=3)
    batch = next(iter(trainer.get_train_dataloader()))
    labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, -100)
    labels[2] = -100  # as of an answer that max_length has cut off
    batch["attention_mask"][2] = batch["attention_mask"][2 + len(pairs)] * (labels[2 + len(pairs)] == -100)
    inputs = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"], "labels": labels}

    def told(model: Any) -> tuple[Any, list[torch.Tensor]]:
        output = model(**inputs, fused_lm_head=True)
        weights = [weight for weight in trainer.model.parameters() if weight.requires_grad]
        return output, list(torch.autograd.grad(output.log_probs.sum(), weights))

    (apart, gradients), (together, others) = told(trainer.model), told(SharedPrompts(trainer.model))
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
    trainer = make_trainer([typed(triplets[0])], sft, tmp_path, _with(tiny.dpo, "ipo", 0.1), seed=3)
    batch = next(iter(trainer.get_train_dataloader()))
    trainer.compute_loss(trainer.model, batch)
    tokens, answers = int(batch["attention_mask"].sum()), int(batch["completion_mask"].sum())
    once = (tokens - answers) // 2 + answers + 1
    assert read == [once, once, once]  # by the reference, for the displacement, and in training


@pytest.mark.parametrize(
    ("lost", "stops"),
    [([1.0, 4.0], None), ([1.0, 6.0, 1.0], 20), ([6.0], 1), ([1.0, 1.0, 6.0], 25)],
)
def test_a_training_that_loses_its_chosen_calls_stops(lost: list[float], stops: int | None) -> None:
    """Measured at the first step, at every 20th, and at the last, the 25th."""
    measures, logged = iter(lost), defaultdict(list)
    trainer = SimpleNamespace(lost=lambda: next(measures), _metrics={"train": logged})
    alarm = Displacement(trainer, most=5.0)  # type: ignore[arg-type]

    def run() -> None:
        for step in range(1, 26 if len(lost) > 2 else 25):
            alarm.on_step_end(None, SimpleNamespace(global_step=step, max_steps=25), None)

    if stops:
        words = rf"step {stops}: the chosen calls have lost 6 nats .* at most dpo.max_displacement 5: lower"
        with pytest.raises(InputError, match=words):
            run()
    else:
        run()
        assert logged["displacement"] == [1.0] * 19 + [4.0] * 5


@pytest.mark.parametrize("attention", ["sdpa", "eager", "grouped"])
def test_every_attention_that_shares_prompts_gives_what_two_rows_give(
    attention: str, sft: Path, tiny: ModelParams, triplets: list[Triplet], tmp_path: Path
) -> None:
    losses = []
    for share in (True, False):
        pairs = [typed(one) for one in triplets[:5]]
        trainer = make_trainer(
            pairs,
            sft,
            tmp_path,
            replace(tiny.dpo, batch_size=5, beta=0.1, loss_type="sigmoid"),
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


@pytest.mark.parametrize("loss_type", ["ipo", "sigmoid", "hinge", "sigmoid_norm"])
def test_a_loss_that_trl_has_too_is_trl_s(
    loss_type: LossType, sft: Path, tiny: ModelParams, triplets: list[Triplet], tmp_path: Path
) -> None:
    trainer = make_trainer([typed(one) for one in triplets[:4]], sft, tmp_path, _with(tiny.dpo, loss_type, 0.1), seed=3)
    batch = next(iter(trainer.get_train_dataloader()))
    batch["ref_chosen_logps"] -= 2.0
    with torch.no_grad():
        ours = trainer.compute_loss(trainer.model, batch).item()
        trainer.loss_types, trainer.loss_weights = [loss_type], [1.0]
        trls = DPOTrainer.compute_loss(trainer, trainer.model, batch).item()
    assert ours == pytest.approx(trls, rel=1e-5)


def test_a_loss_without_a_reference_makes_no_pass_for_one(
    sft: Path, tiny: ModelParams, triplets: list[Triplet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[Any] = []
    real = DPOTrainer.compute_ref_log_probs
    monkeypatch.setattr(DPOTrainer, "compute_ref_log_probs", lambda *args: passes.append(args) or real(*args))
    losses: tuple[tuple[LossType, int], ...] = (("sigmoid_first", 0), ("sigmoid", 2))
    for loss_type, expected in losses:
        params = replace(tiny.dpo, batch_size=2)
        make_trainer([typed(one) for one in triplets[:4]], sft, tmp_path, _with(params, loss_type, 0.1), seed=3)
        assert len(passes) == expected
