"""Schema augmentation: the same request with another schema for its call, so that a model learns to read schemas.

Each function makes one kind of variation. It takes a case and returns a case whose values fit its parameters. Names and
enum values change at every depth that `properties` and `items` reach.
"""

import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from tool_dpo.schema.keywords import ALTERNATIVES, Schema
from tool_dpo.schema.violations import Validator
from tool_dpo.tools.names import split_words

Spell = Callable[[str], str]

_EXACT = 2**53
"""Above this, a float may have no whole neighbour, and there may be no larger number at all."""
_SHARE = {
    "drop": 0.15, "extra": 0.65, "narrow": 0.5, "widen": 0.3, "constrain": 0.4, "restyle": 0.5, "number": 0.2,
    "rename": 0.75, "nest": 0.2, "depend": 0.8, "namespace": 0.3,
}  # fmt: skip
"""Probability of each variation, per case or per place where it is possible."""
_MOST_EXTRA = 2
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_ -][A-Za-z0-9]+)*")
_TIES = ("$ref", "allOf", "anyOf", "oneOf", "not", "if", "dependentRequired", "dependentSchemas", "patternProperties")
"""Keywords that may refer to properties by name. An object with one of them keeps its property names."""


@dataclass(frozen=True)
class Case:
    """A tool's name and parameter schema, the parameters of a call that fits it, and what the tool does, in words."""

    tool: str
    parameters: Schema
    values: dict[str, Any]
    description: str = ""


def vary(case: Case, rng: random.Random) -> Case:
    """The case with a varied schema: all variations in turn, each with its probability."""
    for variation in (
        drop_optional, add_optional, resize_enums, constrain, restyle_enums, rename, reorder, nest, reorder, depend,
    ):  # fmt: skip
        case = variation(case, rng)
    return case


def drop_optional(case: Case, rng: random.Random) -> Case:
    """Leave out optional properties that the call does not use."""
    keep = {*case.values, *case.parameters.get("required", [])}
    return _with_properties(
        case,
        {
            name: schema
            for name, schema in case.parameters.get("properties", {}).items()
            if name in keep or _ties(case.parameters) or rng.random() >= _SHARE["drop"]
        },
    )


def add_optional(case: Case, rng: random.Random) -> Case:
    """Give the tool optional properties that the request does not mention."""
    if rng.random() >= _SHARE["extra"] or _ties(case.parameters):
        return case
    extra = dict(_invented(rng) for _ in range(rng.randint(1, _MOST_EXTRA)))
    return _with_properties(case, {**extra, **case.parameters.get("properties", {})})


def _invented(rng: random.Random) -> tuple[str, Schema]:
    words = _vocabulary()
    name = "_".join(rng.sample(words, rng.randint(1, 2)))
    schema: Schema = rng.choice(
        [
            *({"type": kind} for kind in ("string", "integer", "number", "boolean")),
            {"type": "string", "format": rng.choice(("date", "email", "date-time"))},
            {"type": "integer", "minimum": rng.randint(0, 5), "maximum": 10 * rng.randint(1, 20)},
            {"type": "array", "items": {"type": "string"}},
            {"type": "string", "enum": rng.sample(words, rng.randint(2, 5))},
        ]
    )
    return name, schema


def resize_enums(case: Case, rng: random.Random) -> Case:
    """Add and remove enum values. Those that the call uses are kept."""

    def resized(schema: Schema, used: list[Any]) -> Schema:
        choices = schema.get("enum")
        if choices is None or not all(isinstance(choice, str) for choice in choices):
            return schema
        if rng.random() < _SHARE["narrow"]:
            kept = [choice for choice in choices if choice in used or rng.random() < 0.5]
            choices = kept if len(kept) > 1 else choices
        if rng.random() < _SHARE["widen"]:
            choices = [*choices, rng.choice([one for one in _ANY_CHOICE if one not in choices])]
        return {**schema, "enum": rng.sample(choices, len(choices))}

    return replace(case, parameters=_map_values(case.parameters, [case.values], resized))


def constrain(case: Case, rng: random.Random) -> Case:
    """Limit values that the schema leaves free: ranges, steps, lengths, null. The values of the call still fit."""

    def constrained(schema: Schema, used: list[Any]) -> Schema:
        ways = _LIMITS.get(str(schema.get("type")))
        huge = any(isinstance(value, int | float) and abs(value) > _EXACT for value in used)
        if not ways or huge or _FREE_OF & schema.keys() or _ties(schema) or rng.random() >= _SHARE["constrain"]:
            return schema
        limited = rng.choice(ways)(schema, used, rng)
        return limited if all(Validator(limited).is_valid(value) for value in used) else schema

    return replace(case, parameters=_map_values(case.parameters, [case.values], constrained))


