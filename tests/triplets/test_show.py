"""The viewer marks the broken place of a call."""

import json

import pytest
from rich.text import Text

from tool_dpo.triplets.show import marked_json

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
