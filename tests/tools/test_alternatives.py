"""Schemas whose alternatives hold the properties: lifted, they allow exactly the same documents."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tool_dpo.schema.calls import strict
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import Validator
from tool_dpo.tools.alternatives import lifted

_NAMES = st.sampled_from("abc")
_POINT = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
_LABEL = {"type": "object", "properties": {"text": {}}}
_VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [
        {"type": "string"}, {"type": "integer"}, {"const": "p"}, {"enum": ["p", "q"]}, {}, True, _POINT, _LABEL,
        {"type": "array", "items": _POINT}, {"anyOf": [_POINT, _LABEL]}, {"anyOf": [_POINT, {"type": "null"}]},
    ]
)  # fmt: skip
_KINDS: list[Schema] = [{"const": "p"}, {"type": "string", "enum": ["q", "r"]}, {"const": "s", "type": "string"}]
_DATA = st.sampled_from(["p", "q", "s", 1, None, {"x": 1}, {"text": 1}, {"x": 1, "y": 1}, [{"x": 1}, {"x": 1, "y": 1}]])
_DOCUMENTS = st.fixed_dictionaries({}, optional=dict.fromkeys("abc", _DATA) | {"kind": st.sampled_from("pqst")})


@st.composite
def _objects(draw: st.DrawFn, kind: Schema | None = None) -> Schema:
    properties = draw(st.dictionaries(_NAMES, _VALUES, max_size=3))
    required = draw(st.lists(_NAMES, max_size=1))
    one: Schema = {"properties": properties, "required": required}
    if kind:
        one = {"properties": {"kind": kind, **properties}, "required": draw(st.sampled_from([["kind"], ["kind", "a"]]))}
    more = st.sampled_from([{}, {}, {"additionalProperties": False}, {"minProperties": 2}, {"type": "object"}])
    return one | draw(more) | draw(more)


@st.composite
def _unions(draw: st.DrawFn) -> Schema:
    kinds = draw(st.sampled_from([_KINDS, [None, None, None]]))
    those = [draw(_objects(kind)) for kind in kinds[: draw(st.integers(1, 3))]]
    those += draw(st.sampled_from([[], [], [], [{"type": "null"}], [{"type": "object"}], [True]]))
    around = draw(st.sampled_from([{}, {"properties": {"a": {"type": "string"}}}, {"unevaluatedProperties": False}]))
    return {"type": "object", **around, draw(st.sampled_from(["anyOf", "oneOf"])): those}


@given(_unions(), st.lists(_DOCUMENTS, min_size=8, max_size=8))
def test_a_lifted_schema_allows_exactly_what_the_schema_allows(schema: Schema, documents: list[Any]) -> None:
    before, after = Validator(strict(schema)), Validator(strict(lifted(schema)))
    for document in documents:
        for one in (document, {**document, "other": 1}):
            assert before.is_valid(one) is after.is_valid(one)


def test_what_other_keywords_describe_too_stays_as_it_is() -> None:
    inner = {"anyOf": [{"properties": {"a": {}}}]}
    for more in ({"additionalProperties": {}}, {"allOf": [{"properties": {"b": {}}}]}, {"oneOf": [{}]}):
        assert lifted({**inner, **more}) == {**inner, **more}
    assert lifted({"anyOf": [{"required": ["a"]}]}) == {"anyOf": [{"required": ["a"]}]}
