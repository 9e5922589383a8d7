"""JSON Schema keywords: which hold schemas, which hold values, and which kind of violation each one causes."""

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
SCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas", *DEFINITIONS)
SCHEMA_LISTS = ("allOf", *ALTERNATIVES, "prefixItems")
SUBSCHEMAS = ("items", "additionalProperties", "contains", "not", "if", "then", "else", "propertyNames")
CONDITIONS = ("allOf", "not", "if", "then", "else", "dependentSchemas")
"""Keywords whose schemas describe only a part of an object, so they must not forbid its other properties."""
INSTANCES = ("const", "enum", "default", "examples")
"""Keywords whose values are instances, not schemas."""
REFERENCES = ("$ref", "$dynamicRef")
ADDRESSES = (*REFERENCES, "$anchor", "$dynamicAnchor", "$id", "$schema")
ANNOTATIONS = {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"}
LIMITS = {
    "type", "enum", "const", "required", "dependentRequired", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "format", "minItems", "maxItems",
    "uniqueItems", "minContains", "maxContains", "minProperties", "maxProperties",
}  # fmt: skip
"""Keywords that limit a value directly, without a schema inside them."""
