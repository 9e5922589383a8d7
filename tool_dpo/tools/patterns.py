"""Texts that match a pattern, as people could say them: letters, digits and a few signs, no longer than needed."""

import math
import random
import re
import warnings
from functools import lru_cache
from typing import Any

from rstr import Rstr

from tool_dpo.schema.patterns import matches

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"
_SAYABLE = f"{_LETTERS}{_DIGITS}-_. "
"""Characters for a place where any character may stand, and where most of them may."""
_REPEATS = (6, 3, 12, 1, 24)
"""How often a part without a limit is repeated at most; each is tried in turn, then what the length needs."""
_LONGEST = 60
_ATTEMPTS = 40
_MOST_REPEATS = 1000
_MOST_OF_A_RANGE = 100
_CLASSES = {"L": "a-zA-Z", "Lu": "A-Z", "Ll": "a-z", "N": "0-9", "Nd": "0-9", "Z": " ", "Zs": " ", "P": ".,-", "M": ""}
"""Characters of a Unicode property; `L` for all others."""
_TOKEN = re.compile(
    r"\\(?P<not>[pP])\{(?P<property>[^}]*)\}|\\u\{(?P<code>[0-9a-fA-F]{1,6})\}|\\k<(?P<back>\w+)>|\(\?<(?P<name>\w+)>"
    r"|\\.|\[|\]|.",
    re.DOTALL,
)


def text_of(pattern: str, rng: random.Random, shortest: int = 0, longest: int | None = None) -> str:
    """A text of a pattern (ECMA-262), of at least `shortest` and at most `longest` characters.

    Raises:
        ValueError: none is found.
    """
    aim = max(shortest, min(longest or _LONGEST, _LONGEST))
    for attempt in range(_ATTEMPTS):
        free = attempt < len(_REPEATS)
        writer = _Writer(rng, _REPEATS[attempt] if free else aim, exact=not free)
        try:
            text = writer.xeger(_in_python(pattern))
            short, long = max(0, shortest - len(text)), max(0, len(text) - (len(text) if longest is None else longest))
            sayable = text.isprintable() and text == text.strip()
            if sayable and not (short or long) and matches(pattern, text):
                return text
        except _TooLong:
            aim //= 2
            continue
        except (re.error, KeyError, IndexError, RecursionError, OverflowError, ValueError):
            break  # Python or the library does not know the pattern, or matching takes too long
        if not free:
            aim = max(1, aim - math.floor((long - short) / max(1, writer.parts)))
    raise ValueError("no way to draw a value for its pattern: give it examples")


class _TooLong(Exception):
    """Raised if a pattern repeats its parts without end."""


class _Writer(Rstr):
    """Writes a text of a pattern. A part stands at most `most` times, with `exact` about so often, unless it must stand
    more or less often."""

    def __init__(self, rng: random.Random, most: int, *, exact: bool) -> None:
        signs = {"whitespace": " ", "nonword": "-. ", "nondigits": _LETTERS, "nonwhitespace": _LETTERS + _DIGITS}
        super().__init__(rng, **signs)
        self._most, self._exact = most, exact
        self._repeats = 0
        self.parts = 0
        """How many parts were repeated."""
        self._cases = {
            **self._cases,
            "any": lambda _: rng.choice(_SAYABLE),
            "not_literal": lambda code: rng.choice(_SAYABLE.replace(chr(code), "")),
            "range": lambda ends: _between(*ends),
        }

    def _handle_in(self, value: Any) -> Any:
        """One of the characters. The library draws from a set, whose order differs from one process to the next."""
        negated = value[0][0].name == "NEGATE"
        named = [one for state in value[negated:] for one in self._handle_state(state)]
        found = [one for one in _SAYABLE if one not in named] if negated else named
        return self._random.choice(found or ["~"])

    def _handle_repeat(self, start_range: int, end_range: int, value: Any) -> str:
        most = min(end_range, max(start_range, self._most))
        least = max(start_range, most - 1) if self._exact else start_range
        times = self._random.randint(least, most)
        self.parts += 1
        self._repeats += times
        if self._repeats > _MOST_REPEATS:
            raise _TooLong
        return "".join(self._handle_state(state) for _ in range(times) for state in value)


def _between(first: int, last: int) -> list[str]:
    """The characters of a range, those that people say if there are some."""
    said = [one for one in _SAYABLE if first <= ord(one) <= last]
    return said or [chr(code) for code in range(first, min(last, first + _MOST_OF_A_RANGE) + 1)]


@lru_cache(maxsize=1024)
def _in_python(pattern: str) -> str:
    """A pattern of ECMA-262 as Python writes it. What Python does not know is replaced by something near."""
    result, inside = "", False
    for token in _TOKEN.finditer(pattern):
        text = token[0]
        if token["property"] is not None:
            inner = _CLASSES.get(token["property"].rpartition("=")[2], _CLASSES["L"])
            inner = inner if token["not"] == "p" else "0-9" if "a" in inner else "a-z"
            text = inner if inside else f"[{inner}]"
        elif token["code"]:
            text = f"\\U{int(token['code'], 16):08x}"
        elif token["back"]:
            text = f"(?P={token['back']})"
        elif token["name"]:
            text = f"(?P<{token['name']}>"
        elif text == "[":
            text, inside = ("\\[" if inside else "["), True
        elif text == "]":
            inside = False
        result += text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of signs in a class that may get another meaning
        re.compile(result)
    return result
