"""Requests to a tool that leave out a required parameter, and a call with a value for it that nobody said."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from tool_dpo.formats.format import function_tool
from tool_dpo.schema.calls import strict
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import Validator
from tool_dpo.tools.catalog import Speaker, one_type
from tool_dpo.tools.phrases import Template
from tool_dpo.tools.rules import deciding, named_by_rules
from tool_dpo.tools.spellings import says
from tool_dpo.tools.tool import Tool, parse_tool
from tool_dpo.tools.wording import word

MISSING = "x-missing"
"""Marks the schema of the parameter that a request leaves out."""


@dataclass(frozen=True)
class Incomplete:
    """A request without one required parameter.

    `parameters` are the tool's, with the schema of that one marked, and `values` are those of a call that makes it up.
    """

    text: str
    parameters: Schema
    values: dict[str, Any]


def incomplete(tool: Tool, optional: float, rng: random.Random) -> Incomplete:
    """A request from one of the tool's `incomplete` templates; for a tool without, from one that is written for it.

    Raises:
        ValueError: no parameter has to be asked for, or the request says a value that it may have.
    """
    templates = [one for one in _templates(tool) if _has_to_be_asked_for(tool, one[0])]
    names = [name for name in tool.parameters.get("required", []) if _has_to_be_asked_for(tool, name)]
    if not names:
        raise ValueError("no parameter has to be asked for")
    missing, template = rng.choice(templates) if templates else (rng.choice(names), None)
    fewer = _without(tool, missing)
    fewer = replace(fewer, requests=(template,)) if template else _worded(fewer)
    request = Speaker(rng, optional).request(fewer)
    properties = tool.parameters["properties"]
    schema = properties[missing]
    made_up = Speaker(rng, optional).say(schema, missing)
    if any(says(request.text, one) for one in (made_up.value, made_up.text, *_choices(schema))):
        raise ValueError(f"the request says a value that {missing!r} may have")
    values = {**request.parameters, missing: made_up.value}
    return Incomplete(
        request.text,
        {**tool.parameters, "properties": {**properties, missing: {**schema, MISSING: True}}},
        {name: values[name] for name in properties if name in values},
    )


def _templates(tool: Tool) -> Iterator[tuple[str, Template]]:
    """The tool's `incomplete` templates, each with the parameter that it leaves out."""
    for template in tool.incomplete:
        said = {slot.name for slot in template.slots(optional=False)}
        yield from ((name, template) for name in tool.parameters["required"] if name not in said)


def _has_to_be_asked_for(tool: Tool, name: str) -> bool:
    """Whether nothing but the request can say a parameter's value, and it can be proved that it does not."""
    schema = tool.parameters["properties"].get(name)
    if not isinstance(schema, dict) or {"const", "default"} & schema.keys() or len(schema.get("enum", [0, 1])) < 2:
        return False
    if name in named_by_rules(tool.parameters) or name in deciding(tool.parameters):
        return False
    return one_type(schema) != "boolean" and not Validator(strict(schema)).is_valid(None)


def _choices(schema: Schema) -> Iterator[Any]:
    """All values of an enum, and the words for them."""
    yield from schema.get("enum", [])
    for words in schema.get("x-say", {}).values():
        yield from [words] if isinstance(words, str) else words


def _without(tool: Tool, name: str) -> Tool:
    """The tool without a parameter."""
    parameters = dict(tool.parameters)
    parameters["properties"] = {one: schema for one, schema in parameters["properties"].items() if one != name}
    parameters["required"] = [one for one in parameters["required"] if one != name]
    return replace(tool, parameters=parameters)


def _worded(tool: Tool) -> Tool:
    """The tool with templates that are written for it."""
    function = function_tool(tool.name, tool.description, tool.parameters)
    return _parsed(json.dumps(function), tool.written, tool.source)


@lru_cache(maxsize=4096)
def _parsed(text: str, written: str, source: Path) -> Tool:
    tool = replace(parse_tool(json.loads(text), source), written=written)
    return parse_tool(word(tool), source)
