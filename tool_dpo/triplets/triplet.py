"""Triplets: a prompt, the right answer, and a rejected one. `proved` checks that it has exactly one fault."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonpatch import JsonPatch, JsonPatchException
from jsonpointer import JsonPointerException

from tool_dpo.chance import fraction
from tool_dpo.errors import InputError
from tool_dpo.formats.format import as_text, function_tool
from tool_dpo.formats.plain import request_of
from tool_dpo.kinds import DECISIONS, NOT_JSON, WRONG_VALUE, Decision
from tool_dpo.records import read_lines
from tool_dpo.schema.calls import parameters_of
from tool_dpo.schema.check import SchemaError, check_schema
from tool_dpo.schema.documents import alike, parse
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import faults
from tool_dpo.triplets.decision_proof import decision_fault


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

    `decision` is what the request asks a model to decide, None or `call` for one call to the one tool that fits. With
    another decision, `rejected` is strict calls, and `violation` says what is wrong with them: `over_call` (`no_tool`),
    `made_up_value` (`ask`), `wrong_tool` (`choose`), `missing_call`, `extra_call` or `doubled_call` (`several`). With
    `choose` it may be words instead (`under_call`).
    `tool` is then the tool that `rejected` calls (`no_tool`, `ask`), the right one (`choose`), or that of the first
    call (`several`). `missing` is what a request lacks: the required parameter of `tool` that it does not say (`ask`),
    or the tool that it is for (`no_tool`), None if it is for none.
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
    decision: Decision | None = None
    missing: str | None = None

    def record(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def decides(self) -> bool:
        """Whether the request asks for another decision than to call the one tool that fits."""
        return self.decision not in (None, "call")

    def is_among(self, share: float, seed: int) -> bool:
        """Whether it is among a share of all triplets: those of each share are among those of a larger one."""
        return fraction(f"{seed}/share/{self.prompt}") < share


def proved(record: dict[str, Any]) -> Triplet:
    """Make a triplet of a JSON object. Check that `chosen` is valid and that `rejected` has exactly the stated fault.

    Only `prompt`, `chosen`, `rejected` and `schema` are needed. `tool`, `violation`, `keyword` and `path` are computed
    if absent and checked if given. `request` and `tools` are taken from `prompt` and `schema` if absent. `edit` is
    checked if given. `violation` must be given if it is `json_error` or `wrong_value`. With a `decision` other than
    `call`, `tools` must be given, `keyword` is the decision, and `decision_fault` has the proof.

    Raises:
        ValueError: a field is missing or has the wrong type, `schema` or `chosen` is not valid, or `rejected` does not
            have exactly one fault of the stated kind, keyword and path.
    """
    for name, kind in (("prompt", str), ("chosen", str), ("rejected", str), ("schema", dict)):
        if not isinstance(record.get(name), kind):
            expected = "text" if kind is str else "an object"
            raise ValueError(f"{name} must be {expected}, got {record.get(name)!r}")
    request, decision = record.get("request", request_of(record["prompt"])), record.get("decision")
    if not isinstance(request, str):
        raise ValueError(f"request must be text, got {request!r:.80}")
    if decision not in (None, *DECISIONS):
        raise ValueError(f"decision must be one of {', '.join(DECISIONS)}, got {decision!r:.80}")
    if decision in (None, "call"):
        actual = _call_fault(record)
        tools = _tools(record, actual["tool"])
    else:
        actual = decision_fault(decision, record, request, listed(record.get("tools")))
        tools = record["tools"]
    for name, value in actual.items():
        if record.get(name, value) != value:
            raise ValueError(f"{name} says {record[name]!r}, found {value!r}")
    edit = record.get("edit")
    if edit is not None and not _makes(edit, record["chosen"], record["rejected"]):
        raise ValueError(f"edit does not make rejected of chosen: {edit}")
    return Triplet(
        record["prompt"],
        record["chosen"],
        record["rejected"],
        record["schema"],
        **actual,
        request=request,
        tools=tools,
        edit=edit,
        varied_from=record.get("varied_from"),
        decision=decision,
        missing=record.get("missing"),
    )


def _call_fault(record: dict[str, Any]) -> dict[str, str]:
    """The `tool`, `violation`, `keyword` and `path` of a triplet whose request asks for one call."""
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
    return {"tool": tool, "violation": found[0].kind, "keyword": found[0].keyword, "path": found[0].path}


def _tools(record: dict[str, Any], tool: str) -> str:
    """The tools of a record as JSON text. If it has none, they are the one that its schema is of."""
    if "tools" not in record:
        return as_text([function_tool(tool, "", parameters_of(record["schema"]))])
    if tool not in (names := listed(record["tools"])):
        raise ValueError(f"tools must have the schema's tool {tool!r} among them, found {', '.join(names)}")
    return str(record["tools"])


def listed(tools: Any) -> dict[str, Schema]:
    """The schemas of the parameters of listed tools, by name.

    Raises:
        ValueError: `tools` is not a list of OpenAI function tools as JSON text.
    """
    try:
        functions = [one["function"] for one in parse(tools)]
        return {str(one["name"]): dict(one.get("parameters", {})) for one in functions}
    except (ValueError, TypeError, KeyError, AttributeError):
        expected = "OpenAI function tools as JSON text"
        raise ValueError(f"tools must be a list of {expected}, got {tools!r:.80}") from None


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
