"""TRL's DPO trainer with the losses of `losses.py`; it also measures which tokens of a pair the training moves."""

from difflib import SequenceMatcher
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback
from trl import DPOTrainer

from tool_dpo.errors import InputError
from tool_dpo.training.losses import Answers, Loss
from tool_dpo.training.shared_prompts import SharedPrompts
from tool_dpo.training.trainer import CHECKPOINT_STEPS

PARTS = ("prefix", "differing", "rest")
_SAMPLE = 32
"""About how many chosen calls are measured for displacement."""


def parts(chosen: list[int], rejected: list[int]) -> tuple[list[str], list[str]]:
    """Where each token of two answers stands: in their shared `prefix`, where they are `differing`, or in the `rest`.

    The rest is what is alike after the first difference (Ratcliff and Obershelp's matching, as in difflib).
    """
    shorter = min(len(chosen), len(rejected))
    prefix = next((index for index in range(shorter) if chosen[index] != rejected[index]), shorter)
    of_chosen, of_rejected = (["prefix"] * prefix + ["differing"] * (len(one) - prefix) for one in (chosen, rejected))
    after = SequenceMatcher(None, chosen[prefix:], rejected[prefix:], autojunk=False)
    for a, b, size in after.get_matching_blocks():
        of_chosen[prefix + a : prefix + a + size] = ["rest"] * size
        of_rejected[prefix + b : prefix + b + size] = ["rest"] * size
    return of_chosen, of_rejected


class PreferenceTrainer(DPOTrainer):
    """TRL's trainer, with one loss of LOSSES in place of its own; TRL adds the SFT term and counts its own figures.

    Args:
        loss: the loss. One without a reference makes no pass of the reference model over the data.
        share_prompts: read each prompt once for both answers of its pair (`shared_prompts.py`).

    It logs, beside TRL's figures, means over the pairs of a step, in nats: `delta`, what the loss acts on;
    `displacement` (see `Displacement`); `token/chosen` and `token/rejected`, log-probability of a token;
    `chosen/prefix`, `chosen/differing`, `chosen/rest`, `rejected/differing` and `rejected/rest`, log-probability of
    all tokens in that part of an answer.
    """

    def __init__(self, loss: Loss, *, share_prompts: bool, **kwargs: Any) -> None:
        self._loss = loss
        self._share_prompts = share_prompts
        super().__init__(**kwargs)
        rows = self.train_dataset.select(range(0, len(self.train_dataset), max(1, len(self.train_dataset) // _SAMPLE)))
        size = self.args.per_device_train_batch_size
        self._sample = [
            self.data_collator([rows[index] for index in range(start, min(start + size, len(rows)))])
            for start in range(0, len(rows), size)
        ]
        self._at_start = self.log_prob_of_sample()
        if "ref" in self.model.peft_config:
            # Its log-probabilities are in the data now. In a checkpoint it would be loaded for the trained adapter.
            self.model.delete_adapter("ref")

    def log_prob_of_sample(self) -> float:
        """Mean log-probability of the chosen calls of a sample under the model as it is, nats a call."""
        log_probs = []
        for batch in map(self._prepare_inputs, self._sample):
            chosen = {name: batch[name].chunk(2)[0] for name in ("input_ids", "attention_mask", "completion_mask")}
            labels = chosen["input_ids"].masked_fill(chosen.pop("completion_mask") == 0, -100)
            with torch.no_grad(), self.accelerator.autocast():
                output = self.model(**chosen, labels=labels, use_cache=False, fused_lm_head=True)
            log_probs.append(output.log_probs.sum(dim=1))
        return float(torch.cat(log_probs).mean())

    def lost(self) -> float:
        """How much the chosen calls of the sample have lost since the start, nats a call."""
        return self._at_start - self.log_prob_of_sample()

    def compute_ref_log_probs(self, model: Any, inputs: dict[str, Any]) -> Any:
        if not self._loss.reference:
            return inputs["input_ids"].new_zeros(len(inputs["input_ids"]), dtype=torch.float32).chunk(2)
        return super().compute_ref_log_probs(self._reader(model), inputs)

    def _reader(self, model: Any) -> Any:
        return SharedPrompts(model) if self._share_prompts else model

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        recorded = _Recorded(self._reader(model))
        sft_term = super().compute_loss(recorded, inputs, *args, **kwargs)
        masks = _masks(inputs)
        tokens = inputs["completion_mask"][:, 1:].bool()
        log_probs = recorded.log_probs[:, -tokens.size(1) :].float()
        reference = torch.cat([inputs["ref_chosen_logps"], inputs["ref_rejected_logps"]])
        apart = masks["differing"] | masks["rest"]
        delta = self._loss.delta(Answers(log_probs, reference, tokens, masks["differing"], apart))
        figures = {"delta": delta, **_by_side("token/{}", log_probs.sum(dim=1) / tokens.sum(dim=1))}
        for part, mask in masks.items():
            figures |= _by_side(f"{{}}/{part}", (log_probs * mask).sum(dim=1))
        for name, values in figures.items():
            self._metrics["train"][name].append(values.mean().item())
        return sft_term + self._loss.form(delta, self.beta).mean()


def _by_side(name: str, values: Tensor) -> dict[str, Tensor]:
    return {name.format(side): half for side, half in zip(("chosen", "rejected"), values.chunk(2), strict=True)}


def _masks(inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Which tokens but the first stand in which part, each [2 B, L - 1]; chosen answers come first."""
    answers = inputs["completion_mask"][:, 1:].bool()
    tokens = [row[mask].tolist() for row, mask in zip(inputs["input_ids"][:, 1:], answers, strict=True)]
    half = len(tokens) // 2
    pairs = [parts(*pair) for pair in zip(tokens[:half], tokens[half:], strict=True)]
    named = [chosen for chosen, _ in pairs] + [rejected for _, rejected in pairs]
    masks = {part: torch.zeros_like(answers) for part in PARTS}
    for part, mask in masks.items():
        mask[answers] = torch.tensor([name == part for row in named for name in row], device=mask.device)
    return masks


class _Recorded:
    """A model that keeps the log-probabilities of its last output."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.log_probs = torch.empty(0)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        output = self._model(*args, **kwargs)
        self.log_probs = output.log_probs
        return output


class Displacement(TrainerCallback):
    """Stops a training that makes the chosen calls unlikely together with the rejected ones (arXiv 2410.08847).

    Every 20 steps and after the last it measures what a sample of chosen calls has lost against the SFT model.
    """

    def __init__(self, trainer: PreferenceTrainer, most: float) -> None:
        self._trainer = trainer
        self._most = most
        self._lost = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """After a resume, measure once, so that the log has a value."""
        if state.global_step:
            self._lost = self._trainer.lost()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Measure, and give the log the last measure.

        Raises:
            InputError: chosen calls have lost more than allowed.
        """
        if state.global_step % CHECKPOINT_STEPS == 0 or state.global_step == state.max_steps:
            self._lost = self._trainer.lost()
        self._trainer._metrics["train"]["displacement"].append(self._lost)
        if self._lost > self._most:
            raise InputError(
                f"step {state.global_step}: the chosen calls have lost {self._lost:.3g} nats each, expected at most "
                f"dpo.max_displacement {self._most:g}: lower dpo.learning_rate, or raise dpo.sft_weight"
            )
