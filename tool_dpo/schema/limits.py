"""Limits to the size of a JSON value, so that what is done with it ends soon, in little memory."""

import math
import sys
from typing import Any

MOST_VALUES = 100_000
"""Most values in one schema. Each name, and each item of an `enum` or `required`, is one."""
_MOST_CHARACTERS = 10_000_000
"""Most characters in the texts of one schema."""
_DEEPEST = 100
"""Most levels of lists and objects in one schema."""


def check_values(document: Any) -> None:
    """Check that Python values are a JSON value that is neither too deep nor too large. What occurs twice counts twice.

    Raises:
        ValueError: they are not. The message continues a sentence that begins with the name of the value.
    """
    waiting: list[tuple[Any, int]] = [(document, 0)]
    values = characters = 0
    while waiting:
        value, depth = waiting.pop()
        values += 1
        if values > MOST_VALUES:
            raise ValueError(f"has more than {MOST_VALUES:,} values")
        if depth > _DEEPEST:
            raise ValueError(f"nests more than {_DEEPEST} deep")
        match value:
            case dict():
                if not all(isinstance(name, str) for name in value):
                    raise ValueError("has a name that is not a text")
                waiting += [(one, depth + 1) for pair in value.items() for one in pair]
            case list():
                waiting += [(one, depth + 1) for one in value]
            case str():
                characters += len(value)
                if characters > _MOST_CHARACTERS:
                    raise ValueError(f"has more than {_MOST_CHARACTERS:,} characters")
                if not value.isascii() and _is_cut(value):
                    raise ValueError(f"{value[:40]!r} has half a character (a lone surrogate)")
            case bool() | None:
                pass
            case int() | float():
                if not math.isfinite(value) if isinstance(value, float) else abs(value) > sys.float_info.max:
                    raise ValueError("has a number that is not a JSON number or is larger than any float")
            case _:
                raise ValueError(f"has a {type(value).__name__}, which is not a JSON value")


def _is_cut(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
