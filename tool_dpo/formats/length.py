"""How many tokens a text has at most, without a tokenizer: an estimate for all the models that can be chosen."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tool_dpo.formats.format import Asked
from tool_dpo.formats.plain import messages
from tool_dpo.params import FormatName

_PIECES = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]|[^\sA-Za-z0-9]|\n")
_AROUND = 8
"""Tokens that a chat template puts around each of its three messages, and around a description, at most."""
_WORDS = "call the tool " * 50
"""What a chat template says about tools, at most: that of Qwen2.5 has 140 tokens."""


def most_tokens(text: str) -> int:
    """An upper estimate of the tokens of a text.

    A common word is one token, and a rare one is cut after every few letters. A sign outside ASCII may have a token for
    each of its bytes.
    """
    return sum(_of_piece(piece) for piece in _PIECES.findall(text))


def _of_piece(piece: str) -> int:
    return 1 + (len(piece) - 1) // 5 if piece.isascii() else len(piece.encode())


@dataclass(frozen=True)
class Limit:
    """The most tokens of a prompt with its answer, in a format with these variables of its chat template."""

    tokens: int
    format: FormatName = "plain"
    template: Mapping[str, Any] = field(default_factory=dict)

    def holds(self, asked: Asked, answer: str) -> bool:
        """Whether a prompt with an answer keeps the limit, by the estimate."""
        if self.format == "plain":
            texts = [message["content"] for message in messages(asked.prompt)]
        elif self.template.get("tools_as") == "signatures":
            told = _descriptions(json.loads(asked.tools)) if self.template.get("descriptions") != "none" else []
            texts = [_WORDS, asked.prompt, *told]
        else:
            texts = [_WORDS, f"{asked.request}\n{asked.tools}"]
        return sum(_AROUND + most_tokens(text) for text in [*texts, answer]) <= self.tokens


def _descriptions(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(document.get("description"), str):
            yield document["description"]
        document = list(document.values())
    if isinstance(document, list):
        for one in document:
            yield from _descriptions(one)
