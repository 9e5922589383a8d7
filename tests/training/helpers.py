"""What the tests of preference training share."""

from dataclasses import replace

from tool_dpo.params import DpoParams, LossType


def with_loss(params: DpoParams, loss_type: LossType, beta: float) -> DpoParams:
    return replace(params, loss_type=loss_type, beta=beta)