def _in_range(schema: Schema, used: list[Any], rng: random.Random) -> Schema:
    low, high = _around(used or [rng.randint(1, 50)], rng)
    return {**schema, **rng.choice([{"minimum": low, "maximum": high}, {"minimum": low}, {"maximum": high}])}


def _between(schema: Schema, used: list[Any], rng: random.Random) -> Schema:
    low, high = _around(used or [rng.randint(1, 50)], rng)
    over, under = {"exclusiveMinimum": low - 1}, {"exclusiveMaximum": high + 1}
    open_schema = {keyword: value for keyword, value in schema.items() if keyword not in ("minimum", "maximum")}
    return {**open_schema, **rng.choice([over, under, over | under, over | under])}


def _around(used: list[Any], rng: random.Random) -> tuple[int, int]:
    """Whole numbers below and above the values in use."""
    return math.floor(min(used)) - rng.choice([0, 1, 2, 5]), math.ceil(max(used)) + rng.choice([0, 1, 5, 20])


def _in_steps(schema: Schema, used: list[Any], rng: random.Random) -> Schema:
    return {**schema, "multipleOf": rng.choice([1, 0.5, 0.25] if schema["type"] == "number" else [2, 5, 10])}


def _of_length(schema: Schema, used: list[Any], rng: random.Random) -> Schema:
    shortest, longest = min(map(len, used), default=3), max(map(len, used), default=20)
    low, high = rng.randint(1, max(1, min(shortest, 5))), longest + rng.choice([0, 1, 5, 20])
    return {**schema, **rng.choice([{"minLength": low, "maxLength": high}, {"minLength": low}, {"maxLength": high}])}


def _of_count(schema: Schema, used: list[Any], rng: random.Random) -> Schema:
    fewest, most = min(map(len, used), default=1), max(map(len, used), default=2)
    low, high = rng.randint(0, fewest), most + rng.randint(0, 3)
    return {**schema, **rng.choice([{"minItems": low, "maxItems": high}, {"uniqueItems": True}])}


def _or_null(schema: Schema, used: list[Any], rng: random.Random) -> Schema:
    return {rng.choice(ALTERNATIVES): [schema, {"type": "null"}]}


def _only(schema: Schema, used: list[Any], rng: random.Random) -> Schema:
    return {"const": used[0]} if used else schema


_LIMITS: dict[str, list[Callable[[Schema, list[Any], random.Random], Schema]]] = {
    "integer": [_in_range, _between, _between, _between, _in_steps, _or_null],
    "number": [_in_range, _between, _between, _between, _in_steps, _or_null],
    "string": [_of_length, _of_length, _or_null, _only],
    "boolean": [_or_null],
    "array": [_of_count],
}
"""Functions that limit a value, by its type. Repeated ones are chosen more often."""

_FREE_OF = {
    "enum", "const", "format", "pattern", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "minItems", "maxItems", "uniqueItems",
}  # fmt: skip
"""A schema with one of these keywords gets no further limits."""


def depend(case: Case, rng: random.Random) -> Case:
    """Let an optional property require another one that the call has too (`dependentRequired`)."""
    required = case.parameters.get("required", [])
    optional = [name for name in case.values if name not in required]
    if len(optional) < 2 or rng.random() >= _SHARE["depend"] or "dependentRequired" in case.parameters:
        return case
    one, other = rng.sample(optional, 2)
    return replace(case, parameters={**case.parameters, "dependentRequired": {one: [other]}})


def restyle_enums(case: Case, rng: random.Random) -> Case:
    """Write enum values in another case, some after a number, so that a model learns to copy them from the schema."""
    if rng.random() >= _SHARE["restyle"]:
        return case
    style = rng.choice(_STYLES)
    mark = rng.choice(_MARKS) if rng.random() < _SHARE["number"] else None

    @cache
    def spell(value: str) -> str:
        if not _PLAIN.fullmatch(value):
            return value
        styled = style(split_words(value))
        return styled if mark is None else f"{rng.randint(1, 24)}{mark}{styled}"

    return replace(
        case,
        parameters=_respelled(case.parameters, _same, spell),
        values=_revalued(case.parameters, case.values, _same, spell),
    )


