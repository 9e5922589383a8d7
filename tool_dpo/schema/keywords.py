"""JSON Schema keywords: which hold schemas, which hold values, and which kind of violation each one causes."""

from collections.abc import Callable, Iterator
from typing import Any

Schema = dict[str, Any]

KIND_OF_KEYWORD = {
    "required": "missing_required",
    "additionalProperties": "hallucinated_param",
    "unevaluatedProperties": "hallucinated_param",
    "type": "type_mismatch",
    "enum": "enum_violation",
    "const": "enum_violation",
}
ALTERNATIVES = ("anyOf", "oneOf")
DEFINITIONS = ("$defs", "definitions")
SCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas", "dependencies", *DEFINITIONS)
"""Keywords whose values are objects of schemas. In `dependencies` (draft 7) some are lists of names instead."""
SCHEMA_LISTS = ("allOf", *ALTERNATIVES, "prefixItems")
SUBSCHEMAS = (
    "items", "additionalProperties", "contains", "not", "if", "then", "else", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties",
)  # fmt: skip
PARTS = ("allOf", *ALTERNATIVES, "if", "then", "else", "dependentSchemas", "dependencies")
"""Keywords whose schemas describe only a part of an object, so they must not forbid its other properties."""
TESTS = ("not", "if", "contains", "propertyNames")
"""Keywords whose schemas are conditions. Closing such a schema would change the condition."""
OPENING = ("patternProperties", "additionalProperties", "unevaluatedProperties", "$ref", "$dynamicRef")
"""Keywords that can allow properties whose names are not in `properties`."""
IN_PLACE = (*PARTS, "not")
"""Keywords whose schemas apply to the same value as the schema around them."""
INSTANCES = ("const", "enum", "default", "examples")
"""Keywords whose values are instances, not schemas."""
REFERENCES = ("$ref", "$dynamicRef")
ADDRESSES = (*REFERENCES, "$anchor", "$dynamicAnchor", "$id", "$schema")
ANNOTATIONS = {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"}
DEPENDING = {
    "then", "else", "items", "additionalProperties", "unevaluatedItems", "unevaluatedProperties", "minContains",
    "maxContains",
}  # fmt: skip
"""Keywords whose meaning depends on others beside them."""
LIMITS = {
    "type", "enum", "const", "required", "dependentRequired", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "format", "minItems", "maxItems",
    "uniqueItems", "minContains", "maxContains", "minProperties", "maxProperties",
}  # fmt: skip
"""Keywords that limit a value directly, without a schema inside them."""


def subschemas(schema: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield each schema directly inside another, with its place."""
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        if keyword in SCHEMA_MAPS and isinstance(value, dict):
            yield from (((keyword, name), one) for name, one in value.items() if isinstance(one, dict | bool))
        elif keyword in SCHEMA_LISTS and isinstance(value, list):
            yield from (((keyword, index), one) for index, one in enumerate(value))
        elif keyword in SUBSCHEMAS:
            yield (keyword,), value


def with_subschemas(schema: Schema, change: Callable[[str, str | int | None, Any], Any]) -> Schema:
    """A copy of a schema. `change` gives what replaces each schema directly inside it.

    It gets the keyword, the name or index of the schema there, None if it has neither, and the schema.
    """
    result: Schema = {}
    for keyword, value in schema.items():
        if keyword in SCHEMA_MAPS:
            result[keyword] = {name: change(keyword, name, one) for name, one in value.items()}
        elif keyword in SCHEMA_LISTS:
            result[keyword] = [change(keyword, index, one) for index, one in enumerate(value)]
        else:
            result[keyword] = change(keyword, None, value) if keyword in SUBSCHEMAS else value
    return result


def parts(schema: Any) -> Iterator[Schema]:
    """Yield every schema inside another that applies to the same value and may describe its properties."""
    if isinstance(schema, dict):
        for place, one in subschemas(schema):
            if place[0] in PARTS and isinstance(one, dict):
                yield one
                yield from parts(one)


def unless_null(schema: Schema) -> Any:
    """X, if the schema is "X or null" by `anyOf` or `oneOf`; otherwise None."""
    for keyword in ALTERNATIVES:
        those = schema.get(keyword, ())
        others = [one for one in those if not _is_null(one)]
        if len(others) == 1 < len(those):
            return others[0]
    return None


def _is_null(schema: Any) -> bool:
    """Whether a schema allows only null."""
    if not isinstance(schema, dict):
        return False
    return schema.get("type") in ("null", ["null"]) or schema.get("enum") == [None] or schema.get("const", ...) is None
