"""The ways in which a request may say a value: all that the catalogue uses, and some more that people use."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from tool_dpo.tools.catalog import DURATIONS, as_said
from tool_dpo.tools.names import split_words

_NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip

_WHOLE = r"(?<!\w)(?<!\w['’]){}(?!\w|['’]\w)"
"""A whole word: not the "s" of "it's"."""


def says(text: str, value: Any) -> bool:
    """Whether a text has a spelling of a value, as whole words. Of a list or an object: of any value in it."""
    if isinstance(value, dict | list):
        return any(says(text, one) for one in (value.values() if isinstance(value, dict) else value))
    said = text.casefold()
    return any(re.search(_WHOLE.format(re.escape(one.casefold())), said) for one in _spellings(value) if one)


def _spellings(value: Any) -> Iterator[str]:
    match value:
        case bool():
            yield from ("true", "yes") if value else ("false", "no")
        case None:
            yield from ("none", "null")
        case str():
            yield from (value, value.replace("_", " "), " ".join(split_words(value)))
            yield from _of_time(value)
        case int() | float():
            yield from (str(value), f"{value:,}")
            if value == int(value):
                yield from (str(int(value)), f"{int(value):,}")
            if value in range(len(_NUMBERS)):
                yield _NUMBERS[int(value)]


def _of_time(value: str) -> Iterator[str]:
    """A date, a moment or a duration as people say it; nothing for other texts."""
    with suppress(ValueError):
        yield from as_said(date.fromisoformat(value))
    with suppress(ValueError):
        when = datetime.fromisoformat(value)
        yield from (f"{day} at {when:%H:%M} UTC" for day in as_said(when.date()))
    for form, unit in DURATIONS.items():
        if found := re.fullmatch(form.format(r"(\d+)"), value):
            yield from (f"{found[1]} {unit}", f"{found[1]} {unit}s")
