"""Hard negatives: one fault, of the kind and at the place they state."""

import copy
import json
import random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonpatch import apply_patch
from jsonschema import Draft202012Validator, ValidationError

from tests.helpers import load, params_of
from tests.strategies import parameters, values
from tool_dpo.kinds import NOT_JSON, OTHER, WRONG_VALUE, Kind
from tool_dpo.schema.calls import call_schema
from tool_dpo.schema.keywords import KIND_OF_KEYWORD
from tool_dpo.schema.violations import faults, violations
from tool_dpo.triplets.edits import Negative
from tool_dpo.triplets.negatives import MAKERS, negative

SEEDS = 200
PLAIN = Draft202012Validator.FORMAT_CHECKER


def negatives(
    kind: str, schema: dict[str, Any], call: dict[str, Any], seeds: int = SEEDS, others: tuple[str, ...] = ()
) -> list[Negative]:
    whole = call_schema("t", schema)
    made = [negative(kind, schema, whole, call, random.Random(seed), others) for seed in range(seeds)]
    return [one for one in made if one]


@pytest.mark.parametrize("kind", get_args(Kind))
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_a_negative_breaks_exactly_the_rule_it_states(kind: str, data: st.DataObject, seed: int) -> None:
    schema = data.draw(parameters, "parameters")
    call = {"tool": "t", "parameters": data.draw(values(schema), "call")}
    whole, before = call_schema("t", schema), copy.deepcopy(call)
    found = negative(kind, schema, whole, call, random.Random(seed), ["u"])

    assert call == before
    assert violations(whole, call) == []
    if found is None:
        assert kind != "missing_required" or not schema["required"] or "dependentRequired" in schema
        assert kind != "hallucinated_param" or len(schema["properties"]) >= 3
        return
    assert found.violation == kind
    broken = [(one.kind, one.keyword, one.path) for one in faults(whole, found.text, json.dumps(call))]
    assert broken == [(kind, found.keyword, found.path)]
    if kind == NOT_JSON:
        assert found.edit is None
        return
    assert json.dumps(apply_patch(call, [found.edit]), ensure_ascii=False) == found.text
    expected = set() if kind == WRONG_VALUE else {found.keyword}
    errors = Draft202012Validator(whole, format_checker=PLAIN).iter_errors(json.loads(found.text))
    assert {keyword for error in errors for keyword in _keywords(error)} == expected


def _keywords(error: ValidationError) -> set[str]:
    """The keywords that a value breaks; of "X or null" those of X."""
    of_x = [inner for inner in error.context or () if inner.schema != {"type": "null"}]
    if error.validator in ("anyOf", "oneOf") and {"type": "null"} in error.validator_value:
        return {keyword for inner in of_x for keyword in _keywords(inner)}
    return {str(error.validator)}


@pytest.mark.parametrize("case", params_of(load("negatives")))
def test_every_negative_of_a_call(case: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": case["properties"], "required": case.get("required", [])}
    made = negatives(case["kind"], schema, {"tool": "t", "parameters": case["call"]}, seeds=1000)
    found = {json.dumps(json.loads(one.text)["parameters"], ensure_ascii=False) for one in made}
    assert found == {json.dumps(one, ensure_ascii=False) for one in case["found"]}
    assert {one.path for one in made} == set(case["paths"])
    assert "keywords" not in case or {one.keyword for one in made} == set(case["keywords"])


@pytest.mark.parametrize("spelt", ["anyOf", "oneOf", "type", "nullable"])
def test_x_or_null_is_broken_as_x(spelt: str) -> None:
    def or_null(schema: dict[str, Any]) -> dict[str, Any]:
        match spelt:
            case "type":
                more = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
                return {**schema, **more, "type": [schema["type"], "null"]}
            case "nullable":
                return {**schema, "nullable": True}
        return {spelt: [schema, {"type": "null"}]}

    inner = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}
    properties = {
        "limit": or_null({"type": "integer"}),
        "state": or_null({"type": "string", "enum": ["open", "closed"]}),
        "due": or_null(inner),
    }
    schema = {"type": "object", "properties": properties, "required": ["limit"]}
    call = {"tool": "t", "parameters": {"limit": 10, "state": "open", "due": {"day": "Friday"}}}
    for kind, expected in (
        ("type_mismatch", ("$.parameters.limit", "10")),
        ("enum_violation", ("$.parameters.state", "Open")),
        ("missing_required", ("$.parameters.due.day", None)),
    ):
        assert expected in [(one.path, (one.edit or {}).get("value")) for one in negatives(kind, schema, call)]


