"""What a document violates, and which schemas are refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from tests.helpers import load, params_of
from tool_dpo.schema.calls import call_schema
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


def test_an_endless_schema_is_an_error() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        violations({"$ref": "#"}, {})
