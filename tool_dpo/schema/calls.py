"""The schema of a whole tool call. Its objects accept no unknown properties."""

from collections import Counter
from collections.abc import Mapping
from enum import Enum
from typing import Any

from tool_dpo.schema.keywords import (
    ALTERNATIVES,
    DEFINITIONS,
    OPENING,
    PARTS,
    TESTS,
    Schema,
    parts,
    with_subschemas,
)


class _Role(Enum):
    """What a schema says about its value: everything, a part, or only whether a condition holds."""

    WHOLE = 1
    PART = 2
    TEST = 3


def strict(schema: Schema) -> Schema:
    """Remove our annotations (`examples`, `x-*`), and close every object schema that has `properties`.

    A closed schema has `additionalProperties: false`, unless its author wrote something else. If several schemas
    describe one object (`allOf`, `anyOf`, `if`, ...), the schema around them all is closed by
    `unevaluatedProperties: false` (Core, section 11.3), because each of them would forbid what the others allow. If
    several of them describe the fields of one of its properties, that property stays open. Conditions (`if`, `not`,
    `contains`) are not changed. `nullable` (OpenAPI 3.0) and `dependencies` (draft 7) become keywords of Draft 2020-12.
    """
    result: Schema = _strict(schema, _Role.WHOLE, frozenset())
    return result


def _strict(schema: Any, role: _Role, shared: frozenset[str]) -> Any:
    if not isinstance(schema, dict):
        return schema
    schema = modern(schema)
    apart = role is _Role.WHOLE and _alternatives_apart(schema)
    if role is _Role.WHOLE:
        shared = _described_twice(schema)

    def inside(keyword: str, name: str | int | None, one: Any) -> Any:
        inner = _Role.WHOLE
        if role is _Role.TEST or keyword in TESTS:
            inner = _Role.TEST
        elif keyword in PARTS and not (keyword in ALTERNATIVES and apart):
            inner = _Role.PART
        if keyword == "properties" and inner is _Role.WHOLE:
            return _strict(one, _Role.TEST if name in shared else inner, frozenset())
        return _strict(one, inner, shared)

    kept = {name: value for name, value in schema.items() if not name.startswith("x-") and name != "examples"}
    result = with_subschemas(kept, inside)
    return {**result, **_closing(schema, apart)} if role is _Role.WHOLE else result


def _closing(schema: Schema, apart: bool) -> Schema:
    """The keyword that closes an object schema, if it has `properties` and says nothing about other names."""
    if "additionalProperties" in schema or "unevaluatedProperties" in schema or "$ref" in schema:
        return {}
    own = set(schema.get("properties", {}))
    more, opens = set[str](), False
    for part in () if apart else parts(schema):
        more |= set(part.get("properties", {}))
        opens = opens or any(keyword in part for keyword in OPENING)
    if more - own or (opens and (own or more)):
        return {"unevaluatedProperties": False}
    return {"additionalProperties": False} if "properties" in schema else {}


def _alternatives_apart(schema: Schema) -> bool:
    """Whether each alternative is closed on its own: nothing else describes the object, and at most one alternative
    has `properties`, or another one allows any object."""
    if not any(keyword in schema for keyword in ALTERNATIVES):
        return False
    if any(keyword in schema for keyword in ("properties", "allOf", "if", "dependentSchemas", "$ref")):
        return False
    objects = [one for keyword in ALTERNATIVES for one in schema.get(keyword, ()) if _may_be_object(one)]
    naming = [one for one in objects if one is not True and any("properties" in part for part in (one, *parts(one)))]
    return len(naming) <= 1 or len(naming) < len(objects)


