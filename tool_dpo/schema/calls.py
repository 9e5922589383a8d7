"""The schema of a whole call to a tool, every object closed."""

from typing import Any

from tool_dpo.schema.keywords import ALTERNATIVES, CONDITIONS, SCHEMA_LISTS, SCHEMA_MAPS, SUBSCHEMAS, Schema


def strict(schema: Schema, *, close: bool = True) -> Schema:
    """The schema without annotations of ours (`examples`, `x-*`), every object with properties closed.

    An object schema that composes others (`allOf`, `$ref`, ...) is left open, since closing it would
    forbid what the composed schemas allow; so are the schemas it composes, and conditions, for the same reason.
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
    """The schema with the required properties of every object first, as a function's signature has them."""
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
    """The schema of a whole call `{"tool": ..., "parameters": {...}}` to one tool, with nothing beside it."""
    return {
        "type": "object",
        "properties": {"tool": {"type": "string", "const": tool}, "parameters": strict(parameters)},
        "required": ["tool", "parameters"],
        "additionalProperties": False,
    }
