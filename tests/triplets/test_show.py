"""The viewer marks the broken place of a call."""

import json
from typing import Any

import pytest
from rich.text import Text

from tests.helpers import load
from tool_dpo.triplets.show import marked_json, show
from tool_dpo.triplets.triplet import proved

DOCUMENT = {"tool": "t", "parameters": {"items": [{"sku": "a"}, {"sku": "b", "n": []}], "b c": None}}


def marked(text: Text) -> list[str]:
    return [text.plain[span.start : span.end].strip() for span in text.spans if span.style == "red"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", [json.dumps(DOCUMENT, indent=2)]),
        ("$.parameters['b c']", ['"b c": null', "null"]),
        ("$.parameters.items[1].sku", ['"sku": "b"', '"b"']),
        ("$.parameters.items[1].missing", []),
    ],
)
def test_the_broken_place_is_marked(path: str, expected: list[str]) -> None:
    text = marked_json(DOCUMENT, path, "red")
    assert json.loads(text.plain) == DOCUMENT
    assert sorted(marked(text)) == sorted(expected)


DECIDED = load("decisions")["triplets"]
CALLS = json.loads(DECIDED["several"]["chosen"])


@pytest.mark.parametrize(
    ("decision", "rejected", "told", "in_chosen", "in_rejected"),
    [
        ("no_tool", None, "over_call (no_tool) at $", True, True),
        ("ask", None, "made_up_value (ask) at $.parameters.party_size, missing: party_size", False, True),
        ("choose", None, "wrong_tool (choose) at $.tool", True, True),
        ("several", CALLS[0], "missing_call (several) at $[1]", True, False),
        ("several", [CALLS[0], *CALLS], "doubled_call (several) at $[1]", False, True),
    ],
)
def test_the_fault_of_a_decision_is_marked_where_it_is(
    decision: str, rejected: Any, told: str, in_chosen: bool, in_rejected: bool
) -> None:
    change = {} if rejected is None else {"rejected": json.dumps(rejected)}
    _, fault, table, _ = show(proved(DECIDED[decision] | change)).renderables
    assert str(fault) == told
    chosen, rejected = (next(iter(column.cells)) for column in table.columns)  # type: ignore[union-attr]
    assert (bool(chosen.spans), bool(rejected.spans)) == (in_chosen, in_rejected)  # type: ignore[union-attr]