@pytest.mark.parametrize(("known", "invented"), [("user_name", "sort_by"), ("userName", "sortBy")])
def test_an_invented_parameter_follows_the_style_of_the_others(known: str, invented: str) -> None:
    schema = {"type": "object", "properties": {known: {"type": "string"}}}
    made = negatives("hallucinated_param", schema, {"tool": "t", "parameters": {known: "a"}}, seeds=1000)
    names = {name for one in made for name in json.loads(one.text)["parameters"]} - {known}
    assert invented in names
    assert all(("_" in name) <= ("_" in known) for name in names)


def test_a_parameter_that_exists_is_not_invented() -> None:
    schema = {"type": "object", "properties": {"limit": {}, "page": {}, "a": {}}}
    made = negatives("hallucinated_param", schema, {"tool": "t", "parameters": {"a": 1}}, seeds=1000)
    assert not {"limit", "page"} & {name for one in made for name in json.loads(one.text)["parameters"]}


@pytest.mark.parametrize(("known", "invented"), [("a", "due_date"), ("userName", "dueDate")])
def test_a_parameter_of_a_sibling_tool_is_invented(known: str, invented: str) -> None:
    schema = {"type": "object", "properties": {known: {"type": "string"}}, "required": [known]}
    call, whole = {"tool": "t", "parameters": {known: "a"}}, call_schema("t", schema)
    made = [
        negative("hallucinated_param", schema, whole, call, random.Random(seed), siblings={"due_date": "2026-03-05"})
        for seed in range(SEEDS)
    ]
    texts = {one.text for one in made if one}
    assert json.dumps({"tool": "t", "parameters": {known: "a", invented: "2026-03-05"}}) in texts
    assert len(texts) > 10


def test_a_sibling_s_parameter_that_the_tool_has_is_not_invented() -> None:
    schema = {"type": "object", "properties": {"due_date": {"type": "string"}, "days": {"type": "integer"}}}
    call, siblings = {"tool": "t", "parameters": {"days": 3}}, {"due_date": "2026-03-05", "days": "3"}
    for seed in range(SEEDS):
        made = negative(
            "hallucinated_param", schema, call_schema("t", schema), call, random.Random(seed), siblings=siblings
        )
        assert made
        assert made.violation == "hallucinated_param"
        assert "2026-03-05" not in made.text


def test_the_same_seed_makes_the_same_negative() -> None:
    schema = {"type": "object", "properties": {"state": {"enum": ["open", "closed", "in_progress"]}}}
    call = {"tool": "t", "parameters": {"state": "open"}}
    assert negatives("enum_violation", schema, call) == negatives("enum_violation", schema, call)


def test_there_is_a_maker_for_every_kind_that_can_be_mixed() -> None:
    beyond = {"wrong_tool", NOT_JSON, WRONG_VALUE}
    assert {KIND_OF_KEYWORD.get(keyword, OTHER) for keyword in MAKERS} == set(get_args(Kind)) - beyond


def test_every_keyword_with_a_maker_is_broken_in_some_case() -> None:
    shown = {keyword for case in load("negatives") for keyword in case.get("keywords", [])}
    assert set(MAKERS) - shown == {"required", "additionalProperties"}


def test_an_optional_parameter_may_be_misspelt() -> None:
    schema = {"type": "object", "properties": {"tags": {"type": "string"}}}
    made = negatives("hallucinated_param", schema, {"tool": "t", "parameters": {"tags": "a"}}, seeds=1000)
    assert {"tag", "ags"} <= {name for one in made for name in json.loads(one.text)["parameters"]}


def test_broken_json_looks_like_what_models_write() -> None:
    schema = {"type": "object", "properties": {"on": {"type": "boolean"}}}
    texts = {one.text for one in negatives(NOT_JSON, schema, {"tool": "t", "parameters": {"on": True}})}
    assert texts == {
        "{'tool': 't', 'parameters': {'on': True}}",
        '{"tool": "t", "parameters": {"on": true,}}',
        "{'tool': \"t\", 'parameters': {'on': true}}",
        '```json\n{"tool": "t", "parameters": {"on": true}}\n```',
        'Here is the call: {"tool": "t", "parameters": {"on": true}}',
        '{"tool": "t", "parameters": {"on": true}}\nLet me know if you need anything else.',
        '{"tool": "t", "parameters": {"on": true}',
        '{"tool": "t", "parameters": {"',
        '{"tool": "t", "parameters": {"on": true}}}',
    }


def test_a_wrong_tool_is_one_of_the_others() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    call = {"tool": "t", "parameters": {"a": 1}}
    made = negatives("wrong_tool", schema, call, others=("u", "v"))
    assert {one.text for one in made} == {json.dumps(call | {"tool": name}) for name in "uv"}
    assert {(one.keyword, one.path) for one in made} == {("const", "$.tool")}
    assert negatives("wrong_tool", schema, call) == []
