"""TRL's fused LM head in plain PyTorch. TRL's own is a Triton kernel, which needs a GPU."""

import torch
from torch import Tensor
from trl.trainer import utils

_KERNEL = "_ChunkedLogProbFunction"


class TorchLogProbs:
    """Replaces `trl.kernels.ChunkedLogProbFunction` (TRL 1.15.0) and takes the same arguments."""

    @staticmethod
    def apply(
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        temperature: float,
        chunk_size: int,
        softcap: float | None = None,
        logit_scale: float = 1.0,
        outputs: tuple[str, ...] = (),
    ) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
        """The log-probabilities (nats) of N targets, and the statistics named in `outputs`, None for the others.

        Args:
            hidden: [N, H], the states that predict the targets.
            weight: [V, H]; bias: [V]; targets: [N].

        Returns:
            log_probs, entropy, log_sum_sq_probs, mean_logits and is_top1, each [N]; only log_probs carries a gradient.
        """
        logits = torch.nn.functional.linear(hidden, weight, bias).float()
        if logit_scale != 1.0:  # at 1.0 this would only copy all logits and their gradient
            logits = logits * logit_scale
        if softcap is not None:
            logits = softcap * torch.tanh(logits / softcap)
        if temperature != 1.0:
            logits = logits / temperature
        log_probs = torch.log_softmax(logits, dim=-1)
        with torch.no_grad():
            known = log_probs.detach()
            entropy = -(known.exp() * known).sum(-1) if "entropy" in outputs else None
            log_sum_sq_probs = torch.logsumexp(2 * known, dim=-1) if "log_sum_sq_probs" in outputs else None
            mean_logits = logits.mean(-1) if "mean_logits" in outputs else None
            is_top1 = known.argmax(-1) == targets if "is_top1" in outputs else None
        return log_probs.gather(-1, targets[:, None])[:, 0], entropy, log_sum_sq_probs, mean_logits, is_top1


def patch_trl_lm_head() -> None:
    """Let TRL's trainers compute log-probabilities without a GPU. Call it before you make a trainer.

    Raises:
        AttributeError: this version of TRL does not have the kernel to replace.
    """
    if not hasattr(utils, _KERNEL):
        raise AttributeError(f"trl.trainer.utils has no {_KERNEL}: lm_head.py stands in for it up to TRL 1.15.0")
    if not torch.cuda.is_available():
        setattr(utils, _KERNEL, TorchLogProbs)
