"""Random parameter schemas and valid calls of them."""

from typing import Any

from hypothesis import strategies as st
from hypothesis_jsonschema import from_schema

from tool_dpo.schema import Schema

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
            {"type": "number"},
            {"type": "number", "minimum": 0, "maximum": 9, "multipleOf": 0.25},
            {"type": "string"},
            {"type": "string", "format": "date"},
            {"type": "string", "pattern": "^[0-9]{3,5}$"},
            {"type": ["string", "null"]},
            {"type": "null"},
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
        return {"type": "object", "properties": properties, "required": required}

    return build()


parameters = _objects(st.recursive(_leaves, lambda inner: _arrays(inner) | _objects(inner), max_leaves=6))
"""Schemas of a tool's parameters."""


def values(schema: Schema) -> st.SearchStrategy[Any]:
    """Values that are valid for a schema, objects with declared properties only."""
    match schema.get("type"):
        case "object":
            fields = {name: values(sub) for name, sub in schema["properties"].items()}
            required = {name: fields.pop(name) for name in schema["required"]}
            return st.fixed_dictionaries(required, optional=fields)
        case "array":
            low = schema["minItems"]
            return st.lists(values(schema["items"]), min_size=low, max_size=low + 2)
        case _:
            return from_schema(schema)
