"""Constrained decoding with llguidance: a model can write only what a call schema allows."""

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from torch import Tensor
from transformers import LogitsProcessor

from tool_dpo.errors import InputError
from tool_dpo.formats.format import Format
from tool_dpo.schema.calls import parameters_of
from tool_dpo.schema.keywords import Schema

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

try:
    from llguidance import LLMatcher, LLTokenizer
except ModuleNotFoundError as missing:
    raise InputError(f"constrained answers need {missing.name}: `make setup` installs it") from None

_AS_PYTHON_WRITES = {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False, "lenient": True}
"""Spaces as in the training data. `lenient`: keywords that no grammar can express (`uniqueItems`) are not enforced."""


class Constrained(LogitsProcessor):
    """For one batch: allows each row only those tokens that can still lead to a text of its grammar."""

    def __init__(self, grammars: list[str], tokenizer: LLTokenizer) -> None:
        """Take the grammar of each row (see `grammar`).

        Raises:
            ValueError: it has a schema that cannot be converted.
        """
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


def grammar(schemas: list[Schema], form: Format, tokenizer: "PreTrainedTokenizerBase") -> str:
    """The grammar of a valid call, as the format writes it, of one of the call schemas.

    Raises:
        ValueError: the format does not write the arguments of a call as JSON.
    """
    special = {one.content: number for number, one in tokenizer.added_tokens_decoder.items() if one.special}
    calls, rules = [], []
    for index, schema in enumerate(schemas):
        before, after = form.around(schema["properties"]["tool"]["const"])
        calls.append(f"{_literal(before, special)} arguments_{index} {_literal(after, special)}")
        arguments = parameters_of(schema) | {"x-guidance": _AS_PYTHON_WRITES}
        rules.append(f"arguments_{index}: %json {json.dumps(arguments)}")
    return str(LLMatcher.grammar_from_lark("\n".join([f"start: {' | '.join(calls)}", *rules])))


def _literal(text: str, special: dict[str, int]) -> str:
    """A text as llguidance writes it in a grammar: special tokens by number, and all else as strings."""
    parts = re.split(f"({'|'.join(map(re.escape, special))})", text) if special else [text]
    return " ".join(f"<[{special[part]}]>" if part in special else json.dumps(part) for part in parts if part)


def guide(tokenizer: "PreTrainedTokenizerBase") -> LLTokenizer:
    """Convert the tokenizer for llguidance. This takes about a second."""
    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    if isinstance(backend.pre_tokenizer, pre_tokenizers.ByteLevel):
        # A decoder read from GGUF has other steps before ByteLevel, and llguidance would misread them.
        backend.decoder = decoders.ByteLevel()
    return LLTokenizer(backend.to_str(), eos_token=tokenizer.eos_token_id)
