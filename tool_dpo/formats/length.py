"""How many tokens a text has at most, without a tokenizer: an estimate for all the models that can be chosen."""

import re
from functools import lru_cache
from itertools import pairwise

from tool_dpo.formats.plain import messages

_PIECES = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]|[^\sA-Za-z0-9]|[^\S ]|(?<= ) ")
_AROUND = 8
"""Tokens that a chat template puts around each of its three messages, at most."""
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


def fits(prompt: str, answer: str, most: int) -> bool:
    """Whether a prompt with an answer has at most so many tokens, by the estimate."""
    if len("".join(prompt.split())) > _LONGEST_PIECE * most:
        return False  # sure, and much faster than to count
    chat = [*messages(prompt), {"role": "assistant", "content": answer}]
    return sum(_AROUND + most_tokens(message["content"]) for message in chat) <= most
