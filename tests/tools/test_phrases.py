"""Request templates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_dpo.tools.phrases import Slot, parse_template, spoken_list


def test_a_template_is_cut_into_segments_and_slots() -> None:
    template = parse_template("Create '{title}'[, due {due}][ and {notify?email all|tell nobody}].")
    assert [(segment.optional, segment.parts) for segment in template.segments] == [
        (False, ("Create '", Slot("title"), "'")),
        (True, (", due ", Slot("due"))),
        (True, (" and ", Slot("notify", "email all", "tell nobody"))),
        (False, (".",)),
    ]
    assert template.slots(optional=False) == [Slot("title")]
    assert [slot.name for slot in template.slots(optional=True)] == ["due", "notify"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{a", "stray '{' in '{a'"),
        ("a}", "stray '}' in 'a}'"),
        ("[a", r"stray '\[' in '\[a'"),
        ("a]", r"stray '\]' in 'a\]'"),
        ("[a[b]c]", r"stray '\[' in '\[a'"),
        ("{}", "stray '{' in '{}'"),
        ("{a?yes}", "stray '{'"),
        ("{a?|no}", "stray '{'"),
        ("{a?yes|no|maybe}", "stray '{'"),
        ("{a|b}", "stray '{'"),
        ("{a} and {a}", "{a} is mentioned more than once"),
        ("{b}{a}[ {b?yes|no}]", "{b} is mentioned more than once"),
    ],
)
def test_a_malformed_template_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_template(text)


@given(st.text("ab {}[]?|"))
def test_a_template_is_read_whole_or_refused(text: str) -> None:
    try:
        template = parse_template(text)
    except ValueError:
        return
    written = "".join(
        f"[{body}]" if segment.optional else body
        for segment in template.segments
        for body in ["".join(map(_written, segment.parts))]
    )
    assert written == text


def _written(part: str | Slot) -> str:
    if isinstance(part, str):
        return part
    return f"{{{part.name}?{part.yes}|{part.no}}}" if part.yes else f"{{{part.name}}}"


@pytest.mark.parametrize(("items", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_a_list_is_written_in_words(items: list[str], text: str) -> None:
    assert spoken_list(items) == text
