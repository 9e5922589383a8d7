"""Small real inputs of every target, from the cases of the other tests: what fuzzing starts from."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import yaml

from tests.fuzz.targets import CASES, TARGETS

_RICH: dict[str, Any] = {
    "type": "object",
    "properties": {
        "tool": {"type": "string", "const": "book"},
        "parameters": {
            "type": "object",
            "properties": {
                "day": {"type": "string", "format": "date"},
                "code": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$", "minLength": 4},
                "seats": {"type": "array", "items": {"$ref": "#/$defs/seat"}, "minItems": 1, "uniqueItems": True},
                "price": {"anyOf": [{"type": "number", "multipleOf": 0.01}, {"type": "null"}]},
            },
            "patternProperties": {"^x_": {"type": "boolean"}},
            "required": ["day", "seats"],
            "dependentRequired": {"price": ["code"]},
            "additionalProperties": False,
        },
    },
    "required": ["tool", "parameters"],
    "additionalProperties": False,
    "$defs": {"seat": {"type": "integer", "minimum": 1, "maximum": 99}},
}
_CALL = '{"tool": "book", "parameters": {"day": "2026-01-31", "seats": [7, 8], "code": "AB-1", "price": 9.5}}'
_WRONG = _CALL.replace("[7, 8]", "[7, 7]")


@cache
def seeds(name: str) -> list[bytes]:
    return _SEEDS[name]()


def _case(name: str) -> Any:
    return json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))


def _json(document: Any) -> bytes:
    return json.dumps(document).encode()


def _tools() -> list[bytes]:
    files = sorted((CASES.parents[1] / "data/tools").glob("*.json"))[::10]
    ours = [json.loads(path.read_text(encoding="utf-8"))[:1] for path in files]
    others = [case["document"] for case in _case("listing") if "document" in case]
    documents = [[_case("tool")], *ours, *others]
    return [*map(_json, documents), yaml.safe_dump(documents[0]).encode()]


def _openapi() -> list[bytes]:
    return [path.read_bytes() for path in sorted((CASES / "documents").iterdir())]


def _triplets() -> list[bytes]:
    triplet = _case("triplets")["triplet"]
    edit = {"op": "replace", "path": "/parameters/seats/1", "value": 7}
    fault = {"tool": "book", "violation": "other_schema_error", "keyword": "uniqueItems", "path": "$.parameters.seats"}
    rich = {"prompt": "Seats 7 and 8", "chosen": _CALL, "rejected": _WRONG, "schema": _RICH, **fault, "edit": edit}
    decided = map(_json, _case("decisions")["triplets"].values())
    return [_json(triplet), _json(rich), _json(rich) + b"\n" + _json(triplet) + b"\n", *decided]


def _answers() -> list[bytes]:
    answer = {"prompt": "Seats 7 and 8", "tool": "book", "schema": _RICH, "expected": _CALL, "found": None}
    words = '{"tool": null, "message": "Which \\"seats\\"?"}'
    said = (_CALL, _WRONG, f"Sure: {_CALL}", "", words, f"[{_CALL}, {_CALL}]")
    plain = [{**answer, "text": text, "call": text} for text in said]
    decided = [{**one, "decision": "ask", "missing": "seats", "tools": "[]", "found": _CALL} for one in plain]
    whole = b"".join(_json(one) + b"\n" for one in (*plain, *decided))
    return [*map(_json, [*plain, *decided]), whole]


def _weights() -> list[bytes]:
    return [_json(yaml.safe_load((CASES.parent / "tiny.yaml").read_text(encoding="utf-8"))["tiny"]["weights"])]


def _teacher() -> list[bytes]:
    values = {"title": "Review PR", "priority": "high"}
    answers = [{"request": "Please review it, it is urgent", "parameters": values}, {"request": "", "parameters": 1}]
    return [
        _json(
            {
                "choices": [{"index": 0, "message": {"content": json.dumps(answer)}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10},
            }
        )
        for answer in answers
    ]


def _requests() -> list[bytes]:
    listed = [json.loads(seed) for seed in _tools()[:20]]
    own = [_json({"request": "Do it", "tools": tools}) for tools in listed]
    return ["Créer une tâche\n\nRemind Ana".encode(), *own, _json({"request": "a", "tools": json.dumps(listed[0])})]


_SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "tools": _tools,
    "openapi": _openapi,
    "triplets": _triplets,
    "answers": _answers,
    "verdict": lambda: [case["text"].encode(errors="replace") for case in _case("answers")["cases"]],
    "params": lambda: [(CASES / "params.yaml").read_bytes()],
    "weights": _weights,
    "teacher": _teacher,
    "requests": _requests,
}
assert _SEEDS.keys() == TARGETS.keys()
