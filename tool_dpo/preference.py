"""TRL's DPO trainer, telling which tokens of a pair its loss moves, and stopped when the chosen calls lose too much."""

from collections import deque
from difflib import SequenceMatcher
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback
from trl import DPOTrainer

from tool_dpo.errors import InputError

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
    """Logs, beside TRL's own figures, means over the pairs of a step, in nats:

    `delta`, the difference the loss acts on (of log-ratios to the reference; a token's where the loss is per token);
    `token/chosen` and `token/rejected`, log-probability of a token; `chosen/prefix`, `chosen/differing`, `chosen/rest`,
    `rejected/differing` and `rejected/rest`, log-probability of all tokens in that part of an answer.
    """

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        recorded = _Recorded(model)
        loss = super().compute_loss(recorded, inputs, *args, **kwargs)
        for name, value in self._moved(inputs, recorded.log_probs).items():
            self._metrics["train"][name].append(value)
        return loss

    def _moved(self, inputs: dict[str, Any], log_probs: Tensor) -> dict[str, float]:
        """The figures of one batch: `log_probs` is [2 B, L], chosen answers first, that of each token but the first."""
        masks = inputs["completion_mask"][:, 1:].bool().cpu()
        ids = inputs["input_ids"][:, 1:].cpu()
        tokens = [one[mask].tolist() for one, mask in zip(ids, masks, strict=True)]
        values = [one[mask].tolist() for one, mask in zip(log_probs[:, -masks.size(1) :], masks, strict=True)]
        half = len(tokens) // 2
        sums = dict.fromkeys((f"{side}/{part}" for side in ("chosen", "rejected") for part in PARTS), 0.0)
        for index in range(half):
            for side, row, named in zip(
                ("chosen", "rejected"), (index, half + index), parts(tokens[index], tokens[half + index]), strict=True
            ):
                for part, value in zip(named, values[row], strict=True):
                    sums[f"{side}/{part}"] += value / half
        totals = torch.tensor([sum(one) for one in values])
        lengths = torch.tensor([len(one) for one in values])
        reference = torch.cat([inputs["ref_chosen_logps"], inputs["ref_rejected_logps"]]).cpu()
        ratios = totals - reference
        if self.loss_types[0] in _PER_TOKEN_LOSSES:
            ratios = ratios / lengths
        each = (totals / lengths).chunk(2)
        return {
            **sums,
            "delta": float((ratios[:half] - ratios[half:]).mean()),
            "token/chosen": float(each[0].mean()),
            "token/rejected": float(each[1].mean()),
        }


class _Recorded:
    """A model that keeps the log-probabilities of its last output."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.log_probs = torch.empty(0)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        output = self._model(*args, **kwargs)
        self.log_probs = output.log_probs.detach().float().cpu()
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
