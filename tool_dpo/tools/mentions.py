"""How people mention a parameter: "in {city}", "sorted by {sort}", "at most {limit} of them", "title {title}"."""

import re
from dataclasses import dataclass
from typing import Any

from tool_dpo.schema.keywords import ALTERNATIVES
from tool_dpo.tools.catalog import one_type
from tool_dpo.tools.deeds import EXAMPLE, MAKING, READING, VERBS, Deed, clean
from tool_dpo.tools.names import is_date, split_words, word_set, words

_LONGEST_DESCRIPTION = 5
"""Words of a description that is used in place of a name."""
_UNITS = word_set(
    "ms seconds minutes hours days weeks months years km meters miles kg grams percent cents usd eur gbp bytes kb mb gb"
)
"""Units at the end of a name. They are written after the number: `timeout_ms` becomes "timeout 30 ms"."""
_TIMES = {"date", "date-time"}
_SAYING = {"enum", "const", "examples", "x-faker", "format", "pattern", "default", *ALTERNATIVES}
"""Keywords that say more of a value than its name."""
_KINDS: dict[Any, str] = {
    "string": "text", "integer": "number", "number": "number", str: "text", int: "number", float: "number",
}  # fmt: skip
_ADJECTIVE = re.compile(r"\w+(?:ed|able|ible|ive|ic)|private|public|hidden|recent|verified|visible")
_ARTICLES = ("the", "a", "an", "this", "optional", "required")
_INSTRUCTIONS = word_set(
    "if whether when only filter filters set sets specify specifies return returns include use used no"
)
"""First words of descriptions that do not name the value."""
_OF_NUMBERS: dict[str, tuple[str, ...]] = {
    "page": ("page {}", "on page {}"),
    "offset skip": ("skipping the first {}", "starting after the first {}"),
}
_OF_READING_NUMBERS: dict[str, tuple[str, ...]] = {
    "limit per_page page_size max_results pagesize perpage maxresults": (
        "at most {} of them", "no more than {}", "up to {} results",
    ),
}  # fmt: skip
_PHRASES: dict[str, tuple[str, ...]] = {
    "sort sort_by order_by sortby orderby": ("sorted by {}", "ordered by {}"),
    "order direction sort_order sort_direction": ("in {} order",),
    "currency": ("in {}", "in the currency {}"),
    "language lang locale": ("in the language {}", "in {}"),
    "city town location": ("in {}", "located in {}"),
    "country": ("in {}", "in the country {}"),
    "tags labels": ("tagged {}", "with the tags {}"),
    "recipient recipients to": ("to {}", "addressed to {}"),
    "reason": ("because of {}", "for the reason {}"),
}
_OF_READING: dict[str, tuple[str, ...]] = {
    "query q search keyword keywords term search_term": ("matching {}", "about {}", "that match {}"),
    "status state": ("that are {}", "in state {}"),
}
_OF_MAKING: dict[str, tuple[str, ...]] = {
    "name title display_name": ("called {}", "named {}", "with the name {}"),
    "description": ("described as {}", "with the description {}"),
    "message body text content": ("that says {}", "with the text {}"),
}
_OF_TIMES: dict[str, tuple[str, ...]] = {
    "start from since after begin start_date start_time from_date date_from": ("from {} on", "since {}", "starting {}"),
    "end to until before end_date end_time to_date date_to till": ("until {}", "up to {}", "ending {}"),
    "due due_date deadline": ("due {}", "to be done by {}"),
    "date day on": ("on {}",),
}


@dataclass(frozen=True)
class Mention:
    """The words for a parameter with its slot. Neither those that stand `alone` nor a `flag` need a "with"."""

    text: str
    alone: bool = False
    flag: bool = False


