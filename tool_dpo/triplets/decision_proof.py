"""The proof of a decision triplet: that its rejected answer is strict calls, and wrong only in the stated way."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tool_dpo.kinds import Decision
from tool_dpo.schema.calls import call_schema, no_call_schema, several_schema
from tool_dpo.schema.check import SchemaError, check_schema
from tool_dpo.schema.documents import alike, json_path, parse
from tool_dpo.schema.forms import message_in
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import faults, violations
from tool_dpo.tools.spellings import says
from tool_dpo.triplets.edits import Site, sites_of

Tools = Mapping[str, Schema]
"""The schemas of the parameters of the listed tools, by name."""


@dataclass(frozen=True)
class _Claim:
    """What a triplet says, its answers parsed."""

    chosen: Any
    rejected: Any
    request: str
    tools: Tools
    missing: str | None
    varied_from: str | None


def decision_fault(decision: Decision, record: Mapping[str, Any], request: str, tools: Tools) -> dict[str, str]:
    """The `tool`, `violation`, `keyword` and `path` of a triplet, given as a record with a decision other than `call`.

    Raises:
        ValueError: `schema` is not that of the right answer or `chosen` is not valid; or `rejected` is not strict calls
            to listed tools (or, where one of these is to be chosen, words), or differs from the right answer in another
            way than the decision's.
    """
    for parameters in tools.values():
        _check_schema(json.dumps(parameters))
    chosen, rejected = (_read(record, name) for name in ("chosen", "rejected"))
    if record["schema"] != schema_of(decision, chosen, tools):
        raise ValueError(f"schema must be that of the right answer where the decision is {decision}")
    if broken := faults(record["schema"], record["chosen"]):
        raise ValueError(f"chosen is not valid: {broken[0].path}: {broken[0].message}")
    declined = decision == "choose" and message_in(rejected) is not None
    if isinstance(rejected, list) and (decision != "several" or len(rejected) < 2):
        raise ValueError(f"rejected must be one call, found a list of {len(rejected)}")
    for call in [] if declined else rejected if isinstance(rejected, list) else [rejected]:
        if broken := violations(call_schema(*_called(call, tools, "rejected")), call):
            raise ValueError(f"rejected is no strict call: {broken[0].path}: {broken[0].message}")
    missing = record.get("missing")
    if missing is not None and (not isinstance(missing, str) or decision not in ("no_tool", "ask")):
        expected = "text" if decision in ("no_tool", "ask") else f"absent where the decision is {decision}"
        raise ValueError(f"missing must be {expected}, got {missing!r:.80}")
    claim = _Claim(chosen, rejected, request, tools, missing, record.get("varied_from"))
    tool, violation, path = _PROOFS[decision](claim)
    return {"tool": tool, "violation": violation, "keyword": decision, "path": path}


def schema_of(decision: Decision, chosen: Any, tools: Tools) -> Schema:
    """The schema of the right answer, given the tools that are listed.

    Raises:
        ValueError: the answer has another form, or calls a tool that is not listed.
    """
    if decision in ("no_tool", "ask"):
        return no_call_schema()
    if decision == "several":
        if not isinstance(chosen, list) or len(chosen) < 2:
            raise ValueError("chosen must be a list of two or more calls")
        return several_schema(tools, len(chosen))
    return call_schema(*_called(chosen, tools, "chosen"))


@lru_cache(maxsize=4096)
def _check_schema(text: str) -> None:
    try:
        check_schema(json.loads(text))
    except SchemaError as error:
        raise ValueError(f"tools must have valid JSON Schemas (Draft 2020-12): {error.message}") from None


def _read(record: Mapping[str, Any], name: str) -> Any:
    try:
        return parse(record[name])
    except ValueError as error:
        raise ValueError(f"{name} cannot be read: {error}") from None


def _called(call: Any, tools: Tools, name: str) -> tuple[str, Schema]:
    """The tool of a call, and the schema of its parameters."""
    tool = call.get("tool") if isinstance(call, dict) else None
    if not isinstance(tool, str) or tool not in tools:
        raise ValueError(f"{name} must call one of the tools {', '.join(tools)}, got {tool!r:.80}")
    return tool, tools[tool]


def _over_call(claim: _Claim) -> tuple[str, str, str]:
    if claim.missing is not None and claim.missing in (*claim.tools, claim.varied_from):
        raise ValueError(f"the request is for {claim.missing!r}, which is among the tools")
    return claim.rejected["tool"], "over_call", json_path(())


def _made_up_value(claim: _Claim) -> tuple[str, str, str]:
    missing, tool, values = claim.missing, claim.rejected["tool"], claim.rejected["parameters"]
    parameters = claim.tools[tool]
    if missing is None or missing not in parameters.get("required", []):
        raise ValueError(f"missing must be a required parameter of {tool!r}, got {missing!r:.80}")
    if f'"{missing}"' not in claim.chosen["message"]:
        raise ValueError(f'chosen must ask for "{missing}", got {claim.chosen["message"]!r:.80}')
    for value in (values[missing], *parameters["properties"][missing].get("enum", [])):
        if says(claim.request, value):
            raise ValueError(f"the request says {value!r:.80}, which {missing!r} may be")
    others = {name: value for name, value in values.items() if name != missing}
    for site in sites_of(Site((), parameters, others)):
        if _said_as_it_is(site) and not says(claim.request, site.value):
            raise ValueError(f"the request does not say {site.value!r:.80}, which rejected has")
    return tool, "made_up_value", json_path(("parameters", missing))


def _said_as_it_is(site: Site) -> bool:
    """Whether people say a value as it is. There may be any words for a choice, for a boolean and for nothing."""
    named = {"enum", "const"} & site.schema.keys()
    return not named and not isinstance(site.value, bool | dict | list) and site.value not in (None, "")


def _wrong_choice(claim: _Claim) -> tuple[str, str, str]:
    right = claim.chosen["tool"]
    if message_in(claim.rejected) is not None:
        return right, "under_call", json_path(())
    if claim.rejected["tool"] == right:
        raise ValueError(f"rejected must call another tool than {right!r}")
    return right, "wrong_tool", "$.tool"


def _wrong_number(claim: _Claim) -> tuple[str, str, str]:
    right = claim.chosen
    calls = claim.rejected if isinstance(claim.rejected, list) else [claim.rejected]
    fewer, more = sorted((right, calls), key=len)
    lone = [index for index in range(len(more)) if alike(more[:index] + more[index + 1 :], fewer)]
    if not lone:
        raise ValueError("rejected must be the chosen calls with one left out, doubled or added")
    doubled = any(alike(more[lone[-1]], call) for call in right)
    violation = "missing_call" if more is right else "doubled_call" if doubled else "extra_call"
    return right[0]["tool"], violation, json_path((lone[-1],))


_PROOFS: dict[Decision, Callable[[_Claim], tuple[str, str, str]]] = {
    "no_tool": _over_call,
    "ask": _made_up_value,
    "choose": _wrong_choice,
    "several": _wrong_number,
}
"""The tool that a triplet is about, its violation and the place of it. A ValueError says why the claim is not true."""
