"""Strict schemas: objects are closed, and annotations are removed."""

import json
from typing import Any

import pytest

from tests.helpers import ROOT
from tool_dpo.schema.calls import call_schema, calls_schema, modern, no_call_schema, several_schema, strict
from tool_dpo.schema.check import check_schema
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import faults, violations
from tool_dpo.tools.tool import read_tools
from tool_dpo.triplets.triplet import Triplet


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


def test_strict_closes_an_object_that_composes_others_around_them() -> None:
    schema = {"properties": {"a": {}}, "allOf": [{"$ref": "#/$defs/b"}]}
    assert strict(schema) == {**schema, "unevaluatedProperties": False}


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


NULL = {"type": "null"}


def part(*names: str, **more: Any) -> Schema:
    return {"properties": {name: {"type": "integer"} for name in names}, **more}


@pytest.mark.parametrize(
    ("schema", "good"),
    [
        ({"allOf": [part("a"), part("b")]}, {"a": 1, "b": 1}),
        ({"anyOf": [part("a"), part("b")]}, {"a": 1, "b": 1}),
        ({"oneOf": [part("a", required=["a"]), part("b", required=["b"])]}, {"b": 1}),
        ({**part("a"), "if": {"required": ["a"]}, "then": part("b")}, {"a": 1, "b": 1}),
        ({**part("a"), "dependentSchemas": {"a": part("b")}}, {"a": 1, "b": 1}),
        ({**part("a", "b"), "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"b": 1}),
        ({**part("a"), "dependencies": {"a": part("b")}}, {"a": 1, "b": 1}),
        ({"allOf": [{"anyOf": [part("a"), part("b")]}, part("c")]}, {"a": 1, "c": 1}),
    ],
)
@pytest.mark.parametrize("depth", [0, 2])
def test_what_several_schemas_describe_is_closed_around_them(schema: Schema, good: Schema, depth: int) -> None:
    schema, good = {"type": "object", **schema}, dict(good)
    for _ in range(depth):
        schema, good = {"type": "object", "properties": {"in": schema}}, {"in": good}
    call = call_schema("t", schema)
    check_schema(call)
    assert violations(call, {"tool": "t", "parameters": good}) == []
    inner = good
    for _ in range(depth):
        inner = inner["in"]
    inner["invented"] = 1
    (fault,) = violations(call, {"tool": "t", "parameters": good})
    assert (fault.kind, fault.path.endswith(".invented")) == ("hallucinated_param", True)


@pytest.mark.parametrize(
    ("schema", "document", "expected"),
    [
        ({"allOf": [part("a"), part("b")]}, {"a": 1, "b": "1"}, ["$.b type"]),
        ({"allOf": [part("a"), part("b")]}, {"a": "1", "b": 1, "z": 1}, ["$.z unevaluatedProperties", "$.a type"]),
        ({**part("a"), "if": {"required": ["a"]}, "then": part("b")}, {"a": 1, "b": "1"}, ["$.b type"]),
        ({"anyOf": [part("a"), part("b")]}, {"a": "1", "b": "1"}, ["$ anyOf"]),
        (
            {"oneOf": [{**part("a"), "required": ["a"]}, {**part("b"), "required": ["b"]}]},
            {"a": 1, "z": 1},
            ["$.z unevaluatedProperties"],
        ),
        (
            {"allOf": [{"$ref": "#/$defs/a"}, part("b")], "$defs": {"a": {"patternProperties": {"^[^]$": NULL}}}},
            {"a": 1, "b": None},
            ["$.a type", "$.b type"],
        ),
    ],
)
def test_a_property_with_a_fault_is_no_invented_one(schema: Schema, document: Any, expected: list[str]) -> None:
    found = violations(strict({"type": "object", **schema}), document)
    assert [f"{one.path} {one.keyword}" for one in found] == expected


def test_what_a_condition_asks_stays_open() -> None:
    place = {"properties": {"country": {"const": "US"}}, "required": ["country"]}
    schema = {
        "type": "object",
        "properties": {
            "to": {"type": "object", "properties": {"country": {}, "zip": {}}},
            "items": {"type": "array", "contains": place},
        },
        "if": {"properties": {"to": place}, "required": ["to"]},
        "then": {"properties": {"to": {"required": ["zip"]}}},
    }
    check = strict(schema)
    assert check["if"] == schema["if"]
    assert [one.path for one in violations(check, {"to": {"country": "US"}})] == ["$.to.zip"]
    assert violations(check, {"to": {"country": "US", "zip": 1}, "items": [{"country": "US", "city": "X"}]}) == []


def test_dependencies_of_draft_7_are_kept() -> None:
    schema = strict({"type": "object", "properties": {"card": {}, "cvc": {}}, "dependencies": {"card": ["cvc"]}})
    assert schema["dependentRequired"] == {"card": ["cvc"]}
    assert [one.keyword for one in violations(schema, {"card": 1})] == ["dependentRequired"]


def test_rules_of_draft_7_join_those_of_today() -> None:
    schema = {
        "dependentRequired": {"a": ["b"]},
        "dependentSchemas": {"a": {"minProperties": 2}},
        "dependencies": {"a": ["c"]},
    }
    assert modern(schema)["dependentRequired"] == {"a": ["b", "c"]}
    joined = modern({**schema, "dependencies": {"a": {"maxProperties": 5}}})
    assert joined["dependentSchemas"] == {"a": {"allOf": [{"minProperties": 2}, {"maxProperties": 5}]}}


def test_an_alternative_may_allow_everything() -> None:
    schema = call_schema("t", {"properties": {"f": {"anyOf": [True, {"properties": {"a": {"type": "string"}}}]}}})
    assert violations(schema, {"tool": "t", "parameters": {"f": {"b": 1}}}) == []


def test_one_schema_for_several_tools_finds_what_the_schema_of_the_called_tool_finds(triplets: list[Triplet]) -> None:
    tools = {tool.name: tool.parameters for tool in read_tools(ROOT / "data/tools")}
    for triplet, *others in zip(triplets, triplets[1:], triplets[2:], strict=False):
        several = calls_schema({one.tool: tools[one.tool] for one in (*others, triplet)})
        check_schema(several)
        assert faults(several, triplet.chosen) == []
        if triplet.violation != "wrong_tool":
            assert faults(several, triplet.rejected) == faults(triplet.schema, triplet.rejected)


A = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
B = {"type": "object", "properties": {"b": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"tool": "a", "parameters": {"a": 1}}, []),
        ({"tool": "b", "parameters": {"b": None}}, []),
        ({"tool": "a", "parameters": {"b": None}}, ["$.parameters.a required", "$.parameters.b additionalProperties"]),
        ({"tool": "b", "parameters": {"b": 1}}, ["$.parameters.b type"]),
        ({"tool": "a", "parameters": [1]}, ["$.parameters type"]),
        ({"tool": "a"}, ["$.parameters required"]),
        ({"tool": "c", "parameters": {"a": 1}}, ["$.tool enum"]),
        ({"tool": "c", "parameters": 3}, ["$.tool enum", "$.parameters type"]),
        ({"parameters": {"a": "1"}}, ["$.tool required"]),
        ({"tool": "a", "parameters": {"a": 1}, "more": 1}, ["$.more additionalProperties"]),
    ],
)
def test_the_schema_of_several_tools(call: Any, expected: list[str]) -> None:
    found = violations(calls_schema({"a": A, "b": B}), call)
    assert [f"{one.path} {one.keyword}" for one in found] == expected
    assert all(one.kind == "wrong_tool" for one in found if one.path == "$.tool" and one.keyword == "enum")


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ({"tool": None, "message": "Which day?"}, []),
        ({"tool": None, "message": "日本"}, []),
        ({"tool": None, "message": "?! 12"}, ["$.message"]),
        ({"tool": None}, ["$.message"]),
        ({"tool": "go", "message": "Yes."}, ["$.tool"]),
        ({"tool": None, "message": "No.", "parameters": {}}, ["$.parameters"]),
        ([], ["$"]),
    ],
)
def test_no_call_is_words_without_a_tool(document: Any, paths: list[str]) -> None:
    assert [one.path for one in violations(no_call_schema(), document)] == paths


@pytest.mark.parametrize(
    ("calls", "paths"),
    [
        ([("go", {"to": "a"}), ("stop", {})], []),
        ([("go", {"to": "a"}), ("go", {"to": "b"})], []),
        ([("go", {"to": "a"})], ["$"]),
        ([("stop", {})] * 3, ["$"]),
        ([("go", {"to": 1}), ("stop", {"now": True})], ["$[1].parameters.now", "$[0].parameters.to"]),
        ([("run", {}), ("stop", {})], ["$[0].tool"]),
    ],
)
def test_several_calls_are_a_list_of_as_many_strict_calls(calls: list[tuple[str, Any]], paths: list[str]) -> None:
    tools: dict[str, Schema] = {
        "go": {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]},
        "stop": {"type": "object", "properties": {}},
    }
    document = [{"tool": tool, "parameters": parameters} for tool, parameters in calls]
    assert [one.path for one in violations(several_schema(tools, 2), document)] == paths
