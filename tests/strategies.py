"""Random parameter schemas and valid calls of them."""

from typing import Any

from hypothesis import strategies as st
from hypothesis_jsonschema import from_schema

from tool_dpo.schema.keywords import Schema

_names = st.sampled_from(["limit", "page", "userId", "sort_by", "examples", "x-size", "naïve"]) | st.from_regex(
    r"[a-z]{2,5}(_[a-z]{2,4}|[A-Z][a-z]{2,3})?", fullmatch=True
)
_words = st.sampled_from(["low", "in_progress", "USD", "weekly", "pdf", "items"]) | st.text(min_size=1, max_size=6)
_leaves: st.SearchStrategy[Schema] = st.one_of(
    st.sampled_from(
        [
            {"type": "boolean"},
            {"type": "integer"},
            {"type": "integer", "minimum": 0, "maximum": 90, "multipleOf": 15},
            {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 8},
            {"type": "number"},
            {"type": "number", "minimum": 0, "maximum": 9, "multipleOf": 0.25},
            {"type": "string"},
            {"type": "string", "minLength": 2, "maxLength": 5},
            {"type": "string", "pattern": "^[0-9]{3,5}$"},
            {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{2}$", "minLength": 5},
            *({"type": "string", "format": form} for form in ("date", "date-time", "time", "email", "ipv4", "uuid")),
            {"type": ["string", "null"]},
            {"type": "null"},
            {"const": "v2"},
            {"const": 7},
            {"anyOf": [{"type": "integer", "minimum": 3}, {"type": "null"}]},
            {"oneOf": [{"type": "boolean"}, {"type": "string", "enum": ["auto", "off"]}]},
            {"allOf": [{"type": "integer"}, {"minimum": 1}, {"maximum": 12}]},
            {"type": "array", "items": {"type": "string", "maxLength": 3}, "maxItems": 3, "uniqueItems": True},
            {"type": "array", "prefixItems": [{"type": "number"}, {"type": "integer"}], "items": False, "minItems": 2},
            {"type": "array", "items": {"enum": ["id", "name", "size"]}, "contains": {"const": "id"}},
            {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}, "maxProperties": 2},
            {"type": "object", "patternProperties": {"^x_": {"type": "boolean"}}, "minProperties": 1},
        ]
    ),
    st.lists(_words, min_size=1, max_size=4, unique=True).map(lambda words: {"type": "string", "enum": words}),
    st.lists(st.integers(), min_size=1, max_size=4, unique=True).map(lambda words: {"enum": words}),
)


def _arrays(items: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.builds(lambda item, low: {"type": "array", "items": item, "minItems": low}, items, st.integers(0, 2))


def _objects(values: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    @st.composite
    def build(draw: st.DrawFn) -> Schema:
        properties = draw(st.dictionaries(_names, values, max_size=4))
        required = [name for name in properties if draw(st.booleans())]
        schema = {"type": "object", "properties": properties, "required": required}
        if len(properties) > 1 and draw(st.booleans()):
            first, second, *_ = properties
            schema["dependentRequired"] = {first: [second]}
        return schema

    return build()


parameters = _objects(st.recursive(_leaves, lambda inner: _arrays(inner) | _objects(inner), max_leaves=6))
"""Schemas of a tool's parameters."""


def values(schema: Schema) -> st.SearchStrategy[Any]:
    """Values that are valid for a schema, objects with declared properties only."""
    if "properties" in schema:
        fields = {name: values(sub) for name, sub in schema["properties"].items()}
        required = {name: fields.pop(name) for name in schema["required"]}
        whole = st.fixed_dictionaries(required, optional=fields)
        return whole.filter(lambda value: _has_what_depends(schema, value))
    if schema.keys() == {"type", "items", "minItems"}:
        low = schema["minItems"]
        return st.lists(values(schema["items"]), min_size=low, max_size=low + 2)
    if "prefixItems" in schema:
        return st.tuples(*map(values, schema["prefixItems"])).map(list)
    if "additionalProperties" in schema:
        return st.dictionaries(_names, values(schema["additionalProperties"]), max_size=schema["maxProperties"])
    if "patternProperties" in schema:
        return st.dictionaries(_names.map("x_{}".format), st.booleans(), min_size=schema["minProperties"], max_size=3)
    if "format" in schema:
        return st.sampled_from(_FORMATTED[schema["format"]])
    return from_schema(schema)


def _has_what_depends(schema: Schema, value: dict[str, Any]) -> bool:
    needed = schema.get("dependentRequired", {})
    return all(other in value for name in needed if name in value for other in needed[name])


_FORMATTED = {
    "date": ["2026-03-05", "2027-12-31"],
    "date-time": ["2026-03-05T09:30:00Z"],
    "time": ["09:30:00Z"],
    "email": ["a@example.com"],
    "ipv4": ["192.0.2.1"],
    "uuid": ["123e4567-e89b-42d3-a456-426614174000"],
}
