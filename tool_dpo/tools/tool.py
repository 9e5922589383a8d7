"""Read tool definitions from files, and check them."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError, one_line
from tool_dpo.schema.calls import required_first
from tool_dpo.schema.check import SchemaError, check_schema
from tool_dpo.schema.documents import Place, json_path
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.refs import inline
from tool_dpo.tools.conversion import NAME
from tool_dpo.tools.documents import SUFFIXES
from tool_dpo.tools.importers import read
from tool_dpo.tools.phrases import Template, parse_template


@dataclass(frozen=True)
class Tool:
    """A function the model may call.

    `parameters` is the JSON Schema, required properties first, with our annotations for the values and their words
    (`examples`, `x-faker`, `x-say`, `x-phrase`). `requests` are templates of requests. `written` is the name in the
    document that the tool comes from, if its name here may be another. `incomplete` are templates that each leave out
    one required parameter.
    """

    name: str
    description: str
    parameters: Schema
    requests: tuple[Template, ...]
    source: Path
    written: str = ""
    incomplete: tuple[Template, ...] = ()


def read_tools(source: Path) -> list[Tool]:
    """All tools of a file, in its order; or of the files in a folder whose names end in one of `SUFFIXES`, by name.

    What cannot become a tool in a document of another form is left out, with a warning.

    Raises:
        InputError: there are no tools, a file has none, a tool is malformed, or a name is defined twice.
    """
    tools: dict[str, Tool] = {}
    folder = (path for path in sorted(source.glob("*")) if path.suffix in SUFFIXES)
    for path in [source] if source.is_file() else folder:
        for tool in _read_file(path):
            if tool.name in tools:
                raise InputError(f"{path}: tool {tool.name!r} is already defined in {tools[tool.name].source}")
            tools[tool.name] = tool
    if not tools:
        raise InputError(
            f"{source}: no tools found, expected {', '.join(f'*{one}' for one in SUFFIXES)} files of tools"
        )
    return list(tools.values()) if source.is_file() else [tools[name] for name in sorted(tools)]


def named(tools: list[Tool], names: list[str]) -> list[Tool]:
    """The tools with these names, or all of them if no names are given.

    Raises:
        InputError: there is no tool of a name, or two tools have the same.
    """
    known: dict[str, Tool] = {}
    for tool in tools:
        if tool.name in known:
            raise InputError(f"{tool.source}: tool {tool.name!r} is already defined in {known[tool.name].source}")
        known[tool.name] = tool
    for name in names:
        if name not in known:
            raise InputError(f"--tool must name one of the tools, got {name!r}: {', '.join(known) or 'there are none'}")
    return [tool for tool in tools if not names or tool.name in names]


def _read_file(path: Path) -> Iterator[Tool]:
    found = read(path)
    for entry in found.left_out:
        logging.getLogger(__name__).warning("%s", one_line(f"{path}: left out: {entry.where}: {entry.reason}"))
    for index, entry in enumerate(found.kept):
        try:
            yield replace(parse_tool(entry.tool, path), written=entry.written)
        except ValueError as error:
            raise InputError(f"{path}: tool {index}: {error}") from None


def parse_tool(item: Any, source: Path) -> Tool:
    """Read one tool from its OpenAI form `{"type": "function", "function": {...}, "requests": [...]}`, which may have
    `incomplete` requests too.

    Raises:
        ValueError: the tool is malformed. The message names the key, the found value and what was expected.
    """
    if not isinstance(item, dict) or item.get("type") != "function" or not isinstance(item.get("function"), dict):
        raise ValueError('expected {"type": "function", "function": {...}}')
    function = item["function"]
    name = function.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"function.name must be 1 to 64 letters, digits, '_', '-' or '.', got {name!r}")
    parameters = function.get("parameters")
    if not isinstance(parameters, dict) or parameters.get("type") != "object":
        raise ValueError(f"{name}: function.parameters must be a JSON Schema of type 'object'")
    try:
        check_schema(parameters)
    except SchemaError as error:
        where = json_path(("parameters", *error.absolute_path))
        raise ValueError(f"{name}: {where} is not valid JSON Schema (Draft 2020-12): {error.message}") from None
    try:
        parameters = inline(parameters)
        _check_words(parameters, ("parameters",))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    templates: dict[str, tuple[Template, ...]] = {}
    for key in ("requests", "incomplete"):
        texts = item.get(key, [])
        if not isinstance(texts, list):
            raise ValueError(f"{name}: {key} must be a list of request templates, got {texts!r}")
        templates[key] = phrases(texts, parameters, f"{name}: {key}", without=int(key == "incomplete"))
    return Tool(
        name=name,
        description=str(function.get("description", "")),
        parameters=required_first(parameters),
        requests=templates["requests"],
        source=source,
        incomplete=templates["incomplete"],
    )


def with_requests(tool: Tool, texts: list[str]) -> Tool:
    """The tool with these request templates.

    Raises:
        ValueError: one is malformed or does not mention the tool's parameters correctly.
    """
    return replace(tool, requests=phrases(texts, tool.parameters, f"{tool.name}: requests"))


def phrases(texts: list[str], schema: Schema, where: str, without: int = 0) -> tuple[Template, ...]:
    """Parse the templates of an object schema. Each mentions all its required properties, or all but `without` of them.

    Raises:
        ValueError: a template is malformed or does not mention the schema's properties correctly.
    """
    return tuple(_phrase(text, schema, f"{where}[{index}]", without) for index, text in enumerate(texts))


def _check_words(schema: Any, where: Place) -> None:
    """Check the annotations `x-say` and `x-phrase` of a schema, at any depth."""
    if not isinstance(schema, dict):
        return
    words = schema.get("x-say", {})
    if not isinstance(words, dict) or not all(map(_says, words.values())):
        raise ValueError(f"{json_path((*where, 'x-say'))} must map values to a text or a list of texts, got {words!r}")
    if "x-phrase" in schema:
        texts, place = schema["x-phrase"], json_path((*where, "x-phrase"))
        if not _says(texts):
            raise ValueError(f"{place} must be a text or a list of texts, got {texts!r}")
        phrases([texts] if isinstance(texts, str) else texts, schema, place)
    for name, sub in schema.get("properties", {}).items():
        _check_words(sub, (*where, "properties", name))
    _check_words(schema.get("items"), (*where, "items"))


def _says(words: Any) -> bool:
    texts = words if isinstance(words, list) else [words]
    return bool(texts) and all(isinstance(text, str) for text in texts)


def _phrase(text: str, schema: Schema, where: str, without: int) -> Template:
    if not isinstance(text, str):
        raise ValueError(f"{where} must be a text, got {text!r}")
    try:
        template = parse_template(text)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    properties, required = schema.get("properties", {}), set(schema.get("required", []))
    always = {slot.name for slot in template.slots(optional=False)}
    sometimes = {slot.name for slot in template.slots(optional=True)}
    if unknown := sorted((always | sometimes) - set(properties)):
        raise ValueError(f"{where}: {{{unknown[0]}}} is not a parameter")
    missing = sorted(required - always)
    if len(missing) > without:
        raise ValueError(f"{where}: required {missing[without]!r} must be mentioned outside [...]")
    if len(missing) < without:
        raise ValueError(f"{where}: one required parameter must be left out, all are mentioned")
    if left_out := sorted(set(missing) & sometimes):
        raise ValueError(f"{where}: required {left_out[0]!r} must not be mentioned inside [...]")
    if extra := sorted(always - required):
        raise ValueError(f"{where}: optional {extra[0]!r} must be mentioned inside [...]")
    for slot in template.slots(optional=False) + template.slots(optional=True):
        if _is_boolean(properties[slot.name]) != (slot.yes is not None):
            raise ValueError(f"{where}: {{{slot.name}}} must be {{name?yes|no}} for a boolean and {{name}} otherwise")
    return template


def _is_boolean(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "boolean"
