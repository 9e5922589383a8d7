"""Which parameters a request mentions, so that the rules about their names hold: `anyOf`, `if`, `dependentRequired`."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tool_dpo.schema.keywords import ALTERNATIVES, Schema
from tool_dpo.schema.violations import Validator

RULES = {
    "allOf", "anyOf", "oneOf", "not", "if", "dependentRequired", "dependentSchemas", "minProperties", "maxProperties",
}  # fmt: skip
"""Keywords of an object that may say which of its optional parameters are given together."""
_ATTEMPTS = 50


def agreeing(
    schema: Schema,
    always: set[str],
    parts: Sequence[set[str]],
    rng: random.Random,
    optional: float,
    values: Mapping[str, Any] | None = None,
) -> set[str]:
    """Names of parameters that agree with the schema's rules: those that are `always` there, and those of some parts.

    Each part has the probability `optional` at first. If the names do not agree, other parts are taken. `values` are
    those of the `deciding` parameters. Rules that hang on other values are not looked at: a value may break them.
    """
    held = [*applied(schema, always, values or {})]  # as if no other names were given
    refused = {name for one in held for name, sub in one.get("properties", {}).items() if nothing(sub)}
    needed = {name for one in held for name in one.get("required", [])}
    allowed = [part for part in parts if not part & refused]
    likely = always.union(*(part for part in allowed if part & needed))
    names = always
    for attempt in range(_ATTEMPTS):
        share = rng.random() if attempt else optional
        start, more = (likely, allowed) if attempt % 2 else (always, parts)
        names = start.union(*(part for part in more if rng.random() < share))
        if _agree(schema, names, values or {}):
            break
    return names


def deciding(schema: Any) -> set[str]:
    """Names of parameters whose values decide which rules of an object hold."""
    if not isinstance(schema, dict):
        return set()
    tested = [one for keyword in ("if", "not") for one in _schemas(schema.get(keyword))]
    names = {name for one in tested for name in one.get("properties", {})}
    for keyword in ALTERNATIVES:
        for one in schema.get(keyword, []):
            chosen = one.get("properties", {}) if isinstance(one, dict) else {}
            names |= {name for name, sub in chosen.items() if isinstance(sub, dict) and {"const", "enum"} & sub.keys()}
    return names.union(*map(deciding, _inside(schema)))


def applied(schema: Schema, names: set[str], values: Mapping[str, Any]) -> Iterator[Schema]:
    """The parts of an object's rules that hold for it: `then`, `else` and what else follows."""
    parts = [*schema.get("allOf", []), *_following(schema, names, values)]
    for keyword in ALTERNATIVES:
        agreed = [one for one in schema.get(keyword, []) if _agree(one, names, values)]
        parts += agreed if len(agreed) == 1 else []
    for part in parts:
        if isinstance(part, dict):
            yield part
            yield from applied(part, names, values)


def _agree(schema: Any, names: set[str], values: Mapping[str, Any]) -> bool:
    """Whether an object with these names can fit the schema, whatever the values are that are not given."""
    if not isinstance(schema, dict) or nothing(schema):
        return not nothing(schema)
    needs = schema.get("dependentRequired", {})
    return (
        names.issuperset(schema.get("required", []))
        and all(names.issuperset(needed) for name, needed in needs.items() if name in names)
        and schema.get("minProperties", 0) <= len(names) <= schema.get("maxProperties", len(names))
        and all(_may_be(one, name, values) for name, one in schema.get("properties", {}).items() if name in names)
        and ("not" not in schema or not _holds(schema["not"], names, values))
        and all(_agree(part, names, values) for part in schema.get("allOf", []))
        and ("anyOf" not in schema or any(_agree(one, names, values) for one in schema["anyOf"]))
        and ("oneOf" not in schema or _one_agrees(schema["oneOf"], names, values))
        and all(_agree(part, names, values) for part in _following(schema, names, values))
    )


def _following(schema: Schema, names: set[str], values: Mapping[str, Any]) -> list[Any]:
    """What the object must fit because of its names and values."""
    parts = [one for name, one in schema.get("dependentSchemas", {}).items() if name in names]
    if "if" in schema:
        parts.append(schema.get("then" if _holds(schema["if"], names, values) else "else", True))
    return parts


def _holds(schema: Any, names: set[str], values: Mapping[str, Any]) -> bool:
    """Whether an object of these names fits the schema, which says nothing of values that are not given."""
    return Validator(schema).is_valid({name: values.get(name) for name in names})


def _may_be(schema: Any, name: str, values: Mapping[str, Any]) -> bool:
    return not nothing(schema) and (name not in values or Validator(schema).is_valid(values[name]))


def nothing(schema: Any) -> bool:
    """Whether no value at all fits a schema."""
    return schema is False or (isinstance(schema, dict) and schema.get("not") in (True, {}))


def _one_agrees(alternatives: list[Any], names: set[str], values: Mapping[str, Any]) -> bool:
    """Whether one of the alternatives agrees; if values tell them apart, any number of them."""
    by_values = any(isinstance(one, dict) and "properties" in one for one in alternatives)
    return 1 <= sum(_agree(one, names, values) for one in alternatives) <= (len(alternatives) if by_values else 1)


def named_by_rules(schema: Any) -> Iterator[str]:
    """Names that a rule of an object requires."""
    if not isinstance(schema, dict):
        return
    for part in _inside(schema):
        if isinstance(part, dict):
            yield from part.get("required", [])
            yield from named_by_rules(part)
    for name, needed in schema.get("dependentRequired", {}).items():
        yield from (name, *needed)


def _inside(schema: Schema) -> list[Any]:
    """The schemas that an object may have to fit because of its rules."""
    return [
        *(one for keyword in ("allOf", *ALTERNATIVES) for one in schema.get(keyword, [])),
        *(schema[keyword] for keyword in ("then", "else") if keyword in schema),
        *schema.get("dependentSchemas", {}).values(),
    ]


def _schemas(schema: Any) -> Iterator[Schema]:
    """A schema and those in it that the same object is tested against."""
    if isinstance(schema, dict):
        yield schema
        for one in (*_inside(schema), schema.get("if"), schema.get("not")):
            yield from _schemas(one)
