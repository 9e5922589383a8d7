"""The normaliser: the schemas that it makes, and the limit to its work where references never end."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import load, params_of
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import Validator
from tool_dpo.tools.normalise import References, Skip, check_parameters, deepest_schema

CUT = "cut where it is too deep or too large"
MOST_LOOKUPS = 5000
"""Of references, in one test; the trees below have 2^60 of them."""


class Counted(References):
    """References that fail the test where too many are followed."""

    followed = 0

    def lookup(self, ref: Any, base: str) -> Any:
        self.followed += 1
        if self.followed > MOST_LOOKUPS:
            pytest.fail(f"more than {MOST_LOOKUPS} references followed")
        return super().lookup(ref, base)


def normalised(schema: Any, components: Any) -> tuple[Schema, list[str]]:
    """The schema of a body, from a document with these components; and what was cut from it."""
    references = Counted({"components": components})
    return deepest_schema(references, lambda normaliser, depth: normaliser.body(schema, depth))


def levels(keyword: str, value: Callable[[str], Any]) -> dict[str, Any]:
    """Sixty schemas, each of which refers twice to the next, through the keyword."""
    refs = [f"#/components/L{level + 1}" for level in range(60)]
    return {f"L{level}": {keyword: value(ref)} for level, ref in enumerate(refs)} | {"L60": {"type": "string"}}


@pytest.mark.parametrize("case", params_of([case for case in load("normalise") if "becomes" in case]))
def test_a_schema_is_normalised(case: dict[str, Any]) -> None:
    schema, cut = normalised(case["schema"], case.get("components", {}))
    check_parameters(schema)
    assert schema == case["becomes"]
    assert cut == case.get("cut", [])


@pytest.mark.parametrize("case", params_of([case for case in load("normalise") if "skipped" in case]))
def test_an_invalid_schema_is_skipped_with_its_reason(case: dict[str, Any]) -> None:
    with pytest.raises(Skip) as caught:
        check_parameters(normalised(case["schema"], case.get("components", {}))[0])
    assert str(caught.value) == case["skipped"]


def test_a_tree_of_references_is_cut_and_becomes_small() -> None:
    components = levels("properties", lambda ref: {side: {"$ref": ref} for side in "ab"})
    schema, cut = normalised({"$ref": "#/components/L0"}, components)
    assert cut == [CUT]
    assert len(json.dumps(schema)) < 200_000


def test_a_tree_of_alternatives_is_cut() -> None:
    _, cut = normalised({"$ref": "#/components/L0"}, levels("anyOf", lambda ref: 2 * [{"$ref": ref}]))
    assert cut == [CUT]


def test_a_tree_of_parts_is_skipped() -> None:
    with pytest.raises(Skip, match="its schema has more than 2,000 nodes"):
        normalised({"$ref": "#/components/L0"}, levels("allOf", lambda ref: 2 * [{"$ref": ref}]))


@pytest.mark.parametrize("case", params_of(load("references")))
def test_a_reference_inside_a_schema_of_its_own(case: dict[str, Any]) -> None:
    references = References(case["schema"])
    schema, _ = deepest_schema(references, lambda normaliser, depth: normaliser.schema(case["schema"], depth))
    assert schema["properties"]["a"] == case["becomes"]


_LIMITS: st.SearchStrategy[Schema] = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["integer", "number", "string", ["integer", "null"], ["number", "string"], ["array"]]),
        "minimum": st.integers(0, 4),
        "exclusiveMaximum": st.sampled_from([3, 4.5, 6]),
        "maximum": st.integers(1, 5),
        "multipleOf": st.sampled_from([1, 2, 3, 0.5]),
        "maxLength": st.integers(0, 2),
        "enum": st.lists(st.sampled_from([1, True, "a", None, 4, 2.5]), min_size=1, max_size=4, unique_by=repr),
        "const": st.sampled_from([1, "a", None, 4]),
        "pattern": st.sampled_from(["^a", "b"]),
        "items": st.sampled_from([{"type": "integer"}, {"minimum": 2}, {"type": "string"}, True]),
        "uniqueItems": st.booleans(),
        "minItems": st.integers(0, 2),
        "required": st.just(["a"]),
        "properties": st.sampled_from([{"a": {"type": "integer"}}, {"a": {"type": "string"}}, {"a": {"minimum": 3}}]),
    },
).map(lambda schema: {**schema, "type": "object"} if "properties" in schema else schema)
_DATA: st.SearchStrategy[Any] = st.sampled_from(
    [
        0,
        1,
        2,
        2.5,
        3,
        4,
        True,
        None,
        "",
        "a",
        "ab",
        "abc",
        [],
        [1],
        [1, 1],
        [2, 3],
        ["x", "y"],
        {},
        {"a": 3},
        {"a": "x"},
    ]
)


@given(st.lists(_LIMITS, min_size=2, max_size=3), st.lists(_DATA, min_size=10, max_size=20))
def test_a_whole_allows_exactly_what_all_its_parts_allow(parts: list[Schema], documents: list[Any]) -> None:
    before = Validator({"allOf": parts})
    try:
        after = Validator(normalised({"allOf": parts}, {})[0])
    except Skip:
        after = Validator(False)
    for document in documents:
        assert before.is_valid(document) is after.is_valid(document)
