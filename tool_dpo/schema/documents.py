"""JSON documents: strict parsing, JSON paths, and the differences between two documents."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tool_dpo.records import parse_strict

Place = tuple[str | int, ...]
DEEPEST = 200
"""Levels of a document that are read; a call has about five."""


def json_path(parts: Iterable[str | int]) -> str:
    """Write keys and indices as a JSON path (RFC 9535) such as `$.parameters.items[0].sku`."""
    path = "$"
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part.isidentifier():
            path += f".{part}"
        else:
            escaped = json.dumps(part, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")
            path += f"['{escaped}']"
    return path


def parse(text: str) -> Any:
    """Parse a text that must be exactly one JSON document (RFC 8259).

    Raises:
        ValueError: the text is not a `str` or not JSON, has other text around the JSON, has NaN, Infinity, a number too
            large for a float or a lone surrogate, gives a name twice in one object, or is nested too deeply.
    """
    if not isinstance(text, str):
        raise ValueError(f"expected a text, got {text!r:.40}")
    try:
        document = parse_strict(text)
        if "\\u" in text or not text.isascii():
            json.dumps(document, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError("half a character (a lone surrogate)") from None
    if text.count("[") + text.count("{") > DEEPEST and depth(document) > DEEPEST:
        raise ValueError("nested too deeply")
    return document


def depth(document: Any) -> int:
    """Levels of lists and objects. Counting stops above DEEPEST."""
    level, found = [document] if isinstance(document, (dict, list)) else [], 0
    while level and found <= DEEPEST:
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, (dict, list))
        ]
        found += 1
    return found


def differences(one: Any, other: Any, place: Place = ()) -> Iterator[Place]:
    """Yield the innermost places where two documents have different values, or where only one has a value."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            if name in one and name in other:
                yield from differences(one[name], other[name], (*place, name))
            else:
                yield (*place, name)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (item, another) in enumerate(zip(one, other, strict=True)):
            yield from differences(item, another, (*place, index))
    elif one != other or isinstance(one, bool) is not isinstance(other, bool):
        yield place


def alike(one: Any, other: Any) -> bool:
    """Whether two documents have the same values. `true` and `1` are different values."""
    return next(differences(one, other), None) is None
