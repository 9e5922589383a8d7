"""Constrained decoding with llguidance: a model can write only what a call schema allows."""

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
"""Spaces as in the training data. `lenient`: keywords that no grammar can express (`uniqueItems`) are not enforced."""


class Constrained(LogitsProcessor):
    """For one batch: allows each row only those tokens that can still lead to a valid call of its schema."""

    def __init__(self, schemas: list[Schema], tokenizer: LLTokenizer) -> None:
        """Build a grammar for the schema of each row.

        Raises:
            ValueError: a schema cannot be converted to a grammar.
        """
        grammars = [LLMatcher.grammar_from_json_schema(schema, overrides=_AS_PYTHON_WRITES) for schema in schemas]
        self._matchers = [LLMatcher(tokenizer, grammar) for grammar in grammars]
        for matcher in self._matchers:
            if matcher.is_error():
                raise ValueError(matcher.get_error())
        self._begun = False

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the scores, [B, V], with minus infinity for every token that may not follow `input_ids`, [B, L]."""
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
    """Convert the tokenizer for llguidance. This takes about a second."""
    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    if isinstance(backend.pre_tokenizer, pre_tokenizers.ByteLevel):
        # A decoder read from GGUF has other steps before ByteLevel, and llguidance would misread them.
        backend.decoder = decoders.ByteLevel()
    return LLTokenizer(backend.to_str(), eos_token=tokenizer.eos_token_id)
