"""Grouped-query attention (arXiv 2305.13245) for a CPU. Keys and values are not copied for each head of a group."""

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

GROUPED = "grouped"
MODEL_TYPES = ("llama", "mistral", "qwen2", "qwen3")
"""Model types whose attention has nothing else: no soft cap on the scores, no attention sinks."""


def grouped_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, Tensor]:
    """Compute the same as transformers' eager attention, with the heads of a group as rows of one matrix product.

    Args:
        query: [B, H, L, D]; key and value: [B, G, S, D], for G groups of H / G heads.
        attention_mask: [B, 1, L, S], added to the scores.

    Returns:
        The output, [B, L, H, D], and the attention weights, [B, G, H / G, L, S].
    """
    batch, heads, length, size = query.shape
    groups = key.shape[1]
    rows = query.reshape(batch, groups, heads // groups * length, size)
    scores = (rows @ key.transpose(2, 3)).view(batch, groups, heads // groups, length, -1) * scaling
    if attention_mask is not None:
        scores = scores + attention_mask[:, :, None]
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    weights = torch.nn.functional.dropout(weights, p=dropout, training=module.training)
    output = (weights.view(batch, groups, heads // groups * length, -1) @ value).view(batch, heads, length, size)
    return output.transpose(1, 2).contiguous(), weights


AttentionInterface.register(GROUPED, grouped_attention)
AttentionMaskInterface.register(GROUPED, eager_mask)
