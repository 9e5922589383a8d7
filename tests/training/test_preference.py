"""What preference training measures: where two answers differ, what changes there, and when it stops."""

from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.training.helpers import trainer_of, with_loss
from tool_dpo.errors import InputError
from tool_dpo.params import LossType, ModelParams
from tool_dpo.training.preference import PARTS, Displacement, parts
from tool_dpo.triplets.triplet import Triplet

SHORT = {"p": "prefix", "d": "differing", "r": "rest"}


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
def test_common_parts_have_the_same_tokens_in_both_answers(chosen: list[int], rejected: list[int]) -> None:
    of_chosen, of_rejected = parts(chosen, rejected)
    for name in ("prefix", "rest"):
        alike = [
            [token for token, part in zip(tokens, named, strict=True) if part == name]
            for tokens, named in ((chosen, of_chosen), (rejected, of_rejected))
        ]
        assert alike[0] == alike[1]


@pytest.mark.parametrize("loss_type", ["ipo", "sigmoid"])
def test_the_parts_sum_to_the_answers(
    loss_type: LossType, sft: Path, tiny: ModelParams, triplets: list[Triplet], tmp_path: Path
) -> None:
    trainer = trainer_of(triplets[:4], sft, tmp_path, with_loss(tiny.dpo, loss_type, 0.1))
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


@pytest.mark.parametrize(
    ("lost", "stops"),
    [([4.0], None), ([6.0], 20), ([4.0, 6.0], 25)],
)
def test_training_stops_when_the_chosen_calls_lose_too_much(lost: list[float], stops: int | None) -> None:
    """Measured at every 20th step and at the last, the 25th."""
    measures, logged = iter(lost), defaultdict(list)
    trainer = SimpleNamespace(lost=lambda: next(measures), _metrics={"train": logged})
    alarm = Displacement(trainer, most=5.0)  # type: ignore[arg-type]

    def run() -> None:
        for step in range(1, 26 if len(lost) > 1 else 25):
            alarm.on_step_end(None, SimpleNamespace(global_step=step, max_steps=25), None)

    if stops:
        words = rf"step {stops}: the chosen calls have lost 6 nats .* at most dpo.max_displacement 5: lower"
        with pytest.raises(InputError, match=words):
            run()
    else:
        run()
        assert logged["displacement"] == [0.0] * 19 + [4.0] * 5
