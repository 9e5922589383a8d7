"""Constrained decoding with llguidance: a model can write only one call, to one of some tools, that is valid for it."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from torch import Tensor
from transformers import LogitsProcessor

from tool_dpo.errors import InputError
from tool_dpo.formats.format import Format
from tool_dpo.formats.frame import frame
from tool_dpo.schema.keywords import Schema

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


_AS_PYTHON_WRITES = {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False, "lenient": True}
"""Spaces as in the training data. `lenient`: keywords that no grammar can express (`uniqueItems`) are not enforced."""


class Guide:
    """Makes grammars for a tokenizer, and processors that hold answers to them."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", form: Format) -> None:
        """Convert the tokenizer for llguidance. This takes about a second.

        Raises:
            InputError: llguidance is not installed.
        """
        try:
            from llguidance import LLMatcher, LLTokenizer
        except ModuleNotFoundError as error:
            raise InputError(f"constrained answers need {error.name}: `make setup` installs it") from None
        self._matcher, self._form = LLMatcher, form
        self._tokens: dict[str, int] = tokenizer.get_added_vocab()
        backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        if isinstance(backend.pre_tokenizer, pre_tokenizers.ByteLevel):
            # A decoder read from GGUF has other steps before ByteLevel, and llguidance would misread them.
            backend.decoder = decoders.ByteLevel()
        self._tokenizer = LLTokenizer(backend.to_str(), eos_token=tokenizer.eos_token_id)

    def grammar(self, tools: Mapping[str, Schema]) -> str:
        """The answers that are one valid call to one of the tools, as a grammar (llguidance's form of Lark).

        `tools` are closed schemas of parameters (see `strict`) by the tools' names.

        Raises:
            ValueError: the format does not write arguments as JSON, or llguidance cannot use a schema, for example
                because of a pattern in it.
        """
        rules = [f"start: {' | '.join(f'call{index}' for index in range(len(tools)))}"]
        for index, (tool, schema) in enumerate(tools.items()):
            before, after = (self._literal(part) for part in frame(self._form, tool))
            rules.append(f"call{index}: {before} arguments{index} {after}")
            rules.append(f"arguments{index}: %json {json.dumps({**schema, 'x-guidance': _AS_PYTHON_WRITES})}")
        grammar = "\n".join(rules)
        if fault := self._matcher.validate_grammar(grammar, self._tokenizer):
            reason = str(fault).partition("\n   1 |")[0].partition("JSON schema: ")[2] or str(fault)
            raise ValueError(" ".join(reason.split()))
        return grammar

    def _literal(self, text: str) -> str:
        """A text in a grammar. An added token is always written as that token, so it stands there by its id."""
        added = "|".join(re.escape(one) for one in sorted(self._tokens, key=len, reverse=True))
        parts = re.split(f"({added})", text) if added else [text]
        return " ".join(
            f"<[{self._tokens[part]}]>" if part in self._tokens else json.dumps(part) for part in parts if part
        )

    def held_to(self, grammars: Sequence[str]) -> "Constrained":
        """The processor for one batch, with the grammar of each row."""
        return Constrained([self._matcher(self._tokenizer, one) for one in grammars])


class Constrained(LogitsProcessor):
    """For one batch: allows each row only those tokens that can still lead to an answer of its grammar."""

    def __init__(self, matchers: list[Any]) -> None:
        self._matchers = matchers
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

