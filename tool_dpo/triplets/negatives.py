"""Hard negatives: answers that are one small, plausible mistake away from a valid call.

The table MAKERS has one small function per JSON Schema keyword, which proposes edits of a value that break the keyword.
Other functions propose the name of another tool, text that is not JSON, or a value that was not requested.
`negative` tries the proposals in random order and keeps the first that is the answer's only fault. `mistakes.py` makes
other rejected calls: with a parameter left out or added, or with a model's own mistakes.
"""

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, TypeVar

from tool_dpo.kinds import NOT_JSON, OTHER, WRONG_VALUE
from tool_dpo.schema.keywords import KIND_OF_KEYWORD, Schema, unless_null
from tool_dpo.schema.violations import violations
from tool_dpo.triplets.edits import REMOVED, Edit, Negative, Site, proved_edits, proved_text, respelt, sites_of, unasked

Name = TypeVar("Name", bound=str)
_OF_VALUES = ("type_mismatch", "enum_violation", "other_schema_error")
_TRIES = 6
_LONGEST = 500
"""Largest `maxLength` that a text is made to exceed, in characters. Models hardly ever exceed larger ones."""
_MOST_ITEMS = 50
_WEIGHTS = {"exclusiveMinimum": 60, "exclusiveMaximum": 60, "multipleOf": 3, "const": 4}
"""Weight of a keyword when one is chosen to be broken, 1 for all others. Rare keywords weigh more, to be learnt too."""


def negative(
    kind: str,
    parameters: Schema,
    schema: Schema,
    call: dict[str, Any],
    rng: random.Random,
    others: Sequence[str] = (),
    siblings: Mapping[str, Any] | None = None,
) -> Negative | None:
    """A verified hard negative of one kind, or None if that is not possible in this call.

    Args:
        kind: one of kinds.KINDS. `other_schema_error` means all keywords without a kind of their own.
        parameters: the tool's parameter schema as written, with its `x-say` words.
        schema: the call schema that the answer is checked against.
        call: a valid call.
        others: names of the other tools in the prompt.
        siblings: parameters of similar tools, each with a value.
    """
    found: Iterable[Negative | None]
    if kind == NOT_JSON:
        chosen = json.dumps(call, ensure_ascii=False)
        texts = _malformed(call, chosen)
        found = (proved_text(schema, text, chosen) for text in rng.sample(texts, len(texts)))
    else:
        found = proved_edits(schema, call, _edits(kind, parameters, call, rng, others, siblings or {}))
    return next((one for one in found if one and one.violation == kind), None)


def _edits(
    kind: str,
    parameters: Schema,
    call: dict[str, Any],
    rng: random.Random,
    others: Sequence[str],
    siblings: Mapping[str, Any],
) -> Iterator[Edit]:
    """Edits of a call that may give a fault of this kind, likely ones first."""
    sites = list(sites_of(Site(("parameters",), parameters, call["parameters"])))
    groups = {
        keyword: [
            edit
            for site in sites
            if keyword in site.schema or keyword == "additionalProperties"
            for edit in make(site, rng)
        ]
        for keyword, make in MAKERS.items()
        if KIND_OF_KEYWORD.get(keyword, OTHER) == kind
    }
    if kind in _OF_VALUES:
        others_filled = list(unasked(sites))
        groups["unasked"] = rng.sample(others_filled, min(len(others_filled), _TRIES))
    elif kind == "hallucinated_param":
        asked = call["parameters"]
        groups["siblings"] = [Edit(("parameters", _styled(name, asked)), value) for name, value in siblings.items()]
    elif kind == "wrong_tool":
        groups["others"] = [Edit(("tool",), name) for name in others]
    elif kind == WRONG_VALUE:
        groups["misheard"] = list(_misheard(sites))
    for name in by_chance({name: _WEIGHTS.get(name, 1) for name in groups}, rng):
        yield from sorted(rng.sample(groups[name], len(groups[name])), key=lambda edit: edit.last_resort)


def by_chance(weights: Mapping[Name, float], rng: random.Random) -> list[Name]:
    """The names in random order. Each is drawn by weight from those left (Efraimidis and Spirakis, 2006)."""
    return sorted(
        (name for name, weight in weights.items() if weight > 0),
        key=lambda name: -(rng.random() ** (1 / weights[name])),
    )


