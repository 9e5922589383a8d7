"""What a document violates, and which schemas are refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError as PlainError

from tests.helpers import load, params_of
from tool_dpo.schema.calls import call_schema
from tool_dpo.schema.check import SchemaError, check_schema
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import faults, violations

CASES = load("violations")


@pytest.mark.parametrize("case", params_of(CASES["cases"]))
def test_violations(case: dict[str, Any]) -> None:
    schema = call_schema("t", case.get("parameters", CASES["parameters"]))
    found = [[one.kind, one.path, one.keyword] for one in violations(schema, case["document"])]
    assert found == case["expected"]


def test_a_violation_is_shown_in_words() -> None:
    (found,) = violations(call_schema("t", CASES["parameters"]), {"tool": "t", "parameters": {}})[:1]
    assert repr([found]) == f"[<{found}>]"
    assert str(found).startswith(f"{found.kind} at {found.path}: ")


def test_a_pattern_that_backtracks_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tool_dpo.schema.engine.PATIENCE", 0.1)
    endless, text = r"^(?:(a|aa)+)\1$", "a" * 60
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
        {"$anchor": "1"},
        {"$id": "a#b"},
        {"properties": {"a": {"anyOf": [{"type": "string"}, {"items": {"const": 1, "type": ["x"]}}]}}},
    ],
)
def test_a_schema_is_refused_as_jsonschema_refuses_it(schema: Any) -> None:
    def refuses(check: Callable[[Any], None], error: type[Exception]) -> bool:
        try:
            check(schema)
        except error:
            return True
        return False

    assert refuses(check_schema, SchemaError) == refuses(Draft202012Validator.check_schema, PlainError)


def test_an_endless_schema_is_an_error() -> None:
    with pytest.raises(ValueError, match="leads back to itself"):
        check_schema({"$ref": "#"})


@pytest.mark.parametrize(
    ("format_", "text"),
    [
        ("email", "@"), ("email", "A <a@example.com>"), ("uuid", "123e4567_e89b-42d3-a456-426614174000"),
        ("uuid", "123e4567-e89b-42d3-a456-4266141740_0"), ("date-time", "2026-01-01T00:00:00Z\n"),
        ("hostname", "a_b.example"), ("duration", "30 minutes"), ("duration", "P1Y2W"), ("iri-reference", "\\\\a"),
        ("duration", "P1e9999999D"), ("regex", "a{2,1}"), ("date", "2026-02-30"),
    ],
)  # fmt: skip
def test_formats_are_asserted_to_the_letter(format_: str, text: str) -> None:
    assert [one.keyword for one in violations({"format": format_}, text)] == ["format"]


X = {"type": "object", "properties": {"n": {"type": "integer"}, "u": {"enum": ["a", "b"]}}, "required": ["n"]}


@pytest.mark.parametrize(
    "spelt",
    [
        {"anyOf": [X, {"type": "null"}]},
        {"oneOf": [{"type": "null"}, X]},
        {"anyOf": [X, {"const": None}]},
        {"anyOf": [X, {"enum": [None]}]},
        {"anyOf": [{"oneOf": [X, {"type": "null"}]}, {"type": "null"}]},
        {**X, "type": ["object", "null"]},
        {**X, "nullable": True},
    ],
)
def test_x_or_null_is_x_or_null(spelt: Schema) -> None:
    schema = call_schema("t", {"type": "object", "properties": {"p": spelt}})
    check_schema(schema)

    def found(value: Any) -> list[tuple[str, str]]:
        return [(one.kind, one.path) for one in violations(schema, {"tool": "t", "parameters": {"p": value}})]

    assert found(None) == found({"n": 1, "u": "a"}) == []
    assert found("10") == [("type_mismatch", "$.parameters.p")]
    assert found({"n": "10"}) == [("type_mismatch", "$.parameters.p.n")]
    assert found({"n": 1, "u": "c"}) == [("enum_violation", "$.parameters.p.u")]
    assert found({}) == [("missing_required", "$.parameters.p.n")]
    assert found({"n": 1, "z": 1}) == [("hallucinated_param", "$.parameters.p.z")]


@pytest.mark.parametrize(
    ("schema", "document", "expected"),
    [
        ({"if": {"required": ["a"]}, "then": False}, {"a": 1}, ["other_schema_error", "$.parameters", "then"]),
        ({"dependentSchemas": {"a": False}}, {"a": 1}, ["other_schema_error", "$.parameters", "dependentSchemas"]),
        ({"properties": {"a": {"allOf": [False]}}}, {"a": 1}, ["other_schema_error", "$.parameters.a", "allOf"]),
        ({"properties": {"items": False}}, {"items": 1}, ["hallucinated_param", "$.parameters.items", "properties"]),
        (
            {"properties": {"a": {"prefixItems": [{}], "items": False}}},
            {"a": [1, 2]},
            ["other_schema_error", "$.parameters.a", "items"],
        ),
        (
            {
                "properties": {
                    "a": {"anyOf": [{"required": ["b"], "properties": {"b": {"const": None}}}, {"enum": ["c"]}]}
                }
            },
            {"a": {"b": 1}},
            ["other_schema_error", "$.parameters.a", "anyOf"],
        ),
    ],
)
def test_a_fault_is_of_its_own_place(schema: Schema, document: Any, expected: list[str]) -> None:
    found = violations(call_schema("t", schema), {"tool": "t", "parameters": document})
    assert [[one.kind, one.path, one.keyword] for one in found] == [expected]
