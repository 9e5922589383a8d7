"""Constrained decoding: let a model write only what a call schema allows (llguidance)."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from tokenizers import Tokenizer, decoders, pre_tokenizers
from torch import Tensor
from transformers import LogitsProcessor

from tool_dpo.schema.keywords import Schema

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


_AS_PYTHON_WRITES = {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False, "lenient": True}
"""Spaced as in the training data. `lenient`: what no grammar can hold (`uniqueItems`) is left to the model."""


class Constrained(LogitsProcessor):
    """For one batch: each row may go on only with tokens that leave its answer the start of a call of its schema."""

    def __init__(self, schemas: list[Schema], tokenizer: LLTokenizer) -> None:
        """
        Raises:
            ValueError: a schema that the grammar cannot be made from.
        """
        grammars = [LLMatcher.grammar_from_json_schema(schema, overrides=_AS_PYTHON_WRITES) for schema in schemas]
        self._matchers = [LLMatcher(tokenizer, grammar) for grammar in grammars]
        for matcher in self._matchers:
            if matcher.is_error():
                raise ValueError(matcher.get_error())
        self._begun = False

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores, [B, V], with minus infinity for every token that may not follow `input_ids`, [B, L]."""
        if self._begun:
            for matcher, token in zip(self._matchers, input_ids[:, -1].tolist(), strict=True):
                if not matcher.is_stopped():
                    matcher.consume_token(token)
        self._begun = True
        masks = np.stack([np.frombuffer(matcher.compute_bitmask(), np.uint8) for matcher in self._matchers])
        bits = np.unpackbits(masks, axis=1, bitorder="little")[:, : scores.shape[1]]
        allowed = np.zeros(scores.shape, bool)  # a model may score more tokens than its tokenizer has
        allowed[:, : bits.shape[1]] = bits
        return scores.masked_fill(~torch.from_numpy(allowed).to(scores.device), -torch.inf)


def guide(tokenizer: "PreTrainedTokenizerBase") -> LLTokenizer:
    """The tokenizer as llguidance reads it (about a second)."""
    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    if isinstance(backend.pre_tokenizer, pre_tokenizers.ByteLevel):
        backend.decoder = (
            decoders.ByteLevel()
        )  # one read from GGUF has steps before it that llguidance takes for its own
    return LLTokenizer(backend.to_str(), eos_token=tokenizer.eos_token_id)
