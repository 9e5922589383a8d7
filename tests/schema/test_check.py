"""The check of schemas: what is refused, in one line, and what it costs."""

import time
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
    ],
)
def test_a_schema_is_refused_in_a_line(schema: Any, reason: str) -> None:
    with pytest.raises(SchemaError, match=reason) as caught:
        check_schema(schema)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_a_large_schema_is_checked_at_linear_cost() -> None:
    names = [f"name_{index}" for index in range(10_000)]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}
    start = time.process_time()
    check_schema(schema)
    assert len(violations(schema, {})) == len(names)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(("levels", "refused"), [(12, False), (30, True)])
def test_references_to_many_schemas_for_one_value_are_refused(levels: int, refused: bool) -> None:
    defs = {str(at): {"allOf": 2 * [{"$ref": f"#/$defs/{at + 1}"}]} for at in range(levels)}
    schema = {"$ref": "#/$defs/0", "$defs": {**defs, str(levels): {"type": "integer"}}}
    start = time.process_time()
    if refused:
        with pytest.raises(SchemaError, match="expand to more than 100,000 schemas for one value"):
            check_schema(schema)
    else:
        check_schema(schema)
        assert violations(schema, "a")
    assert time.process_time() - start < 5
