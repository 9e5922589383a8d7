"""Moments, times and spans as text: in the form that a pattern or a name asks for."""

import random
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from tool_dpo.schema.patterns import matches
from tool_dpo.tools.names import split_words, word_set

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 730
ISO = "%Y-%m-%dT%H:%M:%SZ"
_CLOCK = "%H:%M"
_FORMS = (
    "%Y-%m-%d", ISO, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%dT%H:%M:%S.000Z", "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%MZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y",
    "%d-%m-%Y", "%m-%d-%Y", "%Y-%m", "%m/%Y", "%m/%y", _CLOCK, "%H:%M:%S",
)  # fmt: skip
"""Forms of dates and times (strftime). The first that fits a pattern is taken."""
_SAMPLE = datetime(2027, 12, 12, 11, 11, 11, tzinfo=UTC)
"""A moment without zeros, whose day may be a month and whose minute may be an hour."""
_STAMPS = word_set("timestamp ts datetime")
_ENDS = word_set("start end begin from to since until created updated departure arrival event date")
"""First words of a name before "time", if it is the name of a moment."""
_SPANS = {"minute": (5, 10, 15, 20, 30, 45), "hour": range(1, 13), "day": range(1, 15)}


def moment(rng: random.Random) -> datetime:
    """A quarter of an hour, in UTC."""
    return FIRST + timedelta(minutes=15 * rng.randrange(DAYS * 96))


def named_time(name: str, rng: random.Random) -> str | None:
    """A moment, a time or a span for a text with this name; None if the name is none of theirs."""
    parts = split_words(name) or [""]
    match parts[-1]:
        case "time" if len(parts) > 1 and parts[0] in _ENDS:
            return f"{moment(rng):{ISO}}"
        case "time":
            return f"{moment(rng):{_CLOCK}}"
        case "duration":
            unit, counts = rng.choice(list(_SPANS.items()))
            count = rng.choice(counts)
            return f"{count} {unit}{'s' * (count > 1)}"
        case last if last in _STAMPS:
            return f"{moment(rng):{ISO}}"
    return None


@lru_cache(maxsize=1024)
def form_of(pattern: str) -> str | None:
    """The form of the dates or times that a pattern is for; None if it is not for them."""
    return next((form for form in _FORMS if _is_for(pattern, form)), None)


def _is_for(pattern: str, form: str) -> bool:
    """Whether a pattern matches texts of a form, but not with other signs or fewer digits."""
    text = f"{_SAMPLE:{form}}"
    others = *(re.sub(r"[-/:. T]", sign, text) for sign in ("", "x")), re.sub(r"\d+", "1", text)
    try:
        return matches(pattern, text) and not any(matches(pattern, other) for other in others)
    except ValueError:
        return False
