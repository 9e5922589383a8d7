"""Read cases of the Berkeley Function Calling Leaderboard from its package: one call, to one of one or more tools."""

import importlib.util
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError, run
from tool_dpo.formats.format import tools_text
from tool_dpo.formats.plain import prompt
from tool_dpo.records import read_lines, write_lines
from tool_dpo.schema.calls import call_schema, required_first
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import violations
from tool_dpo.stage import paths

CATEGORIES = ("simple_python", "multiple")
_JSON_SCHEMA_TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": "string"}
"""BFCL names types as Python does; the others are JSON Schema's."""


def main() -> None:
    out, triplets = paths("cases", "triplets", description=__doc__)
    found = list(cases())
    write_lines(out, found)
    write_lines(triplets, (triplet(case) for case in found if case["expected"] is not None))


def cases() -> Iterator[dict[str, Any]]:
    """Every case as a record: the prompt, the schema of the right call, and what BFCL accepts.

    `expected` is the first accepted call that fits the schema; None where none does, and so no strict answer is right.
    """
    folder = _package() / "data"
    for category in CATEGORIES:
        name = f"BFCL_v4_{category}.json"
        answers = {one["id"]: one["ground_truth"][0] for _, one in read_lines(folder / "possible_answer" / name)}
        for _, case in read_lines(folder / name):
            ((tool, accepted),) = answers[case["id"]].items()
            functions = {one["name"]: required_first(json_schema(one["parameters"])) for one in case["function"]}
            schema = call_schema(tool, functions[tool])
            request = case["question"][0][0]["content"]
            told = {one["name"]: one["description"] for one in case["function"]}
            yield {
                "id": case["id"],
                "prompt": prompt(request, *functions.items()),
                "request": request,
                "tools": tools_text((name, told[name], one) for name, one in functions.items()),
                "tool": tool,
                "schema": schema,
                "expected": _expected(tool, accepted, schema),
                "function": next(one for one in case["function"] if one["name"] == tool),
                "accepted": accepted,
            }


def triplet(case: dict[str, Any]) -> dict[str, Any]:
    """The case as a triplet, which `stages.answer` reads. Its rejected call has no parameters; nothing trains on it."""
    rejected = json.dumps({"tool": case["tool"]})
    asked = {name: case[name] for name in ("prompt", "request", "tools", "schema")}
    return {**asked, "chosen": case["expected"], "rejected": rejected}


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


def _expected(tool: str, accepted: dict[str, list[Any]], schema: Schema) -> str | None:
    options = [[(name, value) for value in _values(some)] for name, some in accepted.items() if "" not in some]
    for parameters in product(*options):
        call = {"tool": tool, "parameters": dict(parameters)}
        if not violations(schema, call):
            return json.dumps(call, ensure_ascii=False)
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


def _package() -> Path:
    spec = importlib.util.find_spec("bfcl_eval")
    if spec is None or not spec.submodule_search_locations:
        raise InputError("bfcl-eval is not installed: `make setup` installs it")
    return Path(spec.submodule_search_locations[0])


if __name__ == "__main__":
    run(main)
