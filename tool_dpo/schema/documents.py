"""JSON documents: strict parsing, JSON paths, and the differences between two documents."""

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

Place = tuple[str | int, ...]


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
        ValueError: the text is not JSON, has other text around the JSON, has NaN, Infinity or a number too large for a
            float, gives a name twice in one object, or is nested too deeply.
    """
    try:
        return json.loads(text, parse_float=_finite, parse_constant=_refuse_constant, object_pairs_hook=_unique_names)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return result


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