def _may_be_object(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return schema is True
    kinds = schema.get("type", "object")
    return "object" in (kinds if isinstance(kinds, list) else [kinds]) and not {"const", "enum"} & schema.keys()


def _described_twice(schema: Schema) -> frozenset[str]:
    """The properties for which more than one of the schemas that apply together has `properties`."""
    return frozenset(name for name, count in _descriptions(schema).items() if count > 1)


def _descriptions(schema: Any) -> Counter[str]:
    if not isinstance(schema, dict):
        return Counter()
    counts = Counter(_objects(schema))
    for keyword in ("allOf", "dependentSchemas"):
        those = schema.get(keyword, [])
        for part in those.values() if isinstance(those, dict) else those:
            counts += _descriptions(part)
    for exclusive in (*(schema.get(keyword, []) for keyword in ALTERNATIVES), [schema.get("then"), schema.get("else")]):
        most = Counter[str]()
        for part in exclusive:
            most |= _descriptions(part)
        counts += most
    return counts


def _objects(schema: Schema) -> list[str]:
    """The properties of an object schema that have `properties` of their own."""
    return [
        name
        for name, one in schema.get("properties", {}).items()
        if isinstance(one, dict) and any("properties" in part for part in (one, *parts(one)))
    ]


def modern(schema: Schema) -> Schema:
    """One schema, without the schemas inside it, in the keywords of Draft 2020-12.

    `dependencies` (draft 7) becomes `dependentRequired` and `dependentSchemas` (Validation, section 6.5.4). `nullable`
    (OpenAPI 3.0) adds null to the types, and to the `enum`.
    """
    if "dependencies" not in schema and "nullable" not in schema:
        return schema
    result = {keyword: value for keyword, value in schema.items() if keyword not in ("dependencies", "nullable")}
    for name, needed in schema.get("dependencies", {}).items():
        keyword = "dependentRequired" if isinstance(needed, list) else "dependentSchemas"
        known = result.get(keyword, {})
        if name in known:
            needed = [*known[name], *needed] if isinstance(needed, list) else {"allOf": [known[name], needed]}
        result[keyword] = {**known, name: needed}
    kinds = schema.get("type")
    if schema.get("nullable") is True and kinds:
        result["type"] = [*dict.fromkeys([*(kinds if isinstance(kinds, list) else [kinds]), "null"])]
        if "enum" in schema and None not in schema["enum"]:
            result["enum"] = [*schema["enum"], None]
    return result


def required_first(schema: Schema) -> Schema:
    """Put the required properties of every object first, as in a function signature."""
    result = dict(schema)
    if "properties" in schema:
        names = sorted(schema["properties"], key=lambda name: name not in schema.get("required", []))
        result["properties"] = {name: _ordered(schema["properties"][name]) for name in names}
    if "items" in schema:
        result["items"] = _ordered(schema["items"])
    return result


def _ordered(schema: Any) -> Any:
    return required_first(schema) if isinstance(schema, dict) else schema


def call_schema(tool: str, parameters: Schema) -> Schema:
    """The schema of a whole call `{"tool": ..., "parameters": {...}}` to one tool. No other keys are allowed."""
    return {
        "type": "object",
        "properties": {"tool": {"type": "string", "const": tool}, "parameters": strict(parameters)},
        "required": ["tool", "parameters"],
        "additionalProperties": False,
    }


def calls_schema(tools: Mapping[str, Schema]) -> Schema:
    """The schema of a whole call to any one of several tools. `tools` are schemas of parameters by the tools' names."""
    return {
        "type": "object",
        "properties": {"tool": {"type": "string", "enum": [*tools]}, "parameters": {"type": "object"}},
        "required": ["tool", "parameters"],
        "additionalProperties": False,
        "allOf": [
            {
                "if": {"properties": {"tool": {"const": tool}}, "required": ["tool"]},
                "then": {"properties": {"parameters": strict(parameters)}},
            }
            for tool, parameters in tools.items()
        ],
    }


def no_call_schema() -> Schema:
    """The schema of an answer without a call: `{"tool": null, "message": "words"}`. The message has a letter."""
    return {
        "type": "object",
        "properties": {"tool": {"type": "null"}, "message": {"type": "string", "pattern": r"\p{L}"}},
        "required": ["tool", "message"],
        "additionalProperties": False,
    }


def several_schema(tools: Mapping[str, Schema], count: int) -> Schema:
    """The schema of a list of exactly `count` whole calls, each to any one of the tools. `tools` are schemas of
    parameters by the tools' names."""
    return {"type": "array", "items": calls_schema(tools), "minItems": count, "maxItems": count}


def parameters_of(schema: Schema) -> Schema:
    """The schema of the parameters in the schema of a whole call, with the definitions that it may refer to."""
    definitions = {name: schema[name] for name in DEFINITIONS if name in schema}
    parameters = schema["properties"].get("parameters")
    return {**definitions, **(parameters if isinstance(parameters, dict) else {})}
