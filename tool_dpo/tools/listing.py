"""Make tools from lists of tools: OpenAI in both forms, MCP, Anthropic, legacy functions, BFCL."""

import json
import re
from functools import partial
from typing import Any

from tool_dpo.schema.keywords import ANNOTATIONS, LIMITS, REFERENCES, SCHEMA_LISTS, SCHEMA_MAPS, SUBSCHEMAS, Schema
from tool_dpo.tools.alternatives import lifted
from tool_dpo.tools.conversion import Conversion, Draft, Imported, first_paragraph
from tool_dpo.tools.normalise import References, Skip, deepest_schema

_SCHEMAS = ("inputSchema", "input_schema", "parameters")
"""Where the schema of the parameters is: in MCP, at Anthropic, at OpenAI."""
_LISTS = ("tools", "functions", "function", "function_declarations", "functionDeclarations")
"""Keys that hold lists of tools: in requests, results and dumps, and in the lines of BFCL."""
_MAYBE_SCHEMA = re.compile(r"^(?!output).*(param|schema|arg|propert|input)", re.IGNORECASE)
"""Names of keys that may hold the parameters in a form that is not read, such as Cohere's `parameter_definitions`."""
_OWN = frozenset(("x-faker", "x-say", "x-phrase"))
_HOLDING = {*SCHEMA_MAPS, *SCHEMA_LISTS, *SUBSCHEMAS}
_KEYWORDS = {*LIMITS, *ANNOTATIONS, *REFERENCES, *_HOLDING, "$schema", "$id"}
_DEEPEST = 8
"""How deep a list of tools may be inside results, pages and servers."""


def items_of(document: Any, depth: int = 0) -> list[Any] | None:
    """Everything in the lists of tools of a document; None if it has no such list.

    A list may be the document itself, or be inside results, pages, servers and lines.
    """
    if isinstance(document, list):
        return [item for one in document for item in _one_or_its_items(one, depth)]
    if not isinstance(document, dict) or depth > _DEEPEST:
        return None
    inside = [document[key] for key in _LISTS if isinstance(document.get(key), list)]
    if not inside and _is_tool(document):
        return [document]
    if not inside:
        inside = [_with_name(key, one) for key, one in document.items() if isinstance(one, dict)]
    found = [items for one in inside if (items := items_of(one, depth + 1)) is not None]
    return [item for items in found for item in items] if found else None


def _one_or_its_items(one: Any, depth: int) -> list[Any]:
    items = items_of(one, depth + 1) if isinstance(one, dict) else None
    return items or [one]


def _with_name(key: str, one: dict[str, Any]) -> dict[str, Any]:
    """A tool with the name that is its key, where tools are listed by name; anything else as it is."""
    return {"name": key, **one} if "name" not in one and any(name in one for name in _SCHEMAS) else one


def _is_tool(item: dict[str, Any]) -> bool:
    """Whether this is meant as a tool, even if it has no name."""
    named = item.get("type") == "function" and isinstance(item.get("name"), str)
    return named or isinstance(item.get("function"), dict) or any(key in item for key in _SCHEMAS)


def listed_tools(items: list[Any]) -> Imported:
    """A tool for each item. Items in the project's own form, with `requests`, stay as they are."""
    conversion = Conversion(once=True)
    for index, item in enumerate(items):
        where = _name(item) or f"tool {index}"
        if not isinstance(item, dict):
            conversion.skip(where, where, f"expected an object, got {json.dumps(item)[:40]}")
        elif "requests" in item:
            conversion.keep(where, item)
        else:
            conversion.add(where, where, partial(_draft, item))
    return conversion.imported()


def _draft(item: dict[str, Any]) -> Draft:
    function = _function(item)
    if not _name(item) and "jsonrpc" in item:
        raise Skip(f"a message of a server without tools: {json.dumps(item.get('error') or [*item])[:200]}")
    if not _name(item):
        kind = item.get("type", "function")
        raise Skip("no name" if kind == "function" else f"a tool of type {kind!r}, which is no function")
    schema = _schema(function)
    parameters, cut = deepest_schema(
        References(schema), lambda normaliser, depth: normaliser.schema(schema, depth), own=_OWN
    )
    description = first_paragraph(function.get("description") or function.get("title"))
    return Draft(description, lifted(_object(parameters)), cut)


def _schema(function: dict[str, Any]) -> Schema:
    """The schema of the parameters; {} for a function without parameters, which PHP writes as []."""
    key = next((key for key in _SCHEMAS if function.get(key) not in (None, [])), None)
    if key is None:
        if function.get("type", "function") != "function":
            raise Skip(f"a tool of type {function['type']!r} without a schema")
        if unknown := [name for name in function if _MAYBE_SCHEMA.search(name) and isinstance(function[name], dict)]:
            raise Skip(f"expected its parameters in {', '.join(_SCHEMAS)}, found {', '.join(unknown)}")
        return {}
    schema = function[key]
    if not isinstance(schema, dict):
        raise Skip(f"{key} is no object")
    if schema and not schema.keys() & _KEYWORDS:
        raise Skip(f"{key} is no JSON Schema: it has {', '.join([*schema][:3])}")
    return schema


def _object(parameters: Schema) -> Schema:
    """The schema of the parameters with what it may lack: its type, and the properties if it has none."""
    kinds = parameters.get("type", "object")
    if "object" not in ([kinds] if isinstance(kinds, str) else kinds):
        raise Skip(f"its parameters are of type {kinds!r}, expected 'object'")
    missing: Schema = {} if parameters.keys() & _HOLDING else {"properties": {}}
    return {**parameters, "type": "object", **missing}


def _function(item: dict[str, Any]) -> dict[str, Any]:
    return item["function"] if isinstance(item.get("function"), dict) else item


def _name(item: Any) -> str:
    name = _function(item).get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) else ""
