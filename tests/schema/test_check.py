"""The check of schemas: what is refused, in one line, and what it costs."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from tool_dpo.schema.check import SchemaError, check_schema
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import violations


def nested(schema: Schema, times: int) -> Schema:
    for _ in range(times):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"pattern": "^/users/{id}$"}, r"'\^/users/\{id\}\$' is not a regular expression of ECMA-262"),
        ({"pattern": "^(abcdef){e}$"}, "not a regular expression"),
        ({"pattern": "(" * 1001 + ")" * 1001}, "not a regular expression"),
        ({"pattern": "(" * 10_000 + ")" * 10_000}, "more than 10,000 characters"),
        ({"patternProperties": {"a**": {}}}, "not a regular expression"),
        ({"properties": {"a": {"not": {"pattern": "["}}}}, "not a regular expression"),
        ({"const": float("nan")}, "not a JSON number"),
        ({"maximum": 10**400}, "larger than any float"),
        ({"const": "\ud800"}, "half a character"),
        ({"const": {1: 2}}, "a name that is not a text"),
        ({"const": {1, 2}}, "a set, which is not a JSON value"),
        (nested({}, 101), "nests more than 100 deep"),
        ({"enum": list(range(100_001))}, "more than 100,000 values"),
        ({"description": "x" * 10_000_001}, "more than 10,000,000 characters"),
        ({"required": ["a", "a"]}, "unique"),
        ({"$ref": "#"}, "leads back to itself"),
        ({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"anyOf": [{"$ref": "#"}]}}}, "leads back to itself"),
        ({"items": {"$ref": "#/$defs/b"}}, "does not resolve inside the schema"),
        ({"$ref": "#/type", "type": "object"}, "names something that is not a schema"),
        ({"type": "strin"}, '"strin" is not one of'),
        ({"$ref": "#/x/A", "x": {"A": {"$ref": "#/x/A"}}}, "leads back to itself"),
        ({"$ref": "#/x/A", "x": {"A": {"pattern": "("}}}, "not a regular expression"),
        ({"$ref": "#/x/A", "x": {"A": {"pattern": 5}}}, "5 is not of type"),
        ({"dependencies": {"a": {"properties": {"b": {"pattern": "("}}}}}, "not a regular expression"),
    ],
)
def test_a_schema_is_refused_in_a_line(schema: Any, reason: str) -> None:
    with pytest.raises(SchemaError, match=reason) as caught:
        check_schema(schema)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def events(work: Callable[[], object]) -> int:
    """How many functions, those written in C among them, are called by Python."""
    count = 0

    def counted(*_: Any) -> None:
        nonlocal count
        count += 1

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_a_large_schema_is_checked_at_linear_cost() -> None:
    def check(size: int) -> None:
        names = [f"name_{index}" for index in range(size)]
        schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}
        check_schema(schema)
        assert len(violations(schema, {})) == size

    check(1)  # what is imported and cached at first
    assert events(lambda: check(10_000)) < 12 * events(lambda: check(1_000))


@pytest.mark.parametrize("keyword", ["$defs", "x-defs"])
@pytest.mark.parametrize(("levels", "refused"), [(12, False), (30, True)])
def test_references_to_many_schemas_for_one_value_are_refused(levels: int, refused: bool, keyword: str) -> None:
    defs = {str(at): {"allOf": 2 * [{"$ref": f"#/{keyword}/{at + 1}"}]} for at in range(levels)}
    schema = {"$ref": f"#/{keyword}/0", keyword: {**defs, str(levels): {"type": "integer"}}}
    if refused:
        with pytest.raises(SchemaError, match="expand to more than 100,000 schemas for one value"):
            check_schema(schema)
    else:
        check_schema(schema)
        assert violations(schema, "a")
