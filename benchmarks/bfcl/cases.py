"""Read cases of the Berkeley Function Calling Leaderboard from its package: requests for one call, several, or none."""

import importlib.util
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError, run
from tool_dpo.formats.format import as_text, tools_text
from tool_dpo.formats.plain import prompt
from tool_dpo.kinds import Decision
from tool_dpo.records import read_lines, write_lines
from tool_dpo.schema.calls import call_schema, required_first
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import violations
from tool_dpo.stage import paths
from tool_dpo.triplets.decision_proof import schema_of
from tool_dpo.triplets.triplet import listed

CATEGORIES: dict[str, Decision] = {
    "simple_python": "call",
    "multiple": "choose",
    "parallel": "several",
    "parallel_multiple": "several",
    "irrelevance": "no_tool",
}
"""What the requests of each category ask a model to decide."""
_NO_CALL = {"tool": None, "message": "I have no tool for that."}
"""The right answer to a request that no tool fits. Other words are as right."""
_JSON_SCHEMA_TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": "string"}
"""BFCL names types as Python does; the others are JSON Schema's."""
_LEAST = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": []}


def main() -> None:
    out, triplets = paths("cases", "triplets", description=__doc__)
    found = list(cases())
    write_lines(out, found)
    write_lines(triplets, map(triplet, asked(found)))


def cases() -> Iterator[dict[str, Any]]:
    """Every case as a record: the request with its tools, the right answer and its schema, and what BFCL accepts.

    `tool` is that of the first right call, or the listed one if there is none. `expected` is the first accepted answer
    that is strict, as JSON text; it and `schema` are None where none is. `functions` and `accepted` are as BFCL has
    them: definitions, and for each right call the accepted values of its parameters.
    """
    folder = _package() / "data"
    for category, decision in CATEGORIES.items():
        name = f"BFCL_v4_{category}.json"
        answers = {}
        if decision != "no_tool":
            answers = {one["id"]: one["ground_truth"] for _, one in read_lines(folder / "possible_answer" / name)}
        for _, case in read_lines(folder / name):
            tools = {one["name"]: required_first(json_schema(one["parameters"])) for one in case["function"]}
            told = {one["name"]: one["description"] for one in case["function"]}
            request, accepted = case["question"][0][0]["content"], answers.get(case["id"], [])
            expected = _expected(decision, tools, accepted)
            yield {
                "id": case["id"],
                "category": category,
                "decision": decision,
                "prompt": prompt(request, *tools.items()),
                "request": request,
                "tools": tools_text((name, told[name], one) for name, one in tools.items()),
                "tool": next(iter(accepted[0] if accepted else tools)),
                "schema": None if expected is None else schema_of(decision, expected, tools),
                "expected": None if expected is None else as_text(expected),
                "functions": case["function"],
                "accepted": accepted,
            }


def asked(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cases that models are asked: those with a strict right answer."""
    return [case for case in found if case["expected"] is not None]


def triplet(case: dict[str, Any]) -> dict[str, Any]:
    """The case as a triplet, to be answered. Nothing trains on its rejected answer."""
    kept = ("prompt", "request", "tools", "schema", "decision")
    chosen, rejected = case["expected"], as_text(_rejected(case))
    return {**{name: case[name] for name in kept}, "chosen": chosen, "rejected": rejected}


def json_schema(node: Schema) -> Schema:
    """BFCL's form of a schema as JSON Schema."""
    result = dict(node)
    if "type" in node:
        result["type"] = _JSON_SCHEMA_TYPES.get(node["type"], node["type"])
    if "properties" in node:
        result["properties"] = {name: json_schema(sub) for name, sub in node["properties"].items()}
    if "items" in node:
        result["items"] = json_schema(node["items"])
    return result


def _expected(decision: Decision, tools: dict[str, Schema], accepted: list[dict[str, Any]]) -> Any:
    """The first accepted answer that is strict; None if there is none."""
    if decision == "no_tool":
        return _NO_CALL
    calls = [_call(tool, tools[tool], values) for one in accepted for tool, values in one.items()]
    if None in calls:
        return None
    return calls if decision == "several" else calls[0]


def _call(tool: str, parameters: Schema, accepted: dict[str, list[Any]]) -> dict[str, Any] | None:
    """The first accepted call that is strict; None if there is none."""
    schema, required = call_schema(tool, parameters), parameters.get("required", [])
    options = [
        [(name, value) for value in _values([one for one in some if one != ""])]
        for name, some in accepted.items()
        if name in required or "" not in some
    ]
    for chosen in product(*options):
        call = {"tool": tool, "parameters": dict(chosen)}
        if not violations(schema, call):
            return call
    return None


def _values(options: list[Any]) -> Iterator[Any]:
    """Accepted values as they would stand in a call; inside objects BFCL lists the accepted values once more."""
    for option in options:
        if isinstance(option, list) and all(isinstance(one, dict) for one in option):
            yield [_object(one) for one in option]
        elif isinstance(option, dict):
            yield _object(option)
        else:
            yield option


def _object(fields: dict[str, list[Any]]) -> dict[str, Any]:
    return {name: next(_values(some)) for name, some in fields.items() if "" not in some}


def _rejected(case: dict[str, Any]) -> Any:
    """An answer that is wrong in the way that a triplet of the decision must be."""
    right, tools = json.loads(case["expected"]), listed(case["tools"])
    match case["decision"]:
        case "call":
            return {"tool": case["tool"]}
        case "several":
            return right[1:] if len(right) > 2 else right[1]
    calls = ({"tool": name, "parameters": _least(one)} for name, one in tools.items() if name != right["tool"])
    return next(call for call in calls if not violations(call_schema(call["tool"], tools[call["tool"]]), call))


def _least(schema: Schema) -> Any:
    """A value that fits a schema of BFCL."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "object":
        return {name: _least(schema["properties"][name]) for name in schema.get("required", [])}
    return _LEAST[schema["type"]]


def _package() -> Path:
    spec = importlib.util.find_spec("bfcl_eval")
    if spec is None or not spec.submodule_search_locations:
        raise InputError("bfcl-eval is not installed: `make setup` installs it")
    return Path(spec.submodule_search_locations[0])


if __name__ == "__main__":
    run(main)
