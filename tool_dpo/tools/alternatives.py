"""Lift the properties of a schema's alternatives into the schema itself, so that each is one of a tool's parameters."""

import json
from collections.abc import Iterator
from typing import Any

from tool_dpo.schema.calls import strict
from tool_dpo.schema.keywords import ALTERNATIVES, ANNOTATIONS, OPENING, PARTS, Schema, parts

_CHOICES = ("const", "enum")


def lifted(schema: Schema) -> Schema:
    """An object schema with the properties of its alternatives (`anyOf` or `oneOf`) among its own.

    The alternatives become rules: which properties each of them requires, refuses, or limits further. If a property
    with different values in each tells them apart, they are conditions on it. Closed by `strict`, the result allows
    exactly what the schema allows. A schema is returned as it is if its alternatives have no properties, or if other
    keywords beside or in them describe properties too.
    """
    found = [keyword for keyword in ALTERNATIVES if keyword in schema]
    if len(found) != 1:
        return schema
    (keyword,) = found
    rest = {key: value for key, value in schema.items() if key != keyword}
    those = [*_flat(schema[keyword], keyword)]
    if not _liftable(rest, those):
        return schema
    own = rest.get("properties", {})
    united = {name: _united(those, name) for one in those for name in one.get("properties", {})}
    needed = [name for name in those[0].get("required", []) if all(name in one.get("required", []) for one in those)]
    result = {
        **rest,
        "properties": {**united, **own},
        "required": [*dict.fromkeys([*rest.get("required", []), *needed])],
    }
    kind = _discriminator(those)
    if kind and kind not in own:
        rules = [_rule(one, result, own, refused={*united} - {*own}) for one in those]
        cases = [_choice(one["properties"][kind]) for one in those]
        return {**result, "allOf": [_case(kind, *both) for both in zip(cases, rules, strict=True)]}
    rules = [_rule(one, result, own, refused=set()) for one in those]
    return {**result, keyword: rules, **_naming(those, rules, {*united} - {*own})}


def _flat(those: list[Any], keyword: str) -> Iterator[Any]:
    """The alternatives that an object can meet, with those of an alternative that has nothing else."""
    for one in those:
        if not isinstance(one, dict):
            yield one
        elif keyword == "anyOf" and one.keys() - ANNOTATIONS - {"type"} == {keyword}:
            yield from _flat(one[keyword], keyword)
        elif "object" in one.get("type", "object"):
            yield one


def _liftable(rest: Schema, those: list[Any]) -> bool:
    if not those or not all(isinstance(one, dict) for one in those):
        return False
    whole = "properties" in rest
    return (
        any(one.get("properties") for one in those)
        and all(whole or "properties" in one for one in those)
        and not rest.keys() & {*PARTS, *OPENING}
        and not any("properties" in part for one in those for part in parts(one))
        and not any(one.get(keyword, False) is not False for one in those for keyword in OPENING)
    )


def _case(kind: str, choice: Schema, rule: Schema) -> Schema:
    """An alternative as a condition on the property that tells the alternatives apart."""
    then = {name: one for name, one in rule.get("properties", {}).items() if name != kind}
    rule = {
        **{key: value for key, value in rule.items() if key != "properties"},
        **({"properties": then} if then else {}),
    }
    return {"if": {"properties": {kind: choice}, "required": [kind]}, "then": rule}


def _naming(those: list[Schema], rules: list[Schema], names: set[str]) -> Schema:
    """The rule that of the alternatives which name a property one holds, if the property is there."""
    needs: Schema = {}
    for name in sorted(names):
        naming = [rule for one, rule in zip(those, rules, strict=True) if name in one.get("properties", {})]
        others = [one for one in those if name not in one.get("properties", {})]
        if not all(map(_is_closed, others)) and {"required": [name]} not in naming:
            needs[name] = {"anyOf": naming} if len(naming) > 1 else naming[0]
    return {"dependentSchemas": needs} if needs else {}


def _is_closed(one: Schema) -> bool:
    return "additionalProperties" in one or "unevaluatedProperties" in one


def _united(those: list[Schema], name: str) -> Any:
    """What the alternatives say of a property, as one schema."""
    said: list[Any] = []
    for one in those:
        if name in one.get("properties", {}) and one["properties"][name] not in said:
            said.append(one["properties"][name])
    if len(said) == 1:
        return said[0]
    if all(isinstance(one, dict) and len(one.keys() & {*_CHOICES}) == 1 for one in said):
        around = [{key: value for key, value in one.items() if key not in {*_CHOICES, *ANNOTATIONS}} for one in said]
        if all(one == around[0] for one in around):
            values = [value for one in said for value in _values(one)]
            return {**around[0], "enum": [*{json.dumps(value): value for value in values}.values()]}
    return {"anyOf": said}


def _values(schema: Schema) -> list[Any]:
    return [schema["const"]] if "const" in schema else list(schema["enum"])


def _choice(schema: Schema) -> Schema:
    return {key: schema[key] for key in _CHOICES if key in schema}


def _discriminator(those: list[Schema]) -> str | None:
    """The property that each alternative requires with other values (texts), if there is one."""
    for name in those[0].get("required", []):
        said = [one.get("properties", {}).get(name) for one in those if name in one.get("required", [])]
        if len(said) == len(those) and all(isinstance(one, dict) and len(_choice(one)) == 1 for one in said):
            values = [value for one in said for value in {*map(json.dumps, _values(one))}]
            if len({*values}) == len(values) and all(value.startswith('"') for value in values):
                return str(name)
    return None


def _rule(one: Schema, whole: Schema, own: Schema, refused: set[str]) -> Schema:
    """What an alternative says beyond the whole schema. It refuses what it does not name of `refused`.

    If it is closed, it refuses every property that it does not name.
    """
    named = one.get("properties", {})
    refused = {*whole["properties"]} if _is_closed(one) else refused
    properties: Schema = {}
    for name, known in whole["properties"].items():
        if name not in named:
            properties |= {name: False} if name in refused else {}
        elif named[name] != known:  # strict() leaves open what two schemas describe, but not what one of them closes
            properties[name] = strict(named[name]) if isinstance(named[name], dict) and name not in own else named[name]
    required = [name for name in one.get("required", []) if name not in whole["required"]]
    apart = {"type", "properties", "required", "additionalProperties", "unevaluatedProperties", *ANNOTATIONS}
    return {
        **({"properties": properties} if properties else {}),
        **({"required": required} if required else {}),
        **{key: value for key, value in one.items() if key not in apart},
    }
