"""Triplets: a prompt, the correct call, and a rejected answer. `proved` checks that it has exactly one fault."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonpatch import JsonPatch, JsonPatchException
from jsonpointer import JsonPointerException

from tool_dpo.errors import InputError
from tool_dpo.formats.format import as_text, function_tool
from tool_dpo.formats.plain import request_of
from tool_dpo.kinds import NOT_JSON, WRONG_VALUE
from tool_dpo.records import read_lines
from tool_dpo.schema.calls import parameters_of
from tool_dpo.schema.check import SchemaError, check_schema
from tool_dpo.schema.documents import alike, parse
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import faults


@dataclass(frozen=True)
class Triplet:
    """A prompt with a `chosen` and a `rejected` answer, both as text.

    `violation`, `keyword` and `path` describe the only fault of `rejected`. `edit` is the JSON Patch operation
    (RFC 6902) that turns `chosen` into `rejected`, None if it is not known.

    Two kinds of violation break no rule of the schema. With `json_error`, `rejected` is not JSON. With `wrong_value`,
    `rejected` is a valid call that differs from `chosen`. All other kinds are violations of the schema.
    `varied_from` is the tool whose schema was varied to make this one, None if the schema is as its author wrote it.
    `request` is the request without the tools, and `tools` are the tools that the prompt lists, in the OpenAI function
    format, as JSON text.
    """

    prompt: str
    chosen: str
    rejected: str
    schema: Schema
    tool: str
    violation: str
    keyword: str
    path: str
    request: str
    tools: str
    edit: dict[str, Any] | None = None
    varied_from: str | None = None

    def record(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


def proved(record: dict[str, Any]) -> Triplet:
    """Make a triplet of a JSON object. Check that `chosen` is valid and that `rejected` has exactly the stated fault.

    Only `prompt`, `chosen`, `rejected` and `schema` are needed. `tool`, `violation`, `keyword` and `path` are computed
    if absent and checked if given. `request` and `tools` are taken from `prompt` and `schema` if absent. `edit` is
    checked if given. `violation` must be given if it is `json_error` or `wrong_value`.

    Raises:
        ValueError: a field is missing or has the wrong type, `schema` or `chosen` is not valid, or `rejected` does not
            have exactly one fault of the stated kind, keyword and path.
    """
    for name, kind in (("prompt", str), ("chosen", str), ("rejected", str), ("schema", dict)):
        if not isinstance(record.get(name), kind):
            expected = "text" if kind is str else "an object"
            raise ValueError(f"{name} must be {expected}, got {record.get(name)!r}")
    schema, chosen = record["schema"], record["chosen"]
    tool = _tool(json.dumps(schema))
    if broken := faults(schema, chosen):
        if broken[0].kind == NOT_JSON:
            raise ValueError(f"chosen cannot be read: {broken[0].message}")
        raise ValueError(f"chosen is not valid: {broken[0].path}: {broken[0].message}")
    found = faults(schema, record["rejected"], chosen if record.get("violation") == WRONG_VALUE else None)
    if len(found) != 1:
        told = ", ".join(f"{one.kind} at {one.path}" for one in found) or "none"
        raise ValueError(f"rejected must break the schema in exactly one way, found {len(found)}: {told}")
    if found[0].kind == NOT_JSON != record.get("violation"):
        raise ValueError(f"rejected cannot be read: {found[0].message}")
    actual = {"tool": tool, "violation": found[0].kind, "keyword": found[0].keyword, "path": found[0].path}
    for name, value in actual.items():
        if record.get(name, value) != value:
            raise ValueError(f"{name} says {record[name]!r}, found {value!r}")
    edit = record.get("edit")
    if edit is not None and not _makes(edit, chosen, record["rejected"]):
        raise ValueError(f"edit does not make rejected of chosen: {edit}")
    request = record.get("request", request_of(record["prompt"]))
    if not isinstance(request, str):
        raise ValueError(f"request must be text, got {request!r:.80}")
    return Triplet(
        record["prompt"],
        chosen,
        record["rejected"],
        schema,
        **actual,
        request=request,
        tools=_tools(record, tool),
        edit=edit,
        varied_from=record.get("varied_from"),
    )


def _tools(record: dict[str, Any], tool: str) -> str:
    """The tools of a record as JSON text. If it has none, they are the one that its schema is of."""
    if "tools" not in record:
        return as_text([function_tool(tool, "", parameters_of(record["schema"]))])
    try:
        names = [one["function"]["name"] for one in parse(record["tools"])]
    except (ValueError, TypeError, KeyError):
        expected = "OpenAI function tools as JSON text"
        raise ValueError(f"tools must be a list of {expected}, got {record['tools']!r:.80}") from None
    if tool not in names:
        raise ValueError(f"tools must have the schema's tool {tool!r} among them, found {', '.join(map(str, names))}")
    return str(record["tools"])


def _makes(edit: Any, chosen: str, rejected: str) -> bool:
    """Whether the JSON Patch operation `edit` can be applied to `chosen` and gives `rejected`."""
    try:
        return alike(JsonPatch([edit]).apply(parse(chosen)), parse(rejected))
    except (JsonPatchException, JsonPointerException, TypeError, ValueError):
        return False


@lru_cache(maxsize=4096)
def _tool(text: str) -> str:
    schema: Schema = json.loads(text)
    try:
        check_schema(schema)
        name = schema["properties"]["tool"]["const"]
    except SchemaError as error:
        raise ValueError(f"schema is not valid JSON Schema (Draft 2020-12): {error.message}") from None
    except (KeyError, TypeError):
        raise ValueError("schema must name its tool at properties.tool.const") from None
    return str(name)


def read_triplets(path: Path) -> Iterator[Triplet]:
    """Read every triplet of a file, and check each with `proved`.

    Raises:
        InputError: the file has no triplets, or one fails the check. The message names the file, line and reason.
    """
    for number, triplet in tried_triplets(path):
        if isinstance(triplet, ValueError):
            raise InputError(f"{path}:{number}: {triplet}")
        yield triplet


def tried_triplets(path: Path) -> Iterator[tuple[int, Triplet | ValueError]]:
    """The number of every line of a file with its triplet, or with the reason why it fails the check of `proved`.

    Raises:
        InputError: the file cannot be read, or has no triplets.
    """
    number = 0
    for number, record in read_lines(path):
        try:
            yield number, proved(record)
        except ValueError as error:
            yield number, error
        except RecursionError:
            yield number, ValueError("nested too deeply")
    if not number:
        raise InputError(f"{path}: no triplets")