def rename(case: Case, rng: random.Random) -> Case:
    """Rename the tool and its properties with other words and in another case. Some tools get a namespace."""
    if rng.random() >= _SHARE["rename"]:
        return case
    style = rng.choice(_STYLES[:2]) if rng.random() < 0.8 else rng.choice(_STYLES[2:])

    @cache
    def spell(name: str) -> str:
        words = [
            word if rng.random() < 0.5 else rng.choice(_synonyms().get(word, [word])) for word in split_words(name)
        ]
        if rng.random() < 0.3:
            words.insert(0, rng.choice(_PREFIXES) if rng.random() < 0.5 else _coined(rng))
        return style(words) if words else name

    tool = spell(case.tool)
    if rng.random() < _SHARE["namespace"]:
        tool = rng.choice(_vocabulary()) + rng.choice(_SEPARATORS) + tool
    return Case(
        tool,
        _respelled(case.parameters, spell, _same),
        _revalued(case.parameters, case.values, spell, _same),
    )


def _coined(rng: random.Random) -> str:
    """An invented word, so that a model must copy the name letter by letter."""
    return "".join(rng.choice(_CONSONANTS) + rng.choice("aeiou") for _ in range(rng.randint(2, 3)))


def nest(case: Case, rng: random.Random) -> Case:
    """Move some neighbouring properties into an object of their own, or into a list of one such object."""
    properties = case.parameters.get("properties", {})
    names = list(properties)
    outer = rng.choice([name for name in _GROUPS if name not in names])
    if rng.random() >= _SHARE["nest"] or len(names) < 3 or _ties(case.parameters):
        return case
    size = rng.randint(2, min(3, len(names) - 1))
    start = rng.randrange(len(names) - size + 1)
    inner = names[start : start + size]
    required = case.parameters.get("required", [])
    listed = rng.random() < 0.5
    group: Schema = {"type": "object", "properties": {name: properties[name] for name in inner}}
    if needed := [name for name in inner if name in required]:
        group["required"] = needed
    parameters = {
        **case.parameters,
        "properties": {
            outer: {"type": "array", "items": group} if listed else group,
            **{name: properties[name] for name in names if name not in inner},
        },
        "required": [*([outer] if needed else []), *(name for name in required if name not in inner)],
    }
    values = {name: value for name, value in case.values.items() if name not in inner}
    if moved := {name: case.values[name] for name in inner if name in case.values}:
        values[outer] = [moved] if listed else moved
    return Case(case.tool, parameters, values)


def reorder(case: Case, rng: random.Random) -> Case:
    """Shuffle the properties, required ones first, and put the call's parameters in the same order."""
    properties = case.parameters.get("properties", {})
    required = case.parameters.get("required", [])
    names = sorted(rng.sample(list(properties), len(properties)), key=lambda name: name not in required)
    shuffled = _with_properties(case, {name: properties[name] for name in names})
    return replace(shuffled, values={name: case.values[name] for name in names if name in case.values})


def _with_properties(case: Case, properties: dict[str, Any]) -> Case:
    return replace(case, parameters={**case.parameters, "properties": properties})


def _ties(schema: Schema) -> bool:
    return any(keyword in schema for keyword in _TIES)


def _map_values(schema: Any, used: list[Any], change: Callable[[Schema, list[Any]], Schema]) -> Any:
    """Apply `change` to the schema of every value. It also gets the values that the call uses there."""
    if not isinstance(schema, dict):
        return schema
    result = dict(change(schema, used))
    if "properties" in result:
        objects = [value for value in used if isinstance(value, dict)]
        result["properties"] = {
            name: _map_values(sub, [value[name] for value in objects if name in value], change)
            for name, sub in result["properties"].items()
        }
    lists, first = [value for value in used if isinstance(value, list)], result.get("prefixItems", [])
    if first:
        result["prefixItems"] = [
            _map_values(sub, [items[index] for items in lists if index < len(items)], change)
            for index, sub in enumerate(first)
        ]
    if "items" in result:
        rest = [item for items in lists for item in items[len(first) :]]
        result["items"] = _map_values(result["items"], rest, change)
    return result


def _respelled(schema: Any, name: Spell, choice: Spell) -> Any:
    """The schema with its properties renamed by `name`, and its enum values respelled by `choice`."""
    if not isinstance(schema, dict):
        return schema
    result = dict(schema)
    if "enum" in schema:
        new, said = _choices(schema, choice), schema.get("x-say", {})
        result["enum"] = [new.get(str(one), one) for one in schema["enum"]]
        result["x-say"] = {new.get(one, one): said.get(one, one.replace("_", " ")) for one in [*new, *said]}
    if "properties" in schema:
        names = _names(schema, name)
        result["properties"] = {names[old]: _respelled(sub, name, choice) for old, sub in schema["properties"].items()}
        if "required" in schema:
            result["required"] = [names.get(old, old) for old in schema["required"]]
    if _alone_with_items(schema):
        result["items"] = _respelled(schema["items"], name, choice)
    return result


