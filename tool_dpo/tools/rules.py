"""Which parameters a request mentions, so that the rules about their names hold: `anyOf`, `dependentRequired`."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

from tool_dpo.schema.keywords import ALTERNATIVES, Schema

RULES = {
    "allOf", "anyOf", "oneOf", "not", "if", "dependentRequired", "dependentSchemas", "minProperties", "maxProperties",
}  # fmt: skip
"""Keywords of an object that may say which of its optional parameters are given together."""
_ATTEMPTS = 50


def agreeing(
    schema: Schema, always: set[str], parts: Sequence[set[str]], rng: random.Random, optional: float
) -> set[str]:
    """Names of parameters that agree with the schema's rules: those that are `always` there, and those of some parts.

    Each part has the probability `optional` at first. If the names do not agree, other parts are taken. Rules that hang
    on values are not looked at: a value may break them.
    """
    names = always
    for attempt in range(_ATTEMPTS):
        share = rng.random() if attempt else optional
        names = always.union(*(part for part in parts if rng.random() < share))
        if _agree(schema, names):
            break
    return names


def _agree(schema: Any, names: set[str]) -> bool:
    """Whether an object with these names can fit the schema, whatever its values are."""
    if not isinstance(schema, dict):
        return schema is not False
    needs = schema.get("dependentRequired", {})
    return (
        names.issuperset(schema.get("required", []))
        and all(names.issuperset(needed) for name, needed in needs.items() if name in names)
        and schema.get("minProperties", 0) <= len(names) <= schema.get("maxProperties", len(names))
        and all(_agree(part, names) for part in schema.get("allOf", []))
        and ("anyOf" not in schema or any(_agree(one, names) for one in schema["anyOf"]))
        and ("oneOf" not in schema or _one_agrees(schema["oneOf"], names))
        and all(_agree(one, names) for name, one in schema.get("dependentSchemas", {}).items() if name in names)
    )


def _one_agrees(alternatives: list[Any], names: set[str]) -> bool:
    """Whether one of the alternatives agrees; if values tell them apart, any number of them."""
    by_values = any(isinstance(one, dict) and "properties" in one for one in alternatives)
    return 1 <= sum(_agree(one, names) for one in alternatives) <= (len(alternatives) if by_values else 1)


def cases(schema: Schema) -> list[Schema]:
    """What an object's alternatives say of its properties, if they say more than which are required.

    The alternatives may be conditions on a property that is always there (see `alternatives.lifted`).
    """
    conditions = [one for one in schema.get("allOf", []) if isinstance(one, dict) and one.keys() == {"if", "then"}]
    kinds = {name for one in conditions for name in one["if"].get("properties", {})}
    if len(conditions) > 1 and len(kinds) == 1 and kinds <= {*schema.get("required", [])}:
        return [_both(one["if"], one["then"]) for one in conditions]
    those = [one for keyword in ALTERNATIVES for one in schema.get(keyword, []) if isinstance(one, dict)]
    return those if any("properties" in one for one in those) else []


def _both(one: Schema, other: Schema) -> Schema:
    return {
        "properties": {**one.get("properties", {}), **other.get("properties", {})},
        "required": [*one.get("required", []), *other.get("required", [])],
    }


def named_by_rules(schema: Any) -> Iterator[str]:
    """Names that a rule of an object requires."""
    if not isinstance(schema, dict):
        return
    for part in (
        *(one for keyword in ("allOf", *ALTERNATIVES) for one in schema.get(keyword, [])),
        *(schema[keyword] for keyword in ("then", "else") if keyword in schema),
        *schema.get("dependentSchemas", {}).values(),
    ):
        if isinstance(part, dict):
            yield from part.get("required", [])
            yield from named_by_rules(part)
    for name, needed in schema.get("dependentRequired", {}).items():
        yield from (name, *needed)
