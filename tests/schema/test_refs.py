"""References inside a schema are replaced by what they name; no others are followed."""

import pytest

from tool_dpo.schema.check import check_schema
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.refs import check_refs, inline
from tool_dpo.schema.violations import violations


@pytest.mark.parametrize("ref", ["https://json.example.com/a.json", "file:///etc/hostname", "#/nowhere", "#anchor"])
def test_a_reference_outside_the_schema_is_refused_and_never_fetched(ref: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("fetched")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("socket.socket", refuse)
    with pytest.raises(ValueError, match=r"exist|registry|cannot"):
        violations({"$ref": ref}, {})
    for refuses in (check_refs, inline, check_schema):
        with pytest.raises(ValueError, match="does not resolve inside the schema"):
            refuses({"type": "object", "properties": {"a": {"$ref": ref}}})


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}, {"type": "string"}),
        (
            {
                "properties": {"$ref": {"$ref": "#/definitions/b"}},
                "definitions": {"b": {"items": {"$ref": "#c"}}, "c": {"$anchor": "c"}},
            },
            {"properties": {"$ref": {"items": {}}}},
        ),
        (
            {
                "items": {"$ref": "#/$defs/a", "description": "mine"},
                "$defs": {"a": {"description": "its", "minLength": 1}},
            },
            {"items": {"description": "mine", "minLength": 1}},
        ),
        (
            {"items": {"$ref": "#/$defs/a", "maxLength": 2}, "$defs": {"a": {"maxLength": 1}}},
            {"items": {"maxLength": 2, "allOf": [{"maxLength": 1}]}},
        ),
        (
            {
                "properties": {"definitions": {"$ref": "#/$defs/a"}, "enum": {"$ref": "#/$defs/a"}},
                "$defs": {"a": {"enum": [{"$ref": "kept"}]}},
            },
            {"properties": {"definitions": {"enum": [{"$ref": "kept"}]}, "enum": {"enum": [{"$ref": "kept"}]}}},
        ),
    ],
)
def test_references_are_replaced_by_what_they_name(schema: Schema, expected: Schema) -> None:
    assert inline(schema) == expected


def test_a_reference_back_to_itself_cannot_be_replaced() -> None:
    with pytest.raises(ValueError, match="leads back to itself"):
        inline({"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"b": {"$ref": "#/$defs/a"}}}}})


def test_references_expand_to_a_bounded_schema() -> None:
    for levels, leaf, reason in (
        (30, {"type": "integer"}, "expand to more than 100,000 values"),
        (11, {"required": [str(number) for number in range(100)]}, "expand to more than 100,000 values"),
        (11, {"enum": [*range(10_000)]}, "has more than 100,000 values"),
        (11, {"description": "x" * 10_000}, "has more than 10,000,000 characters"),
    ):
        twice = ({name: {"$ref": f"#/$defs/{level + 1}"} for name in "ab"} for level in range(levels))
        defs = {str(level): {"properties": properties} for level, properties in enumerate(twice)}
        schema = {"$ref": "#/$defs/0", "$defs": {**defs, str(levels): leaf}}
        check_schema(schema)
        with pytest.raises(ValueError, match=reason):
            inline(schema)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            {
                "$id": "https://example.com/tool.json",
                "properties": {"a": {"$ref": "item.json#sku"}, "b": {"$ref": "tool.json#/$defs/one"}},
                "$defs": {"one": {"$id": "item.json", "$defs": {"two": {"$anchor": "sku", "type": "integer"}}}},
            },
            {"properties": {"a": {"type": "integer"}, "b": {"$defs": {"two": {"type": "integer"}}}}},
        ),
        (
            {"$id": "t.json", "items": {"$ref": "t.json#/$defs/a"}, "$defs": {"a": {"type": "null"}}},
            {"items": {"type": "null"}},
        ),
    ],
)
def test_references_under_an_id_resolve(schema: Schema, expected: Schema) -> None:
    check_schema(schema)
    assert inline(schema) == expected
