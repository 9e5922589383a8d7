"""The ways in which a request may say a value: all that the catalogue uses, and some more that people use."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from tool_dpo.tools.names import split_words

DURATIONS = {
    "PT{}M": "minute", "PT{}H": "hour", "P{}D": "day", "P{}W": "week", "P{}M": "month",
}  # fmt: skip
"""Units of durations by their ISO 8601 form."""
_MONTHS = [  # calendar.month_name depends on the machine's locale
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
]  # fmt: skip
_NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip

_BEFORE, _AFTER = r"(?<!\w)(?<!\w['\u2019])", r"(?!\w)"
"""Where a word starts and ends. The "s" of "it's" is none."""
_BEFORE_DIGIT, _AFTER_DIGIT = r"(?<!\d)(?<!\d[.,])", r"(?!\d|[.,]\d)"
"""Where a number starts and ends: units may stand beside it, as in "18.75kg"."""


def as_said(day: date) -> tuple[str, str, str]:
    """The ways to say a date."""
    month = _MONTHS[day.month - 1]
    return day.isoformat(), f"{month} {day.day}, {day.year}", f"{day.day} {month} {day.year}"


def says(text: str, value: Any) -> bool:
    """Whether a text has a spelling of a value, as whole words. Of a list or an object: of any value in it."""
    if isinstance(value, dict | list):
        return any(says(text, one) for one in (value.values() if isinstance(value, dict) else value))
    return any(re.search(_whole(one.casefold()), text.casefold()) for one in _spellings(value) if one)


def _whole(spelling: str) -> str:
    """The regular expression of a spelling that is no part of a longer word or number."""
    before = _BEFORE_DIGIT if spelling[0].isdecimal() else _BEFORE
    after = _AFTER_DIGIT if spelling[-1].isdecimal() else _AFTER
    return before + re.escape(spelling) + after


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
