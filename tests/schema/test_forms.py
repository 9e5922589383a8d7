"""The forms of an answer: what each is, and that its schema says the same."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_dpo.schema.calls import no_call_schema, several_schema
from tool_dpo.schema.forms import calls_in, message_in, no_call, read_form
from tool_dpo.schema.violations import faults

CALL = {"tool": "t", "parameters": {}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("aé日7! \n"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["tool", "message", "parameters"]), inner)
    ),
)


@pytest.mark.parametrize(
    ("document", "calls"),
    [
        (CALL, [CALL]),
        ({"tool": "t"}, [{"tool": "t"}]),
        ([CALL, CALL], [CALL, CALL]),
        ([CALL, {"tool": "u"}, CALL], [CALL, {"tool": "u"}, CALL]),
        ([CALL], []),
        ([], []),
        ([CALL, {"tool": None}], []),
        ([CALL, 1], []),
        ({"tool": 1}, []),
        ({"parameters": {}}, []),
        ({"tool": None, "message": "No."}, []),
        ("t", []),
        (None, []),
    ],
)
def test_calls(document: Any, calls: list[dict[str, Any]]) -> None:
    assert calls_in(document) == calls


@given(JSON)
def test_words_are_what_the_schema_of_no_call_says(document: Any) -> None:
    assert (message_in(document) is None) == bool(faults(no_call_schema(), json.dumps(document)))


@given(st.text())
def test_any_words_with_a_letter_are_read_back(words: str) -> None:
    letters = any(sign.isalpha() for sign in words)
    assert read_form(no_call(words)) == ([], words if letters else None)


@given(st.lists(JSON | st.just(CALL), min_size=2, max_size=3))
def test_a_valid_list_of_calls_is_one(document: list[Any]) -> None:
    if not faults(several_schema({"t": {"type": "object"}}, len(document)), json.dumps(document)):
        assert calls_in(document) == document


@pytest.mark.parametrize("text", ["", "Sure!", "{", "[" * 9999, '{"tool": NaN}'])
def test_what_is_no_json_is_no_form(text: str) -> None:
    assert read_form(text) == ([], None)
