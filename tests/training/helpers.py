"""What the tests of preference training share."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tool_dpo.params import DpoParams, LossType
from tool_dpo.training.dpo import make_trainer
from tool_dpo.training.pairs import typed
from tool_dpo.triplets.triplet import Triplet


def with_loss(params: DpoParams, loss_type: LossType, beta: float) -> DpoParams:
    return replace(params, loss_type=loss_type, beta=beta)


def trainer_of(triplets: list[Triplet], sft: Path, folder: Path, params: DpoParams) -> Any:
    """The trainer of the triplets' own pairs."""
    return make_trainer([typed(one) for one in triplets], sft, folder, params, seed=3)
