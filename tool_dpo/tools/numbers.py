"""Numbers as people say them: from the range of the schema, or from a usual one if that is open or wide."""

import math
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from tool_dpo.schema.keywords import Schema
from tool_dpo.tools.names import split_words, word_set, words

_WIDE = 1_000_000
"""Steps of a range that is too wide to draw from all of it: such a limit is that of a computer, not of people."""
_SPAN = 99
_USUAL = {
    "page": (1, 20), "offset skip": (0, 100), "year": (2020, 2027), "month": (1, 12), "day": (1, 28), "hour": (0, 23),
    "minute second": (0, 59), "latitude lat": (-90, 90), "longitude lng lon": (-180, 180), "port": (1024, 9999),
    "age": (18, 90), "id ids": (1000, 99999), "width height": (100, 2000), "price amount cost total budget": (5, 500),
    "ratio probability": (0, 1), "limit size top first": (1, 50),
}  # fmt: skip
"""Usual ranges, by the last word of a name; 1 to 100 for all others."""
_USUAL_OF = {word: ends for words, ends in _USUAL.items() for word in words.split()}
_COUNTS = {"limit", "size", "top", "first", "count", "results", "items", "page", "entries", "rows"}
"""Last words of names of numbers that are small, however large they may be."""
_MOST_COUNT = 100
_WHOLE = _COUNTS | word_set(
    "limit offset skip year month day days hour minute second port id ids number no num index position quantity qty "
    "age tokens retries attempts n k pages counts steps seed version duration timeout ttl"
)
"""Last words of names of whole numbers, though their type may be number: many schemas know no other."""
_MOMENTS = word_set("at ts")
"""Last words of names of moments, if a number has such a name."""
_ENDS = word_set("start end begin from to since until created updated")
"""First words of names of moments whose last word is time."""
_UNITS = word_set("ms millis milliseconds s sec secs seconds utc")
_FINEST = Decimal("1e-12")
_MOMENT = re.compile(r"unix|epoch|timestamp", re.IGNORECASE)
_MILLISECONDS = re.compile(r"millisecond|\bms\b|milli", re.IGNORECASE)
_FIRST_MOMENT = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
_HOURS = 2 * 365 * 24


def number(schema: Schema, kind: str, name: str, rng: random.Random) -> int | float | None:
    """A number that fits the range of a schema; None if the range is empty. `kind` is integer or number."""
    if _is_moment(schema, name) and fits_range(moment := _moment(schema, name, rng), schema):
        return moment
    last = "duration" if schema.get("format") == "duration" else (split_words(name) or [""])[-1]
    for step in _steps(schema, kind, last):
        step = _coarser(schema, step)
        low, high = _least(schema, step), _most(schema, step)
        if low is None or high is None or _wide(low, high):
            low, high = _usual(low, high, last, step)
        elif last in _COUNTS and low * step < _MOST_COUNT < high * step:
            high = math.floor(_MOST_COUNT / step)
        if low <= high:
            value = rng.randint(low, high) * step
            return int(value) if value == int(value) else float(value)
    return None


def _steps(schema: Schema, kind: str, last: str) -> Iterator[Decimal]:
    """Numbers whose multiples may be drawn: the first that has one in the range is taken."""
    if "multipleOf" in schema:
        step = Decimal(str(schema["multipleOf"]))
        yield Decimal(Fraction(step).numerator) if kind == "integer" else step
        return
    ends = [schema[keyword] for keyword in ("minimum", "maximum", "default") if keyword in schema]
    if kind == "integer" or (last in _WHOLE and all(isinstance(one, int | float) and one == int(one) for one in ends)):
        yield Decimal(1)
    step = Decimal("0.01")
    while kind == "number" and step >= _FINEST:
        yield step
        step /= 10


def _coarser(schema: Schema, step: Decimal) -> Decimal:
    """A multiple of a step that has no more digits than people say, if the range is wide enough for it."""
    while step < Decimal("0.01") and _wide(_least(schema, step), _most(schema, step)):
        step *= 10
    return step


def _wide(low: int | None, high: int | None) -> bool:
    return low is None or high is None or high - low > _WIDE


def fits_range(value: float, schema: Schema) -> bool:
    """Whether a number is in the range of a schema."""
    return (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and not value <= schema.get("exclusiveMinimum", value - 1)
        and not value >= schema.get("exclusiveMaximum", value + 1)
    )


def _usual(low: int | None, high: int | None, last: str, step: Decimal) -> tuple[int, int]:
    """A range of steps that people use, inside the given one."""
    ends = _USUAL_OF.get(last, (1, _SPAN + 1))
    start, end = math.ceil(ends[0] / step), math.floor(ends[1] / step)
    if end < start:  # a step that is larger than the usual numbers
        end = start + _SPAN
    if low is not None and start < low:
        start, end = low, max(end, low + _SPAN)
    if high is not None and end > high:
        start, end = (start if start <= high else high - _SPAN), high
    return start if low is None else max(start, low), end


def _is_moment(schema: Schema, name: str) -> bool:
    """Whether a number is a moment, counted from 1970."""
    form = str(schema.get("format", ""))
    parts = split_words(name)
    if len(parts) > 1 and parts[-1] in _UNITS:
        parts = parts[:-1]
    return bool(
        form in ("date", "date-time", "time")
        or _MOMENT.search(form)
        or _MOMENT.search(name)
        or _MOMENT.search(str(schema.get("description", "")))
        or (parts and (parts[-1] in _MOMENTS or (parts[-1] == "time" and parts[0] in _ENDS)))
    )


def _moment(schema: Schema, name: str, rng: random.Random) -> int:
    seconds = _FIRST_MOMENT + 3600 * rng.randrange(_HOURS)
    said = f"{schema.get('format', '')} {words(name)} {schema.get('description', '')}"
    return seconds * 1000 if _MILLISECONDS.search(said) else seconds


def _least(schema: Schema, step: Decimal) -> int | None:
    """The smallest multiple of `step` that the schema allows."""
    bounds = [math.ceil(Decimal(str(schema["minimum"])) / step)] if "minimum" in schema else []
    if "exclusiveMinimum" in schema:
        bounds.append(math.floor(Decimal(str(schema["exclusiveMinimum"])) / step) + 1)
    return max(bounds, default=None)


def _most(schema: Schema, step: Decimal) -> int | None:
    bounds = [math.floor(Decimal(str(schema["maximum"])) / step)] if "maximum" in schema else []
    if "exclusiveMaximum" in schema:
        bounds.append(math.ceil(Decimal(str(schema["exclusiveMaximum"])) / step) - 1)
    return min(bounds, default=None)
