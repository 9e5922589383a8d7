"""Change bytes as a document, by its structure, or as plain bytes."""

import json
from random import Random
from typing import Any

import yaml

MOST = 20_000
"""Bytes of an input."""
_ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 1e308, 10**30, "", " ", "\0", "a\nb", "\ud800", "é", "x" * 3000, [], {}, [[]],
    "(a+)+$", "[", "\\p{L}", "string", "object", "array", "date", "#", "#/", "#/$defs/x", "http://[", "{x}", "[, {x}]",
    {"$ref": "#"}, {"type": "string"}, {"type": "object", "properties": {}}, {"enum": []}, {"const": None},
]  # fmt: skip
_RAW = {
    "@list": "[" * 300 + "]" * 300,
    "@lists": "[" * 900 + "]" * 900,
    "@objects": '{"a":' * 200 + "1" + "}" * 200,
    "@schemas": '{"items":' * 100 + "{}" + "}" * 100,
    "@digits": "9" * 5000,
    "@exponent": "1e999",
    "@nan": "NaN",
    "@twice": '{"a": 1, "a": 2}',
}
"""What no Python value gives: each stands in for its name."""
_NAMES = [
    *("$ref", "$id", "$defs", "$anchor", "$schema", "$dynamicRef", "type", "properties", "required", "items", "enum"),
    *("prefixItems", "contains", "additionalProperties", "patternProperties", "propertyNames", "pattern", "format"),
    *("const", "default", "examples", "allOf", "anyOf", "oneOf", "not", "if", "then", "dependentRequired", "minimum"),
    *("exclusiveMinimum", "multipleOf", "minLength", "maxItems", "uniqueItems", "unevaluatedProperties", "x-say"),
    *("x-phrase", "x-faker", "requests", "description", "name", "parameters", "schema", "content", "nullable", ""),
]
_TOKENS = [
    *(b"\0", b"\xff", b"\xef\xbb\xbf", b"\n", b"\r", b"\t", b"&a ", b"*a", b"<<: *a", b"!!binary ", b"!!int ", b"--- "),
    *(b"!!python/object:os.system ", b"%YAML 1.1\n", b'"', b"{", b"}", b"[", b"]", b":", b",", b"\\u0000", b"\\ud800"),
    *(b"? ", b"- ", b"| ", b"#", b"null", b"1e999", b"-0", b"0x1F", b"1_000", b".inf", b"2026-01-01", b"\xe2\x80\xa8"),
]


def mutate(data: bytes, rng: Random) -> bytes:
    for _ in range(rng.randint(1, 3)):
        data = (_structure if rng.randrange(4) else _bytes)(data, rng)
    return data[:MOST]


def _structure(data: bytes, rng: Random) -> bytes:
    lines = data.splitlines() or [b""]
    if len(lines) > 1 and all(line.startswith(b"{") for line in lines):
        index = rng.randrange(len(lines))
        lines[index] = _structure(lines[index], rng)
        return b"\n".join(lines)
    try:
        text = json.dumps(_changed(_read(data), rng), default=str)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, yaml.YAMLError):  # no document, or odd
        return _bytes(data, rng)
    for name, raw in _RAW.items():
        text = text.replace(f'"{name}"', raw)
    return text.encode()


def _read(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        if b"*" in data or b"[[[[" in data or b"{{{{" in data:
            raise  # aliases may stand for too much, and libyaml crashes where it is too deep
        return yaml.load(data, yaml.CSafeLoader)


def _changed(document: Any, rng: Random) -> Any:
    holder = {"": document}
    places = list(_places(holder))
    container, key = rng.choice(places)
    old = container[key]
    match rng.randrange(7):
        case 0:
            container[key] = rng.choice(_ODD)
        case 1:
            container[key] = rng.choice([*_RAW])
        case 2:
            container[key] = _copy(rng.choice(places))
        case 3 if container is not holder:
            del container[key]
        case 4 if isinstance(old, dict):
            old[rng.choice(_NAMES)] = rng.choice([*_ODD, _copy(rng.choice(places))])
        case 4 if isinstance(old, list):
            old.insert(rng.randint(0, len(old)), rng.choice([*_ODD, _copy(rng.choice(places))]))
        case 5 if isinstance(container, dict) and container is not holder:
            container[rng.choice([*_NAMES, "a", "é", "x" * 300])] = container.pop(key)
        case _ if isinstance(old, str):
            container[key] = mutate(old.encode(errors="replace"), rng).decode(errors="replace")
        case _:
            container[key] = [old] if rng.randrange(2) else {"a": old}
    return holder[""]


def _places(holder: Any) -> Any:
    """Each value of a document, as what holds it and its key there."""
    left = [holder]
    while left:
        container = left.pop()
        for key, value in container.items() if isinstance(container, dict) else enumerate(container):
            yield container, key
            if isinstance(value, dict | list):
                left.append(value)


def _copy(place: tuple[Any, Any]) -> Any:
    container, key = place
    return json.loads(json.dumps(container[key], default=str))


def _bytes(data: bytes, rng: Random) -> bytes:
    start, end = sorted((rng.randint(0, len(data)), rng.randint(0, len(data))))
    match rng.randrange(5):
        case 0:
            return data[:start] + data[end:]
        case 1:
            return data[:end] + data[start:]
        case 2:
            return data[:start]
        case 3:
            return data[:start] + bytes([rng.randrange(256)]) + data[start + 1 :]
    return data[:start] + rng.choice(_TOKENS) + data[start:]
