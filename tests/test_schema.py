"""What a document violates, and what counts as JSON."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing.exceptions import Unresolvable

from tests.helpers import load, params_of
from tool_dpo.schema.calls import call_schema, strict
from tool_dpo.schema.documents import Place, differences, json_path, parse
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.refs import check_refs, inline
from tool_dpo.schema.violations import faults, validator, violations

CASES = load("violations")


@pytest.mark.parametrize("case", params_of(CASES["cases"]))
def test_violations(case: dict[str, Any]) -> None:
    schema = call_schema("t", case.get("parameters", CASES["parameters"]))
    found = [[one.kind, one.path, one.keyword] for one in violations(schema, case["document"])]
    assert found == case["expected"]


def test_a_pattern_that_backtracks_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tool_dpo.schema.violations._PATIENCE", 0.1)
    endless, text = r"^(\w|\w\w)+$", "a" * 60
    for schema, document in (
        ({"type": "string", "pattern": endless}, f"{text}!"),
        ({"patternProperties": {endless: {}}}, {f"{text}!": 1}),
        ({"patternProperties": {endless: {}}, "additionalProperties": False}, {f"{text}!": 1}),
        ({"propertyNames": {"pattern": endless}}, {f"{text}!": 1}),
    ):
        with pytest.raises(ValueError, match="takes too long to match"):
            violations(schema, document)
        (fault,) = faults(schema, json.dumps(document))
        assert fault.kind == "json_error"
    assert violations({"type": "string", "pattern": endless}, text) == []


@pytest.mark.parametrize(
    ("format_", "good", "bad"),
    [
        ("date", "2028-02-29", "2027-02-29"),
        ("email", "a@example.com", "example.com"),
        ("date-time", "2026-01-01T09:30:00Z", "2026-01-01 09:30"),
        ("uri", "https://example.com/a?b=c", "example dot com"),
        ("uuid", "123e4567-e89b-42d3-a456-426614174000", "123e4567"),
        ("time", "09:30:00Z", "25:00:00Z"),
        ("ipv4", "192.0.2.1", "192.0.2.256"),
    ],
)
def test_formats_are_asserted(format_: str, good: str, bad: str) -> None:
    schema = {"type": "string", "format": format_}
    assert violations(schema, good) == []
    assert [one.keyword for one in violations(schema, bad)] == ["format"]


@pytest.mark.parametrize(
    "schema",
    [
        True,
        3,
        {"type": "strin"},
        {"pattern": "("},
        {"minLength": -1},
        {"multipleOf": 0},
        {"items": [{}]},
        {"required": ["a", "a"]},
        {"properties": {"a": {"enum": 3}}},
        {"dependentRequired": {"a": ["b", "b"]}},
        {"dependencies": {"a": {"type": 3}}},
        {"$recursiveRef": "#"},
        {"$recursiveRef": "%%"},
        {"$anchor": "1"},
        {"$id": "a#b"},
        {"properties": {"a": {"anyOf": [{"type": "string"}, {"items": {"const": 1, "type": ["x"]}}]}}},
    ],
)
def test_a_schema_is_checked_as_jsonschema_checks_it(schema: Any) -> None:
    def found(check: Callable[[Any], None]) -> tuple[str, list[str | int]] | None:
        try:
            check(schema)
        except SchemaError as error:
            return error.message, list(error.absolute_path)
        return None

    assert found(validator({}).check_schema) == found(Draft202012Validator.check_schema)


@pytest.mark.parametrize("text", ["0", '"a"', "[]", ' {"a": [1.5e3, null, true]}\n', '{"a": {"b": 1}, "c": {"b": 1}}'])
def test_json_is_read(text: str) -> None:
    assert parse(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("NaN", "NaN is not JSON"),
        ('{"a": -Infinity}', "-Infinity is not JSON"),
        ("1e999", "1e999 is too large a number"),
        ('{"a": 1, "a": 1}', "a name stands twice"),
        ('[{"a": {"b": 1, "b": 2}}]', "a name stands twice"),
        ('Here it is: {"a": 1}', "Expecting value"),
        ('{"a": 1} Done.', "Extra data"),
        ('```json\n{"a": 1}\n```', "Expecting value"),
        ('{"a": 1,}', "Expecting property name|Illegal trailing comma"),
        ("[1,]", "Expecting value|Illegal trailing comma"),
        ("{'a': 1}", "Expecting property name"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
    ],
)
def test_json_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text)


def test_an_endless_schema_is_an_error() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        violations({"$ref": "#"}, {})


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


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ((), "$"),
        (("parameters", "items", 0, "sku"), "$.parameters.items[0].sku"),
        (("x-size", "naïve"), "$['x-size'].naïve"),
        (("",), "$['']"),
        (("0", 0), "$['0'][0]"),
        (("it's",), r"$['it\'s']"),
        (('"a"',), "$['\"a\"']"),
        (("a\\b",), r"$['a\\b']"),
        (("a\nb\x00",), r"$['a\nb\u0000']"),
    ],
)
def test_json_path(parts: tuple[str | int, ...], path: str) -> None:
    assert json_path(parts) == path


@pytest.mark.parametrize(
    ("one", "other", "places"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, [("a",)]),
        ({"a": 1}, {"b": 1}, [("a",), ("b",)]),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, [("a", 1, "b")]),
        ({"a": [1]}, {"a": [1, 2]}, [("a",)]),
        ([], {}, [()]),
    ],
)
def test_where_two_documents_differ(one: object, other: object, places: list[Place]) -> None:
    assert list(differences(one, other)) == list(differences(other, one)) == places
