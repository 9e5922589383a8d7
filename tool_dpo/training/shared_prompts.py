"""Put both answers to a prompt in one row, so that the prompt is read once (prefix sharing, arXiv 2410.20305)."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tool_dpo.models.attention import GROUPED

_NO_LABEL = -100
_PROMPT, _CHOSEN, _REJECTED, _PADDING = range(4)


_ADDED_MASKS = (GROUPED, "eager")
_BOOLEAN_MASKS = ("sdpa",)


def can_share_prompts(config: Any) -> bool:
    """Whether a model's attention accepts the mask of SharedPrompts, and lets every token see the whole prompt."""
    known = config._attn_implementation in (*_ADDED_MASKS, *_BOOLEAN_MASKS)
    return known and not getattr(config, "sliding_window", None)


class SharedPrompts:
    """Wraps a causal model with TRL's fused LM head, so that it reads the prompt of each pair once.

    `can_share_prompts` must be true for the model's config. One row holds the prompt without its last token, then this
    token and the chosen answer, then this token again and the rejected answer. The answers do not see each other, and
    the positions of both continue from the prompt. So the output is the same as for two separate rows.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor, **kwargs: Any) -> Any:
        """The model's output for each token of an answer, [2 B, L - 1], and 0 for all other tokens.

        Args:
            input_ids, attention_mask: [2 B, L], chosen answers first, padded on the right.
            labels: [2 B, L], -100 except for the tokens of the answers.
        """
        row, position, part = _places(attention_mask, labels)
        answers = labels[row, position].masked_fill(part == _PADDING, _NO_LABEL)
        output = self._model(
            input_ids=input_ids[row, position],
            position_ids=position,
            attention_mask=self._mask(part),
            labels=answers,
            **kwargs,
        )
        labelled = answers[:, 1:] != _NO_LABEL
        places = row[:, 1:][labelled], position[:, 1:][labelled] - 1
        of_tokens = {name: value for name, value in output.items() if value.shape == labelled.shape}
        return type(output)(
            **{
                name: value.new_zeros(labels[:, 1:].shape).index_put(places, value[labelled])
                for name, value in of_tokens.items()
            }
        )

    def _mask(self, part: Tensor) -> Tensor:
        """Which tokens each token sees, [B, 1, P, P], as this attention needs it: true, or 0 to add to the scores."""
        seen = _seen(part)[:, None]
        if self._model.config._attn_implementation in _BOOLEAN_MASKS:
            return seen
        return torch.zeros(seen.shape, device=part.device).masked_fill(~seen, torch.finfo(torch.float32).min)


def _places(attention_mask: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The input row, the input position and the part of each token in the joint rows; each [B, P]."""
    lengths = attention_mask.sum(dim=1).tolist()
    prompts = (attention_mask.bool() & (labels == _NO_LABEL)).sum(dim=1).tolist()
    pairs = len(lengths) // 2
    rows, positions, parts = [], [], []
    for chosen, rejected in zip(range(pairs), range(pairs, 2 * pairs), strict=True):
        shared = prompts[chosen] - 1
        sizes = torch.tensor([shared, lengths[chosen] - shared, lengths[rejected] - shared])
        rows.append(torch.tensor([chosen, chosen, rejected]).repeat_interleave(sizes))
        positions.append(torch.cat([torch.arange(lengths[chosen]), torch.arange(shared, lengths[rejected])]))
        parts.append(torch.tensor([_PROMPT, _CHOSEN, _REJECTED]).repeat_interleave(sizes))
    row, position = (pad_sequence(one, batch_first=True) for one in (rows, positions))
    part = pad_sequence(parts, batch_first=True, padding_value=_PADDING)
    return row.to(labels.device), position.to(labels.device), part.to(labels.device)


def _seen(part: Tensor) -> Tensor:
    """Whether a token sees another, [B, P, P]: it sees itself and the earlier tokens of the prompt and its own part."""
    order = torch.arange(part.size(1), device=part.device)
    query, key = part[:, :, None], part[:, None, :]
    return (order[:, None] >= order) & ((key == query) | (key == _PROMPT))
