"""How many tokens a text has at most, without a tokenizer: an estimate for all the models that can be chosen."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, Self

from tool_dpo.formats.format import Asked
from tool_dpo.formats.plain import messages
from tool_dpo.params import FormatName, ModelParams

_PIECES = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]|[^\sA-Za-z0-9]|[^\S ]|(?<= ) ")
_AROUND = 8
"""Tokens that a chat template puts around each of its three messages, and around a description, at most."""
_WORDS = "call the tool " * 50
"""What a chat template says about tools, at most: that of Qwen2.5 has 140 tokens."""
_FOLLOWING = {
    "a": "bcdgilmnprstu", "b": "aeilor", "c": "aehiklortu", "d": "aeios", "e": "acdeglmnprstvx", "f": "eio",
    "g": "aehir", "h": "aeio", "i": "abcdefglmnoprstv", "k": "e", "l": "aeilostuy", "m": "aeiop", "n": "acdegiost",
    "o": "cdglmnoprstuvw", "p": "aehiloprt", "q": "u", "r": "acdeimnorstuy", "s": "acehiopstu", "t": "aehiorstuy",
    "u": "aclmnrst", "v": "aei", "w": "ae",
}  # fmt: skip
"""The letters that often follow each letter: the 170 commonest pairs in the vocabulary of SmolLM2's tokenizer."""
_LONGEST_WORD = 15
_LONGEST_PIECE = 6
"""Most letters of a word that count as one token."""


def most_tokens(text: str) -> int:
    """An upper estimate of the tokens of a text.

    A common word is one token, and a rare one is cut after every few letters. Letters that look like no word, as in
    keys and ids, are cut at every rare pair. A sign outside ASCII may have a token for each of its bytes.
    """
    return sum(map(_of_piece, _PIECES.findall(text)))


@lru_cache(maxsize=65536)
def _of_piece(piece: str) -> int:
    if not piece.isascii():
        return len(piece.encode())
    letters, pairs = piece.lower(), len(piece) - 1
    rare = sum(second not in _FOLLOWING.get(first, "") for first, second in pairwise(letters))
    looks_like_a_word = 5 * rare <= pairs < _LONGEST_WORD
    return 1 + (pairs // _LONGEST_PIECE if looks_like_a_word else rare + (pairs - rare) // 3)


@dataclass(frozen=True)
class Limit:
    """The most tokens of a prompt with its answer, in a format with these variables of its chat template."""

    tokens: int
    format: FormatName = "plain"
    template: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, model: ModelParams) -> Self:
        """The limit of a model of params.yaml."""
        return cls(model.weights.max_length, model.format, model.template)

    def holds(self, asked: Asked, answer: str) -> bool:
        """Whether a prompt with an answer keeps the limit, by the estimate."""
        if self.format == "plain":
            texts = [message["content"] for message in messages(asked.prompt)]
        elif self.template.get("tools_as") == "signatures":
            told = _descriptions(json.loads(asked.tools)) if self.template.get("descriptions", "none") != "none" else []
            texts = [_WORDS, asked.prompt, *told]
        else:
            texts = [_WORDS, f"{asked.request}\n{asked.tools}"]
        if len("".join("".join(texts).split())) > _LONGEST_PIECE * self.tokens:
            return False  # sure, and much faster than to count
        return sum(_AROUND + most_tokens(text) for text in [*texts, answer]) <= self.tokens


def _descriptions(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(document.get("description"), str):
            yield document["description"]
        document = list(document.values())
    if isinstance(document, list):
        for one in document:
            yield from _descriptions(one)
