"""The normaliser: the schemas that it makes, and the limit to its work where references never end."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers import load, params_of
from tool_dpo.schema.keywords import Schema
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