def _misheard(sites: list[Site]) -> Iterator[Edit]:
    """A value that was not requested: a near number, another enum value, yes for no, the value of another parameter."""
    for site in sites:
        match site.value:
            case bool():
                yield Edit(site.path, not site.value)
            case int() | float():
                for value in (site.value + 1, site.value - 1, site.value * 10):
                    yield Edit(site.path, value)
            case str():
                for value in site.schema.get("enum", ()):
                    yield Edit(site.path, value)
                yield Edit(site.path, site.value.rpartition(" ")[0] or site.value[:-1])
                for other in sites:
                    if isinstance(other.value, str):
                        yield Edit(site.path, other.value)


def _malformed(call: dict[str, Any], text: str) -> list[str]:
    """Texts of a call that are not valid JSON, or that have other text around the JSON."""
    return [
        repr(call),
        f"{text[:-2]},}}}}",
        text.replace('": ', "': ").replace(', "', ", '").replace('{"', "{'"),
        f"```json\n{text}\n```",
        f"Here is the call: {text}",
        f"{text}\nLet me know if you need anything else.",
        text[:-1],
        text[: len(text) * 3 // 4],
        f"{text}}}",
    ]


def required(site: Site, rng: random.Random) -> Iterator[Edit]:
    """A required field left out, at any depth."""
    if isinstance(site.value, dict):
        for name in site.schema["required"]:
            yield Edit((*site.path, name), REMOVED)


def dependent_required(site: Site, rng: random.Random) -> Iterator[Edit]:
    """A field left out that another field requires."""
    if isinstance(site.value, dict):
        for name, needed in site.schema["dependentRequired"].items():
            for other in needed if name in site.value else ():
                yield Edit(site.path, _without(site.value, other))


def additional_properties(site: Site, rng: random.Random) -> Iterator[Edit]:
    """A parameter that is common in APIs but not in this tool, or an optional parameter with its name misspelt."""
    if not isinstance(site.value, dict):
        return
    for name, value in rng.sample(sorted(_COMMON_PARAMS.items()), 3):
        yield Edit((*site.path, _styled(name, site.value)), value)
    needed = site.schema.get("required", [])
    for name in site.value:
        if name not in needed:
            yield Edit(site.path, respelt(site.value, name, _misspelt(name, rng)))


def type_(site: Site, rng: random.Random) -> Iterator[Edit]:
    """The right value in the wrong type: "10" for 10, "true" for true, "a, b" for ["a", "b"], null."""
    whole_call = len(site.path) == 1
    for value in _retyped(site.value):
        yield Edit(site.path, value, last_resort=whole_call)
    if isinstance(site.value, str):
        yield Edit(site.path, [site.value], last_resort=True)
    if not whole_call:
        yield Edit(site.path, None, last_resort=True)


def _retyped(value: Any) -> list[Any]:
    match value:
        case bool():
            return [str(value).lower(), "yes" if value else "no", int(value)]
        case int():
            return [str(value), value + 0.5, [value]]
        case float():
            return [str(value), [value]]
        case str() if value.isdecimal() and not value.startswith("0"):
            return [int(value)]
        case "true" | "false":
            return [value == "true"]
        case dict():
            return [json.dumps(value)]
        case [only]:
            return [only, json.dumps(value)]
        case list() if value and all(isinstance(item, str) for item in value):
            return [", ".join(value), json.dumps(value)]
        case list():
            return [json.dumps(value)]
        case _:
            return []


def alternatives(site: Site, rng: random.Random) -> Iterator[Edit]:
    """A value that fits none of the alternative schemas: another type, or an edit that breaks the one that fits.

    None for "X or null": its value is edited as an X.
    """
    if unless_null(site.schema) is not None:
        return
    for value in (*_retyped(site.value), [site.value], None):
        yield Edit(site.path, value)
    for schema in (*site.schema.get("anyOf", ()), *site.schema.get("oneOf", ())):
        if not violations(schema, site.value):
            for inner in sites_of(Site(site.path, schema, site.value)):
                yield from _within(inner, rng)


def _within(site: Site, rng: random.Random) -> Iterator[Edit]:
    """All edits that break a keyword of the schema, except its type. A closed schema also gets unknown properties."""
    for keyword, make in MAKERS.items():
        if keyword in site.schema and keyword != "type":
            yield from make(site, rng)


def enum(site: Site, rng: random.Random) -> Iterator[Edit]:
    """A value close to an allowed one: as in the request, in another case, in the plural, or a similar word."""
    for value in _near_misses(site.value, site.schema):
        yield Edit(site.path, value)


def _near_misses(value: Any, schema: Schema) -> list[Any]:
    if isinstance(value, int) and not isinstance(value, bool):
        return [value + 1, value * 2]
    if not isinstance(value, str):
        return []
    said = schema.get("x-say", {}).get(value, value)
    spaced = value.replace("_", " ")
    misses = [
        *([said] if isinstance(said, str) else said),
        spaced,
        spaced.replace(" ", "-"),
        value.upper() if value.islower() else value.lower(),
        value.capitalize(),
        value.removesuffix("s") if value.endswith("s") else f"{value}s",
        *_NEIGHBOURS.get(value.lower(), ()),
    ]
    return [miss for miss in dict.fromkeys(misses) if miss != value]


def minimum(site: Site, rng: random.Random) -> Iterator[Edit]:
    """A number just below the minimum."""
    yield from _beyond(site, "minimum", -1)


def maximum(site: Site, rng: random.Random) -> Iterator[Edit]:
    """A number just above the maximum."""
    yield from _beyond(site, "maximum", 1)


def exclusive_minimum(site: Site, rng: random.Random) -> Iterator[Edit]:
    """The limit itself, or a number just below it."""
    yield from _beyond(site, "exclusiveMinimum", -1)


def exclusive_maximum(site: Site, rng: random.Random) -> Iterator[Edit]:
    """The limit itself, or a number just above it."""
    yield from _beyond(site, "exclusiveMaximum", 1)


def _beyond(site: Site, keyword: str, sign: int) -> Iterator[Edit]:
    if isinstance(site.value, bool) or not isinstance(site.value, int | float):
        return
    step = Decimal(str(site.schema.get("multipleOf", 1)))
    bound = Decimal(str(site.schema[keyword])) / step
    nearest = bound.to_integral_value(ROUND_FLOOR if sign < 0 else ROUND_CEILING)
    for steps in (0, 1, 10):
        yield Edit(site.path, _number((nearest + sign * steps) * step))


def multiple_of(site: Site, rng: random.Random) -> Iterator[Edit]:
    """A number between two multiples of the step."""
    if isinstance(site.value, int | float) and not isinstance(site.value, bool):
        step = Decimal(str(site.schema["multipleOf"]))
        for part in (1, step / 2, step / 10):
            for sign in (1, -1):
                yield Edit(site.path, _number(Decimal(str(site.value)) + sign * part))


def _number(value: Decimal) -> int | float:
    return int(value) if value == int(value) else float(value)


def min_length(site: Site, rng: random.Random) -> Iterator[Edit]:
    """A text that is cut too short."""
    if isinstance(site.value, str):
        yield Edit(site.path, site.value[: site.schema["minLength"] - 1])


def max_length(site: Site, rng: random.Random) -> Iterator[Edit]:
    """A text that is too long."""
    if isinstance(site.value, str) and site.schema["maxLength"] <= _LONGEST:
        long = site.value
        while len(long) <= site.schema["maxLength"]:
            long += f" {site.value}" if site.value else "a"
        yield Edit(site.path, long)
        yield Edit(site.path, long[: site.schema["maxLength"] + 1])


def pattern(site: Site, rng: random.Random) -> Iterator[Edit]:
    """A code as people write it: in another case, with a character less or more, or without separators."""
    if isinstance(site.value, str):
        text = site.value
        for miss in (
            text.lower(),
            text.upper(),
            text[:-1],
            text + text[-1:],
            f"#{text}",
            re.sub(r"[-_:./ ]", "", text),
            re.sub(r"[-_:./]", " ", text),
            re.sub(r"(?<=[A-Za-z])(?=[0-9])", " ", text),
        ):
            if miss != text:
                yield Edit(site.path, miss)


def format_(site: Site, rng: random.Random) -> Iterator[Edit]:
    """A date, time or address as people write it."""
    if isinstance(site.value, str):
        for miss in _as_people_write(site.value, site.schema["format"]):
            if miss != site.value:
                yield Edit(site.path, miss)


def _as_people_write(value: str, form: str) -> list[str]:
    match form:
        case "date":
            year, month, day = value.split("-")
            return [
                f"{day}/{month}/{year}",
                f"{month}/{day}/{year}",
                f"{year}/{month}/{day}",
                f"{year}-{int(month)}-{int(day)}",
                f"{day}-{month}-{year}",
                f"{value}T00:00:00",
            ]
        case "date-time":
            return [value[:10], value.rstrip("Z"), value.replace("T", " ").rstrip("Z"), value[11:16]]
        case "time":
            return [value[:5], value.rstrip("Z"), f"{value[:5]} pm"]
        case "email":
            return [value.replace("@", " at "), value.split("@")[0], value.replace("@", "")]
        case "uri":
            return [re.sub("^[a-z]+://", "", value), value.replace("://", ":/ /"), f"<{value}>"]
        case "ipv4":
            return [value.rpartition(".")[0], f"{value}.0", re.sub(r"[0-9]+$", "256", value), f"{value}/24"]
        case "uuid":
            return [value.replace("-", ""), value[:8], f"{{{value}}}"]
        case _:
            return [f"{value} ", value[:-1], ""]


def min_items(site: Site, rng: random.Random) -> Iterator[Edit]:
    """A list with too few items."""
    if isinstance(site.value, list):
        yield Edit(site.path, site.value[: site.schema["minItems"] - 1])


def max_items(site: Site, rng: random.Random) -> Iterator[Edit]:
    """A list with too many items."""
    if isinstance(site.value, list) and site.value and site.schema["maxItems"] <= _MOST_ITEMS:
        often = site.schema["maxItems"] // len(site.value) + 1
        yield Edit(site.path, (site.value * often)[: site.schema["maxItems"] + 1])
        if all(isinstance(item, str) for item in site.value):
            more = [f"{item} {number}" for number in range(2, often + 2) for item in site.value]
            yield Edit(site.path, (site.value + more)[: site.schema["maxItems"] + 1])


def unique_items(site: Site, rng: random.Random) -> Iterator[Edit]:
    """The same item twice."""
    if isinstance(site.value, list):
        for index, item in enumerate(site.value):
            yield Edit(site.path, [*site.value, item])
            yield Edit(site.path, [*site.value[:index], site.value[index - 1], *site.value[index + 1 :]])


def items(site: Site, rng: random.Random) -> Iterator[Edit]:
    """One item more than the list may have (`items: false`)."""
    if isinstance(site.value, list) and site.value and site.schema["items"] is False:
        yield Edit(site.path, [*site.value, site.value[-1]])


def contains(site: Site, rng: random.Random) -> Iterator[Edit]:
    """A list without the items that `contains` requires."""
    if isinstance(site.value, list):
        yield Edit(site.path, [item for item in site.value if violations(site.schema["contains"], item)])


def min_properties(site: Site, rng: random.Random) -> Iterator[Edit]:
    """An object with too few fields."""
    if isinstance(site.value, dict):
        for name in site.value:
            yield Edit(site.path, _without(site.value, name))


def max_properties(site: Site, rng: random.Random) -> Iterator[Edit]:
    """An object with too many fields, if any names are allowed."""
    if isinstance(site.value, dict) and site.value and site.schema["maxProperties"] <= _MOST_ITEMS:
        last, more = list(site.value)[-1], range(2, site.schema["maxProperties"] - len(site.value) + 3)
        yield Edit(site.path, site.value | {f"{last}_{number}": site.value[last] for number in more})


def _without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


def _styled(name: str, known: Iterable[str]) -> str:
    """The name, in camelCase if one of the `known` names is."""
    return _camel(name) if any(re.search("[a-z][A-Z]", one) for one in known) else name


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _misspelt(name: str, rng: random.Random) -> str:
    """The name in the singular or plural, in camelCase, or without one letter."""
    lost = rng.randrange(len(name)) if name else 0
    plural = name.removesuffix("s") if name.endswith("s") else f"{name}s"
    return rng.choice([plural, _camel(name), name[:lost] + name[lost + 1 :] or plural])


Maker = Callable[[Site, random.Random], Iterable[Edit]]
MAKERS: dict[str, Maker] = {
    "required": required,
    "additionalProperties": additional_properties,
    "type": type_,
    "enum": enum,
    "const": enum,
    "minimum": minimum,
    "maximum": maximum,
    "exclusiveMinimum": exclusive_minimum,
    "exclusiveMaximum": exclusive_maximum,
    "multipleOf": multiple_of,
    "minLength": min_length,
    "maxLength": max_length,
    "pattern": pattern,
    "format": format_,
    "minItems": min_items,
    "maxItems": max_items,
    "uniqueItems": unique_items,
    "items": items,
    "contains": contains,
    "minProperties": min_properties,
    "maxProperties": max_properties,
    "dependentRequired": dependent_required,
    "anyOf": alternatives,
    "oneOf": alternatives,
}
"""The function that breaks each keyword. Values inside `properties`, `items`, `prefixItems`, `additionalProperties` and
`allOf` are edited too; `$ref` is inlined before. No negatives are made for `not`, `if`, `dependentSchemas`,
`propertyNames`, `patternProperties`, `unevaluatedProperties` and `unevaluatedItems`."""

_COMMON_PARAMS: dict[str, Any] = json.loads(
    """{"limit": 10, "page": 1, "offset": 0, "sort_by": "date", "order": "desc", "verbose": true, "dry_run": false,
    "timezone": "UTC", "language": "en", "locale": "en-US", "currency": "USD", "format": "json", "notes": "",
    "comment": "", "description": "", "category": "general", "status": "active", "type": "default", "class": "economy",
    "priority": "normal", "urgent": true, "force": true, "notify": true, "confirm": true, "async": false,
    "user_id": "me", "request_id": "1", "account": "default", "region": "us-east-1", "version": 1, "timeout": 30,
    "retry": true, "max_results": 10, "include_details": true, "include_archived": false, "unit": "metric",
    "quantity": 1, "label": "default", "source": "user", "reason": "user request", "mode": "standard",
    "enabled": true, "visibility": "private", "created_by": "me", "duration": 60, "start": "now", "tags": []}"""
)
_NEIGHBOURS: dict[str, tuple[str, ...]] = {
    "low": ("minor", "lowest"), "medium": ("normal", "moderate"), "high": ("urgent", "critical"),
    "normal": ("medium", "default"), "urgent": ("critical", "asap"), "critical": ("severe", "urgent"),
    "daily": ("every day",), "weekly": ("biweekly", "every week"), "monthly": ("every month",),
    "yearly": ("annually",), "hourly": ("every hour",), "small": ("tiny", "S"), "large": ("big", "L"),
    "open": ("opened", "active"), "closed": ("done", "resolved"), "done": ("completed", "finished"),
    "in_progress": ("ongoing", "started"), "pending": ("waiting", "queued"), "asc": ("ascending",),
    "desc": ("descending",), "email": ("mail", "e-mail"), "sms": ("text", "text_message"), "phone": ("call",),
    "standard": ("regular", "basic"), "express": ("fast", "overnight"), "public": ("everyone",),
    "private": ("personal", "hidden"), "celsius": ("C", "centigrade"), "fahrenheit": ("F",), "metric": ("si",),
    "car": ("automobile", "driving"), "driving": ("car",), "walking": ("on foot",), "morning": ("am",),
    "evening": ("night",), "read": ("viewer", "readonly"), "write": ("editor", "edit"), "admin": ("administrator",),
    "pdf": ("docx",), "csv": ("xlsx", "excel"), "json": ("yaml",), "male": ("man",), "female": ("woman",),
    "beginner": ("novice", "easy"), "intermediate": ("medium",), "advanced": ("expert", "hard"), "easy": ("simple",),
    "hard": ("difficult",), "on": ("enabled",), "off": ("disabled",), "yes": ("true",), "no": ("false",),
}  # fmt: skip