def phrase(name: str, schema: Any, deed: Deed, style: int) -> str:
    """One of several ways to mention a known parameter, which `style` numbers; "" for others. `{}` is the value."""
    schema = schema if isinstance(schema, dict) else {}
    known = "_".join(split_words(name))
    reading, kinds = deed.verb in READING, _kinds(schema)
    tables: list[dict[str, tuple[str, ...]]] = []
    if is_time(name, schema):
        tables = [_OF_TIMES]
    elif kinds == {"text"}:
        tables = [_OF_READING if reading else _OF_MAKING if deed.verb in MAKING else {}, _PHRASES]
    elif kinds == {"number"}:
        tables = [_OF_READING_NUMBERS if reading else {}, _OF_NUMBERS]
    for table in tables:
        for names, forms in table.items():
            if known in names.split():
                return forms[style % len(forms)]
    return ""


def is_time(name: str, schema: Any) -> bool:
    """Whether a value is a date or a moment, by its format, or by its name if nothing else says what it is."""
    if not isinstance(schema, dict):
        return is_date(name)
    by_name = is_date(name) and one_type(schema) == "string" and not schema.keys() & _SAYING
    return schema.get("format") in _TIMES or by_name


def _kinds(schema: Any) -> set[str]:
    """The kinds of the values as people say them: "text", "number" or another. A list of texts is said as a text is."""
    if not isinstance(schema, dict):
        return {"text"}
    if alternatives := [one for keyword in ALTERNATIVES for one in schema.get(keyword, [])]:
        return set().union(*map(_kinds, alternatives)) - {"null"}
    if "enum" in schema or "const" in schema:
        return {_KINDS.get(type(one), "") for one in schema.get("enum", [schema.get("const")]) if one is not None}
    if one_type(schema) == "array":
        return {"text"} if "prefixItems" not in schema and _kinds(schema.get("items")) == {"text"} else {"array"}
    named = schema.get("type")
    types = named if isinstance(named, list) else [one_type(schema)]
    return {_KINDS.get(one, one) for one in types if one != "null"}


def with_unit(said: str, schema: Any) -> tuple[str, str]:
    """The words for a number without the unit at their end, and the unit as it is written after the number."""
    what, _, unit = said.rpartition(" ")
    if what and unit in _UNITS and isinstance(schema, dict) and one_type(schema) in ("integer", "number"):
        return what, f" {unit}"
    return said, ""


def called(name: str, schema: Any, deed: Deed, style: int) -> str:
    """The words for a parameter: those of its name, or of a short description.

    Words that the command has already said are left out, and "id" after the name of a thing.
    """
    described = _described(schema)
    short = len(name) <= 2 and name.lower() != "id"
    if described and (short or (style % 2 and len(described) <= _LONGEST_DESCRIPTION)):
        return " ".join(described[:_LONGEST_DESCRIPTION])
    said = words(name).removeprefix("is ").removeprefix("has ").split()
    spoken = {word.removesuffix("s") for word in split_words(deed.text)}
    rest = [word for word in said[:-1] if word.removesuffix("s") not in spoken] + said[-1:]
    if len(rest) > 1 and rest[-1] == "id":
        return " ".join(rest[:-1] if style % 3 else rest)
    return " ".join(rest)


def flag(name: str, said: str) -> str:
    """The words for both values of a boolean that is called `said`, as a slot of a template."""
    said = said.removeprefix("with ")
    if said.split()[0] in VERBS:
        return f"{{{name}?{said}|do not {said}}}"
    if _ADJECTIVE.fullmatch(said):
        return f"{{{name}?{said}|not {said}}}"
    return f"{{{name}?with {said}|without {said}}}"


def _described(schema: Any) -> list[str]:
    """The words of a description's first sentence, without its article; none if it is no plain phrase."""
    text = clean(schema.get("description") if isinstance(schema, dict) else "")
    first = re.split(r"[.;:,(]", EXAMPLE.split(text)[0])[0].strip()
    if not re.fullmatch(r"[A-Za-z' -]+", first):
        return []
    found = first.split()
    while found and found[0].lower() in _ARTICLES:
        found = found[1:]
    plain = [word if word.isupper() and len(word) > 1 else word.lower() for word in found]
    unclear = plain == ["value"] or len("".join(plain)) == 1 or (plain and plain[0] in _INSTRUCTIONS)
    return [] if unclear else plain
