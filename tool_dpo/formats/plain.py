"""The plain format: tools as signatures below the request, and `{"tool": name, "parameters": {...}}` as the answer.

Several calls are a list of these, and an answer without a call is `{"tool": null, "message": words}`.
"""

import json
from collections.abc import Callable
from typing import Any

from tool_dpo.formats.format import Asked, Reading
from tool_dpo.schema.calls import strict
from tool_dpo.schema.forms import calls_in
from tool_dpo.schema.keywords import ALTERNATIVES, Schema

SYSTEM = (
    'Answer in raw JSON only: {"tool": name, "parameters": {...}}, a list of several, '
    'or, if none fits or a value is missing, {"tool": null, "message": words}'
)

_TOOL = "Tool: "
_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "null", "object": "dict"}
_RANGES = (
    ("minimum", "maximum", "{}..{}"),
    ("minLength", "maxLength", "length {}..{}"),
    ("minItems", "maxItems", "{}..{} items"),
)
_LIMITS = {"exclusiveMinimum": ">{}", "exclusiveMaximum": "<{}", "multipleOf": "step {}"}


class Plain:
    """The same for every model: an answer is JSON text, as in `Reading`."""

    def chat(self, asked: Asked) -> dict[str, Any]:
        return {"conversation": messages(asked.prompt), "tools": None}

    def write(self, call: str, chosen: str) -> str:
        return call

    def read(self, answer: str) -> Reading:
        return Reading(answer, _first_call(answer))

    def around(self, tool: str) -> tuple[str, str]:
        return f'{{"tool": {_literal(tool)}, "parameters": ', "}"


def _first_call(text: str) -> str | None:
    """The first JSON object in a text, if it is a call."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        found, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return text[start:end] if calls_in(found) else None


def messages(prompt: str) -> list[dict[str, str]]:
    """The chat messages that put a prompt to a model."""
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt}]


def signature(tool: str, parameters: Schema) -> str:
    """A tool as a signature: `"create_task"("title": str, "priority": enum["low", "high"], optional "due": str(date))`.

    Names and values are written as in the call, `"due":` and `"low"`, so that the model can copy their tokens.
    """
    return f"{_literal(tool)}({_fields(parameters)})"


def definition(tool: str, parameters: Schema) -> str:
    """A tool as JSON: `{"name": "create_task", "parameters": {"type": "object", ...}}`."""
    return json.dumps({"name": tool, "parameters": strict(parameters)}, ensure_ascii=False)


def prompt(request: str, *tools: tuple[str, Schema], written: Callable[[str, Schema], str] = signature) -> str:
    """A triplet's prompt: the request, and below it each tool as the function `written` writes it.

    The tools come last. A model copies best from the nearest text, and it must copy names and enum values from the
    tools.
    """
    return "\n".join([request, *(f"{_TOOL}{written(name, parameters)}" for name, parameters in tools)])


def request_of(prompt: str) -> str:
    """The request in a prompt, without the tools."""
    return prompt.partition(f"\n{_TOOL}")[0]


def _fields(schema: Schema) -> str:
    required, needs = set(schema.get("required", [])), schema.get("dependentRequired", {})
    return ", ".join(
        f"{'' if name in required else 'optional '}{_literal(name)}: {_type(sub)}{_needs(needs.get(name))}"
        for name, sub in schema.get("properties", {}).items()
    )


def _needs(names: list[str] | None) -> str:
    return f" with {' and '.join(map(_literal, names))}" if names else ""


def _type(schema: Any) -> str:
    if not isinstance(schema, dict) or not schema:
        return "any"
    if "enum" in schema:
        return f"enum[{', '.join(map(_literal, schema['enum']))}]"
    if "const" in schema:
        return f"enum[{_literal(schema['const'])}]"
    for keyword in ALTERNATIVES:
        if keyword in schema:
            return " | ".join(_type(sub) for sub in schema[keyword])
    types = schema.get("type", "any")
    names = types if isinstance(types, list) else [types]
    return " | ".join(_named(name, schema) for name in names) + _constraints(schema)


def _named(name: str, schema: Schema) -> str:
    if name == "array" and schema.get("prefixItems"):
        rest = schema.get("items", True)
        return f"[{', '.join([*map(_type, schema['prefixItems']), *([] if rest is False else [f'{_type(rest)}...'])])}]"
    if name == "array":
        return f"list[{_type(schema.get('items'))}]"
    if name == "object" and schema.get("properties"):
        return f"{{{_fields(schema)}}}"
    return _TYPES.get(name, name)


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _constraints(schema: Schema) -> str:
    notes = []
    for low, high, form in _RANGES:
        if low in schema or high in schema:
            notes.append(form.format(schema.get(low, ""), schema.get(high, "")))
    for keyword, form in _LIMITS.items():
        if keyword in schema:
            notes.append(form.format(schema[keyword]))
    notes += [str(schema[keyword]) for keyword in ("format", "pattern") if keyword in schema]
    return f"({', '.join(notes)})" if notes else ""
