"""How many answers a second are judged, and how many plain `jsonschema` validates.

    python -m benchmarks.verdict [SECONDS]

Calls of a tool with eight parameters, right and wrong, the wrong ones with six faults.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from jsonschema import Draft202012Validator

from tool_dpo.schema.calls import call_schema
from tool_dpo.schema.verdict import judge
from tool_dpo.schema.violations import Validator, violations

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "minLength": 2, "maxLength": 80},
        "priority": {"enum": ["low", "medium", "high"]},
        "due": {"type": "string", "format": "date"},
        "hours": {"type": "number", "minimum": 0, "multipleOf": 0.1},
        "code": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
        "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "owner": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 5, "uniqueItems": True},
    },
    "required": ["title", "priority"],
}
RIGHT = {
    "title": "Review", "priority": "low", "due": "2026-03-05", "hours": 34.3, "code": "ABC-1234", "limit": 10,
    "owner": {"name": "Ada"}, "tags": ["a", "b"],
}  # fmt: skip
WRONG = {**RIGHT, "priority": "urgent", "due": "March 5", "hours": "34.3", "limit": "10", "owner": {}, "more": 1}


def rate(work: Callable[[], object], seconds: float) -> float:
    """Runs in a second of CPU time. The first run, which compiles, is not counted."""
    work()
    count, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds:
        work()
        count += 1
    return count / spent


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    schema = call_schema("create_task", PARAMETERS)
    plain = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    kept = Validator(schema)
    print(f"{'a second':>24} {'right':>9} {'wrong':>9}")
    calls = [{"tool": "create_task", "parameters": parameters} for parameters in (RIGHT, WRONG)]
    ways: dict[str, Callable[[Any, str], object]] = {
        "jsonschema": lambda call, text: list(plain.iter_errors(call)),
        "jsonschema, from text": lambda call, text: list(plain.iter_errors(json.loads(text))),
        "validator, kept": lambda call, text: list(kept.iter_errors(call)),
        "violations": lambda call, text: violations(schema, call),
        "judge, from text": lambda call, text: judge(schema, text),
    }
    for name, way in ways.items():
        right, wrong = (rate(lambda: way(call, text), seconds) for call in calls for text in [json.dumps(call)])  # noqa: B023
        print(f"{name:>24} {right:>9,.0f} {wrong:>9,.0f}")


if __name__ == "__main__":
    main()
