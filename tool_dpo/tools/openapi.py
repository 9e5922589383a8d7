"""Make tools from the operations of an OpenAPI 3 document."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tool_dpo.schema.keywords import ANNOTATIONS, Schema
from tool_dpo.tools.conversion import Conversion, Draft, Imported, first_paragraph, plain_name
from tool_dpo.tools.normalise import Normaliser, References, Skip, deepest_schema

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_PLACES = ("path", "query", "querystring", "body", "header", "cookie")
"""Places of an argument in an HTTP request. A tool's parameters have this order: those people mention come first."""
_IGNORED_HEADERS = ("accept", "content-type", "authorization")
"""Header parameters that OpenAPI says to ignore."""
_BODIES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"application/json",
        r"(application|text)/(x-)?json",
        r"[\w.-]+/(?!json-patch)[\w.*+-]+\+json",
        r"(application|\*)/\*",
        r"application/x-www-form-urlencoded",
        r"application/json-patch\+json",
    )
]
"""Media types of bodies that are arguments of a tool, the best ones first. A list of patches is the last resort."""
_VARIABLE = re.compile(r"\{([^{}]+)\}")
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
    own = document.get("$self")
    references = References(document, own if isinstance(own, str) else "")
    conversion = Conversion()
    paths = document.get("paths")
    for path, item in paths.items() if isinstance(paths, dict) else ():
        try:
            item = references.resolved(item)
        except Skip as reason:
            conversion.skip(path, path, str(reason))
            continue
        for method, operation in _operations(item):
            address = f"{method.upper()} {path}"
            name = operation.get("operationId") if isinstance(operation, dict) else None
            named = name if isinstance(name, str) and name else plain_name(f"{method} {path}")
            conversion.add(address, named, partial(_draft, references, path, item, operation))
    return conversion.imported()


def _operations(item: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The operations of a path, by method. OpenAPI 3.2 has a place for other methods."""
    more = item.get("additionalOperations")
    methods = {method: item.get(method) for method in _METHODS} | (more if isinstance(more, dict) else {})
    yield from ((method, operation) for method, operation in methods.items() if operation is not None)


def _draft(references: References, path: str, item: Mapping[str, Any], operation: Any) -> Draft:
    """The tool of one operation under a path's `item`."""
    operation = references.resolved(operation)
    given = [*_list(item, "parameters"), *_list(operation, "parameters")]
    known = _parameters(references.resolved(one) for one in given if one is not None)
    parameters = _with_variables(known, path)
    body = _body(references.resolved(operation.get("requestBody")), references)
    schema, cut = deepest_schema(references, partial(_object_of_arguments, parameters, body))
    summary = operation.get("summary") or operation.get("description") or item.get("summary")
    return Draft(first_paragraph(summary), schema, cut)


def _list(node: Mapping[str, Any], key: str) -> list[Any]:
    value = node.get(key) or []
    if not isinstance(value, list):
        raise Skip(f"{key} is no list")
    return value


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


def _with_variables(parameters: list[Mapping[str, Any]], path: str) -> list[Mapping[str, Any]]:
    """The parameters, and a text for each variable of the path that the document does not describe."""
    known = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
    missing = [name for name in dict.fromkeys(_VARIABLE.findall(path)) if name not in known]
    return [*parameters, *({"name": name, "in": "path", "schema": {"type": "string"}} for name in missing)]


def _body(body: Mapping[str, Any], references: References) -> _Body | None:
    """The JSON body, or the form body if there is no JSON; None for an operation without a body."""
    if not body:
        return None
    content = body.get("content") or {}
    ranks = {kind: _rank(kind) for kind in content}
    best = min(ranks, key=lambda kind: ranks[kind], default=None)
    if best is None or ranks[best] == len(_BODIES):
        raise Skip(f"no JSON body: {', '.join(content) or 'no content'}")
    media = references.resolved(content[best])
    return _Body(_with_examples_of(media, media.get("schema")), required=body.get("required") is True)


def _rank(kind: str) -> int:
    plain = kind.partition(";")[0].strip()
    return next((rank for rank, pattern in enumerate(_BODIES) if pattern.fullmatch(plain)), len(_BODIES))


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
    schema = (next(iter(content.values())) or {}).get("schema") if content else parameter.get("schema")
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
    return {**(schema or {}), "examples": values} if values and isinstance(schema, dict | None) else schema
