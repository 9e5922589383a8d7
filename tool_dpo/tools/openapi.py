"""Make tools from the operations of an OpenAPI 3 document."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tool_dpo.schema.keywords import ANNOTATIONS, Schema
from tool_dpo.tools.conversion import Conversion, Draft, Imported, first_paragraph
from tool_dpo.tools.normalise import Normaliser, References, Skip, deepest_schema

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PLACES = ("path", "query", "body", "header", "cookie")
"""Places of an argument in an HTTP request. A tool's parameters have this order: those people mention come first."""
_IGNORED_HEADERS = ("accept", "content-type", "authorization")
"""Header parameters that OpenAPI says to ignore."""
_BODY = re.compile(r"application/(json|[\w.+-]+\+json|x-www-form-urlencoded)|\*/\*", re.IGNORECASE)
_OF_PLAIN_OBJECTS = {"type", "properties", "required", "additionalProperties", *ANNOTATIONS}
"""If a body has only these keywords, its properties can become parameters of the tool."""


@dataclass(frozen=True)
class _Body:
    schema: Any
    required: bool


@dataclass(frozen=True)
class _Argument:
    place: str
    name: str
    schema: Schema
    required: bool


def openapi_tools(document: Mapping[str, Any]) -> Imported:
    """A tool for each operation: its parameters and the properties of its body in one object.

    A body's required properties are required in the tool, even if the document does not require the body.
    """
    references = References(document)
    conversion = Conversion()
    paths = document.get("paths") or {}
    for path, item in paths.items() if isinstance(paths, dict) else ():
        try:
            item = references.resolved(item)
        except Skip as reason:
            conversion.skip(path, str(reason))
            continue
        for method in _METHODS:
            if method in item:
                draft = partial(_draft, references, f"{method} {path}", item, item[method])
                conversion.add(f"{method.upper()} {path}", draft)
    return conversion.imported


def _draft(references: References, address: str, item: Mapping[str, Any], operation: Any) -> Draft:
    """The tool of one operation under a path's `item`. An operation without an id is named by its `address`."""
    given = [*item.get("parameters", []), *operation.get("parameters", [])]
    parameters = _parameters(map(references.resolved, given))
    body = _body(references.resolved(operation.get("requestBody")))
    schema, cut = deepest_schema(references, partial(_object_of_arguments, parameters, body))
    name = operation.get("operationId")
    summary = operation.get("summary") or operation.get("description") or item.get("summary")
    return Draft(name if isinstance(name, str) and name else address, first_paragraph(summary), schema, cut)


def _parameters(given: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Each parameter once. Of two with the same name and place the later is kept: the operation's, not the path's."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for parameter in given:
        name, place = parameter.get("name"), parameter.get("in")
        if not isinstance(name, str) or place not in _PLACES or place == "body":
            raise Skip(f"parameter {name!r} in {place!r}")
        if place != "header" or name.lower() not in _IGNORED_HEADERS:
            found[place, name] = parameter
    return list(found.values())


def _body(body: Mapping[str, Any]) -> _Body | None:
    """The JSON body, or the form body if there is no JSON; None for an operation without a body."""
    if not body:
        return None
    content = body.get("content") or {}
    kinds = [kind for kind in content if _BODY.fullmatch(kind.partition(";")[0].strip())]
    if not kinds:
        raise Skip(f"no JSON body: {', '.join(content) or 'no content'}")
    media = content[min(kinds, key=lambda kind: "json" not in kind)]
    return _Body(_with_examples_of(media, media.get("schema", {})), required=body.get("required") is True)


def _object_of_arguments(
    parameters: list[Mapping[str, Any]], body: _Body | None, normaliser: Normaliser, depth: int
) -> Schema:
    """One object of all arguments of an operation. The object is a level itself, so parameters have one level less."""
    arguments = [_argument(parameter, normaliser, depth - 1) for parameter in parameters]
    if not body:
        return _object(arguments)
    schema = normaliser.body(body.schema, depth)
    if not _is_plain_object(schema):
        return _object([*arguments, _Argument("body", "body", schema, body.required)])
    result = _object([*arguments, *_arguments_of_body(schema)])
    if schema["properties"] and "additionalProperties" in schema:
        result["additionalProperties"] = schema["additionalProperties"]
    return result


def _object(arguments: list[_Argument]) -> Schema:
    """An object with a property for each argument. Of two with the same name, the later gets its place as a prefix."""
    properties: Schema = {}
    required: list[str] = []
    for argument in sorted(arguments, key=lambda one: _PLACES.index(one.place)):
        name = argument.name
        while name in properties:
            name = f"{argument.place}_{name}"
        properties[name] = argument.schema
        if argument.required:
            required.append(name)
    return {"type": "object", "properties": properties, "required": required}


def _argument(parameter: Mapping[str, Any], normaliser: Normaliser, depth: int) -> _Argument:
    place = parameter["in"]
    schema = normaliser.schema(_schema_of(parameter), depth)
    return _Argument(place, parameter["name"], schema, parameter.get("required") is True or place == "path")


def _schema_of(parameter: Mapping[str, Any]) -> Any:
    """The schema of a parameter, with the examples and the description that are given beside it."""
    content = parameter.get("content")
    schema = next(iter(content.values())).get("schema", {}) if content else parameter.get("schema", {})
    schema = _with_examples_of(parameter, schema)
    if isinstance(schema, dict) and "description" in parameter:
        return {"description": parameter["description"], **schema}
    return schema


def _is_plain_object(schema: Schema) -> bool:
    """Whether a body is an object that only its properties describe, so that each of them can be an argument."""
    return "properties" in schema and schema.keys() <= _OF_PLAIN_OBJECTS


def _arguments_of_body(schema: Schema) -> list[_Argument]:
    required = schema.get("required", [])
    return [_Argument("body", name, one, name in required) for name, one in schema["properties"].items()]


def _with_examples_of(holder: Mapping[str, Any], schema: Any) -> Any:
    """The schema of a parameter or a body, with the examples that its `holder` gives beside it."""
    named = holder.get("examples")
    values = [one.get("value") for one in named.values() if isinstance(one, dict)] if isinstance(named, dict) else []
    values += [holder["example"]] if "example" in holder else []
    return {**schema, "examples": values} if values and isinstance(schema, dict) else schema
