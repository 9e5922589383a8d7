"""The schema of a whole tool call. Its objects accept no unknown properties."""

from typing import Any

from tool_dpo.schema.keywords import ALTERNATIVES, CONDITIONS, SCHEMA_LISTS, SCHEMA_MAPS, SUBSCHEMAS, Schema


def strict(schema: Schema, *, close: bool = True) -> Schema:
    """Remove our annotations (`examples`, `x-*`), and close every object schema that has `properties`.

    A closed schema has `additionalProperties: false`, unless its author wrote something else. A schema that combines
    others (`allOf`, `$ref`, ...) stays open, because closing it would forbid what the other schemas allow. For the same
    reason conditions stay open, and so do the combined schemas, except alternatives in a schema without `properties`.
    """
    composed = any(keyword in schema for keyword in ("allOf", "anyOf", "oneOf", "$ref", "unevaluatedProperties"))
    whole = close and not any(keyword in schema for keyword in ("properties", "allOf", "$ref"))
    result: Schema = {}
    for keyword, value in schema.items():
        if keyword.startswith("x-") or keyword == "examples":
            continue
        closes = keyword not in CONDITIONS and (keyword not in ALTERNATIVES or whole)
        if keyword in SCHEMA_MAPS:
            result[keyword] = {name: _strict(sub, closes) for name, sub in value.items()}
        elif keyword in SCHEMA_LISTS:
            result[keyword] = [_strict(sub, closes) for sub in value]
        elif keyword in SUBSCHEMAS:
            result[keyword] = _strict(value, closes)
        else:
            result[keyword] = value
    if close and "properties" in schema and not composed:
        result.setdefault("additionalProperties", False)
    return result


def _strict(schema: Any, close: bool) -> Any:
    return strict(schema, close=close) if isinstance(schema, dict) else schema


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
