"""References inside a schema are replaced by what they name; no others are followed."""

import pytest
from referencing.exceptions import Unresolvable

from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.refs import check_refs, inline
from tool_dpo.schema.violations import violations


@pytest.mark.parametrize("ref", ["https://json.example.com/a.json", "file:///etc/hostname", "#/nowhere", "#anchor"])
def test_a_reference_outside_the_schema_is_refused_and_never_fetched(ref: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("fetched")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("socket.socket", refuse)
    with pytest.raises(Unresolvable):
        violations({"$ref": ref}, {})
    for refuses in (check_refs, inline):
        with pytest.raises(ValueError, match="does not resolve inside it"):
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
