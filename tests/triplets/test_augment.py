"""Varied schemas: whatever changes, the call still fits, and keeps its values."""

import inspect
import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import task
from tests.strategies import parameters, values
from tool_dpo.schema.calls import call_schema, required_first
from tool_dpo.schema.check import check_schema
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import violations
from tool_dpo.triplets import augment
from tool_dpo.triplets.augment import Case, vary

VARIATIONS = [
    augment.drop_optional,
    augment.add_optional,
    augment.resize_enums,
    augment.constrain,
    augment.restyle_enums,
    augment.rename,
    augment.reorder,
    augment.nest,
    augment.depend,
    vary,
]


def test_every_variation_is_among_those_tested() -> None:
    public = {name: one for name, one in vars(augment).items() if inspect.isfunction(one) and not name.startswith("_")}
    varying = {name for name, one in public.items() if list(inspect.signature(one).parameters) == ["case", "rng"]}
    assert varying == {one.__name__ for one in VARIATIONS}


@pytest.fixture(autouse=True)
def everything_varies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "_SHARE", dict.fromkeys(augment._SHARE, 1.0))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    schema = required_first(draw(parameters))
    return Case("create_task", schema, draw(values(schema)))


def faults(case: Case) -> list[Any]:
    return violations(call_schema(case.tool, case.parameters), {"tool": case.tool, "parameters": case.values})


def leaves(value: Any) -> int:
    if isinstance(value, dict | list):
        return sum(map(leaves, value.values() if isinstance(value, dict) else value))
    return 1


@pytest.mark.parametrize("variation", VARIATIONS, ids=lambda one: one.__name__)
@given(case=cases(), seed=st.integers(0, 9))
def test_a_varied_call_fits_its_varied_schema_and_keeps_every_value(variation: Any, case: Case, seed: int) -> None:
    varied = variation(case, random.Random(seed))
    check_schema(varied.parameters)
    assert faults(varied) == faults(case) == []
    assert leaves(varied.values) == leaves(case.values)


@given(case=cases(), seed=st.integers(0, 9))
def test_the_same_seed_makes_the_same_variation(case: Case, seed: int) -> None:
    assert vary(case, random.Random(seed)) == vary(case, random.Random(seed))


@given(case=cases(), seed=st.integers(0, 9))
def test_required_properties_stay_first_and_the_call_follows_the_schema(case: Case, seed: int) -> None:
    varied = vary(case, random.Random(seed))
    required = varied.parameters.get("required", [])
    names = list(varied.parameters["properties"])
    assert {*names[: len(required)]} == {*required}
    assert list(varied.values) == [name for name in names if name in varied.values]


def test_each_variation_changes_something() -> None:
    tool = task()
    case = Case(tool.name, tool.parameters, {"title": "Review PR", "priority": "high", "estimate": 4, "notify": True})
    unchanged = {
        variation.__name__
        for variation in VARIATIONS
        if all(str(variation(case, random.Random(seed))) == str(case) for seed in range(20))
    }
    assert unchanged == set()


@pytest.mark.parametrize("tie", [{"dependentRequired": {"a": ["b"]}}, {"allOf": [{"required": ["a"]}]}])
def test_names_that_another_keyword_refers_to_are_kept(tie: Schema) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, **tie}
    for seed in range(20):
        varied = vary(Case("add", schema, {"a": 1, "b": 2}), random.Random(seed))
        assert (sorted(varied.parameters["properties"]), varied.values) == (["a", "b"], {"a": 1, "b": 2})


def test_the_items_of_a_tuple_vary_each_by_its_own_schema() -> None:
    row = {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "integer"}, "minItems": 3}
    schema: Schema = {"type": "object", "properties": {"row": row}, "required": ["row"]}
    varied = [vary(Case("add", schema, {"row": ["a", 1, 2]}), random.Random(seed)) for seed in range(40)]
    rows = [properties["row"] for case in varied if (properties := case.parameters["properties"]).keys() >= {"row"}]
    assert all(faults(case) == [] for case in varied)
    assert any("maximum" in one["items"] for one in rows)
    assert any("maxLength" in one["prefixItems"][0] for one in rows)


def test_choices_keep_the_words_people_say_for_them() -> None:
    schema: Schema = {
        "type": "object",
        "properties": {"size": {"type": "string", "enum": ["extra_large", "small"], "x-say": {"small": "tiny"}}},
        "required": ["size"],
    }
    case = augment.restyle_enums(Case("order", schema, {"size": "extra_large"}), random.Random(3))
    (choices,) = case.parameters["properties"].values()
    assert choices["x-say"] == {choices["enum"][0]: "extra large", choices["enum"][1]: "tiny"}
    assert case.values["size"] == choices["enum"][0] != "extra_large"


def test_choices_may_begin_with_a_number_as_ratios_and_sizes_do() -> None:
    schema: Schema = {"type": "object", "properties": {"size": {"type": "string", "enum": ["large", "small"]}}}
    chosen = {
        augment.restyle_enums(Case("order", schema, {"size": "large"}), random.Random(seed)).values["size"]
        for seed in range(60)
    }
    assert all(re.fullmatch(r"\d+(:|-|x|_|)large", one, re.IGNORECASE) for one in chosen)
    assert {re.findall(r"\d+(\W|x|_|)", one)[0] for one in chosen} == {":", "-", "x", "_", ""}


def test_a_tool_gets_a_namespace_as_mcp_servers_and_openapi_operations_have_them() -> None:
    case = Case("create_task", {"type": "object", "properties": {}}, {})
    names = {augment.rename(case, random.Random(seed)).tool for seed in range(60)}
    for separator in (".", "/", "__"):
        assert any(separator in name for name in names)
