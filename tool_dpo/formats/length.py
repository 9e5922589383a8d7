"""How many tokens a text has at most, without a tokenizer: an estimate for all the models that can be chosen."""

import re

from tool_dpo.formats.plain import messages

_PIECES = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]|[^\sA-Za-z0-9]|\n")
_LONGEST_PIECE = 5
"""Letters that are one token at most."""
_AROUND = 8
"""Tokens that a chat template puts around each of its three messages, at most."""


def most_tokens(text: str) -> int:
    """An upper estimate of the tokens of a text.

    A common word is one token, and a rare one is cut after every few letters. A sign outside ASCII may have a token for
    each of its bytes.
    """
    return sum(_of_piece(piece) for piece in _PIECES.findall(text))


def _of_piece(piece: str) -> int:
    return 1 + (len(piece) - 1) // _LONGEST_PIECE if piece.isascii() else len(piece.encode())


def fits(prompt: str, answer: str, most: int) -> bool:
    """Whether a prompt with an answer has at most so many tokens, by the estimate."""
    if len("".join(prompt.split())) > _LONGEST_PIECE * most:
        return False  # sure, and much faster than to count
    chat = [*messages(prompt), {"role": "assistant", "content": answer}]
    return sum(_AROUND + most_tokens(message["content"]) for message in chat) <= most