def _revalued(schema: Any, value: Any, name: Spell, choice: Spell) -> Any:
    """A value of `schema` as a value of `_respelled(schema, name, choice)`."""
    if not isinstance(schema, dict):
        return value
    if "enum" in schema:
        return _choices(schema, choice).get(value, value) if isinstance(value, str) else value
    if isinstance(value, dict) and "properties" in schema:
        names, properties = _names(schema, name), schema["properties"]
        return {names.get(old, old): _revalued(properties.get(old), one, name, choice) for old, one in value.items()}
    if isinstance(value, list) and _alone_with_items(schema):
        return [_revalued(schema["items"], item, name, choice) for item in value]
    return value


def _alone_with_items(schema: Schema) -> bool:
    """Whether `items` alone describes all items."""
    return "items" in schema and "contains" not in schema and "prefixItems" not in schema


def _choices(schema: Schema, spell: Spell) -> dict[str, str]:
    """The new spelling of each enum value that is text. All keep the old one if two would become the same."""
    old = [one for one in schema["enum"] if isinstance(one, str)]
    return _one_to_one(old, [spell(one) for one in old])


def _names(schema: Schema, spell: Spell) -> dict[str, str]:
    """The new name of each property. All keep the old one if two would become the same, or if the schema has _TIES."""
    old = list(schema["properties"])
    return _one_to_one(old, old if _ties(schema) else [spell(one) for one in old])


def _one_to_one(old: list[str], new: list[str]) -> dict[str, str]:
    return dict(zip(old, new if len(set(new)) == len(old) else old, strict=True))


def plain(name: str) -> str:
    """A name without case and separators: what `create_task`, `createTask` and `CREATE-TASK` share."""
    return "".join(split_words(name))


def _same(text: str) -> str:
    return text


_STYLES: tuple[Callable[[list[str]], str], ...] = (
    "_".join,
    lambda words: words[0] + "".join(map(str.capitalize, words[1:])),
    "-".join,
    lambda words: "".join(map(str.capitalize, words)),
    lambda words: "_".join(words).upper(),
    lambda words: "".join(words),
)
"""snake_case, camelCase, kebab-case, PascalCase, UPPER_CASE, runtogether."""

_MARKS = (":", "-", "x", "_", "")
"""Separators after the number at the start of an enum value, as in `4:3` and `2x`."""

_SEPARATORS = (".", ".", "/", "__")
"""Separators between namespace and name, as in MCP servers, modules, OpenAPI, and clients of several servers."""

_ANY_CHOICE = ("other", "none", "default", "unknown", "any", "custom", "auto", "all", "mixed", "unspecified")
_CONSONANTS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "kl", "st", "tr")
_GROUPS = ("details", "options", "settings", "info", "data", "spec", "request", "payload", "attributes", "config")
_PREFIXES = ("new", "target", "item", "request", "primary", "current", "given", "main", "selected", "my")
_SYNONYMS = """
    create add make new register | get fetch read show retrieve load
    find search query look | search find query look | update change edit modify adjust | delete remove erase discard
    cancel abort revoke withdraw | send post deliver submit | set assign configure put | start begin launch run
    stop end halt | schedule plan arrange | book reserve | check verify inspect | pay settle | transfer move
    record log note enter | report file flag | order buy purchase | buy order purchase | reserve book
    share publish post | move shift relocate | upload store save | download export pull
    id identifier key ref code number | name title label | title heading name | date day | day date
    time hour at | start begin from | end finish to | due deadline by | count number quantity total
    amount sum value total | price cost rate | quantity count qty amount | email mail address
    phone mobile telephone | user member person account | customer client buyer | guest visitor
    patient person client | employee worker colleague | student pupil learner | owner holder
    city town place | location place site position | address place location | country nation
    room space | note comment remark memo | notes comments remarks | message text body content
    description summary details text | reason cause why | type kind category sort | category group kind
    status state phase stage | priority urgency importance | level grade tier | size dimension
    color colour shade | language lang locale | currency money | unit measure | duration length span
    minutes mins | hours hrs | weight mass | height tall | width breadth
    file document attachment | folder directory path | tags labels keywords | query term text
    limit max top | sort order | format layout | mode way | method way means
    project program initiative | task todo item job | event occasion | meeting call session
    product item article | item thing article | vehicle car | route path
    team group crew | department unit division | company firm organization | account profile
    notify alert inform tell | include with add | enabled active on | public open visible
    recipient receiver addressee to | sender author from | author writer creator | genre style kind
    """


@cache
def _synonyms() -> dict[str, list[str]]:
    """Each group of words, by its first word. The group includes this word."""
    groups = [group.split() for line in _SYNONYMS.splitlines() for group in line.split("|") if group.strip()]
    return {group[0]: group for group in groups}


@cache
def _vocabulary() -> list[str]:
    return sorted({word for group in _synonyms().values() for word in group})
