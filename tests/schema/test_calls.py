"""Strict schemas: objects are closed, and annotations are removed."""

import json

from tool_dpo.schema.calls import strict


def test_strict_closes_objects_at_every_depth() -> None:
    leaf = {"type": "object", "properties": {"a": {"type": "string"}}}
    closed = {**leaf, "additionalProperties": False}
    schema = {
        "type": "object",
        "properties": {"one": leaf, "many": {"type": "array", "items": leaf}},
        "$defs": {"leaf": leaf},
        "additionalProperties": leaf,
    }
    assert strict(schema) == {
        "type": "object",
        "properties": {"one": closed, "many": {"type": "array", "items": closed}},
        "$defs": {"leaf": closed},
        "additionalProperties": closed,
    }


def test_strict_leaves_an_object_that_composes_others_open() -> None:
    schema = {"properties": {"a": {}}, "allOf": [{"$ref": "#/$defs/b"}]}
    assert strict(schema) == schema


def test_strict_strips_annotations_but_no_property() -> None:
    schema = {
        "type": "object",
        "x-phrase": "{examples}",
        "examples": [{}],
        "properties": {"examples": {"type": "string", "examples": ["a"]}, "x-a": {"enum": ["b"], "x-say": {"b": "B"}}},
        "required": ["examples"],
        "default": {"examples": "kept", "x-a": "b"},
    }
    before = json.dumps(schema)
    assert strict(schema) == {
        "type": "object",
        "properties": {"examples": {"type": "string"}, "x-a": {"enum": ["b"]}},
        "required": ["examples"],
        "default": {"examples": "kept", "x-a": "b"},
        "additionalProperties": False,
    }
    assert json.dumps(schema) == before
