"""TRL's DPO trainer, telling which tokens of a pair its loss moves, and stopped when the chosen calls lose too much."""

from collections import deque
from difflib import SequenceMatcher
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid
from transformers import TrainerCallback
from trl import DPOTrainer

from tool_dpo.errors import InputError
from tool_dpo.models.attention import GROUPED
from tool_dpo.params import LossType
from tool_dpo.training.shared_prompts import SharedPrompts

IPO_DIFFERING = "ipo_differing"
SIGMOID_FIRST = "sigmoid_first"
OWN_LOSSES = (IPO_DIFFERING, SIGMOID_FIRST)
PARTS = ("prefix", "differing", "rest")
_PER_TOKEN_LOSSES = ("ipo", "sigmoid_norm")
_WINDOW = 20


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
    """TRL's losses, each prompt read once for both answers where attention allows it; and two losses of its own, for
    pairs that differ in a few tokens:

    `ipo_differing`, IPO (arXiv 2310.12036, equation 17) whose margin is that of a pair divided by the number of its
    differing tokens (the larger of both answers'; at least 1) and not by the answers' lengths. TRL's averages over an
    answer, most of which is alike in both: there a margin of 1/(2 beta) nats is out of reach, and nothing stops it.

    `sigmoid_first`, -log sigmoid(beta d), d being how much likelier the chosen answer's first token after the shared
    prefix is than the rejected one's (nats). It asks for no reference (which still tells margin and displacement): a
    choice that is made right hardly moves it, and what a rejected answer goes on with stays as likely.

    Logs, beside TRL's own figures, means over the pairs of a step, in nats:
    `delta`, the difference the loss acts on (of log-ratios to the reference, a token's where the loss is per token;
    of log-probabilities for `sigmoid_first`);
    `token/chosen` and `token/rejected`, log-probability of a token; `chosen/prefix`, `chosen/differing`, `chosen/rest`,
    `rejected/differing` and `rejected/rest`, log-probability of all tokens in that part of an answer.
    """

    def __init__(self, loss_type: LossType, model: Any, **kwargs: Any) -> None:
        self._loss_type = loss_type
        config = model.config  # whose attention is sure to take the mask, and reads the whole prompt
        self._shares = config._attn_implementation == GROUPED and not getattr(config, "sliding_window", None)
        super().__init__(model=model, **kwargs)

    def compute_ref_log_probs(self, model: Any, inputs: dict[str, Any]) -> Any:
        return super().compute_ref_log_probs(SharedPrompts(model) if self._shares else model, inputs)

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        recorded = _Recorded(SharedPrompts(model) if self._shares else model)
        loss = super().compute_loss(recorded, inputs, *args, **kwargs)
        masks = _masks(inputs)
        log_probs = recorded.log_probs[:, -masks["prefix"].size(1) :].float()
        delta = self._delta(inputs, log_probs, masks)
        if self._loss_type == IPO_DIFFERING:
            loss = loss + ((delta - 1 / (2 * self.beta)) ** 2).mean()
        elif self._loss_type == SIGMOID_FIRST:
            loss = loss - logsigmoid(self.beta * delta).mean()
        lengths = inputs["completion_mask"].sum(dim=1)
        figures = {"delta": delta, **_by_side("token/{}", log_probs.sum(dim=1) / lengths)}
        for part, mask in masks.items():
            figures |= _by_side(f"{{}}/{part}", (log_probs * mask).sum(dim=1))
        for name, values in figures.items():
            self._metrics["train"][name].append(values.mean().item())
        return loss

    def _delta(self, inputs: dict[str, Any], log_probs: Tensor, masks: dict[str, Tensor]) -> Tensor:
        """Chosen less rejected log-ratio to the reference, [B], by as many tokens as the loss divides by.

        Of `sigmoid_first`, chosen less rejected log-probability of the first token that is not the same.
        """
        if self._loss_type == SIGMOID_FIRST:
            apart = masks["differing"] | masks["rest"]
            chosen, rejected = (log_probs * (apart & (apart.cumsum(dim=1) == 1))).sum(dim=1).chunk(2)
            return chosen - rejected
        ratios = log_probs.sum(dim=1) - torch.cat([inputs["ref_chosen_logps"], inputs["ref_rejected_logps"]])
        if self._loss_type in _PER_TOKEN_LOSSES:
            ratios = ratios / inputs["completion_mask"].sum(dim=1)
        chosen, rejected = ratios.chunk(2)
        if self._loss_type == IPO_DIFFERING:
            differing = masks["differing"].sum(dim=1).chunk(2)
            return (chosen - rejected) / torch.maximum(*differing).clamp(min=1)
        return chosen - rejected


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
    """Stops a training that pushes the chosen calls down with the rejected ones (arXiv 2410.08847)."""

    def __init__(self, most: float, beta: float) -> None:
        self._most = most
        self._beta = beta
        self._last: deque[float] = deque(maxlen=_WINDOW)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Look at the last steps' mean.

        Raises:
            InputError: chosen calls have lost more than allowed.
        """
        if "rewards/chosen" not in logs:
            return
        self._last.append(logs["rewards/chosen"] / self._beta)
        lost = -sum(self._last) / len(self._last)
        if lost > self._most:
            raise InputError(
                f"step {state.global_step}: the chosen calls have lost {lost:.3g} nats each over the last "
                f"{len(self._last)} steps, expected at most dpo.max_displacement {self._most:g}: lower "
                "dpo.learning_rate, or raise dpo.sft_weight"
            )
