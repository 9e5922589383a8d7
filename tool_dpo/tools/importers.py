"""Tools from the documents that people have: OpenAI tool arrays, MCP `tools/list` results, OpenAPI 3 descriptions."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from tool_dpo.errors import InputError
from tool_dpo.schema.documents import json_path
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import validator

SUFFIXES = (".json", ".yaml", ".yml")
_EXPECTED = "expected a list of OpenAI tools, an MCP tools/list result, or an OpenAPI 3.0 or 3.1 document"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PLACES = ("path", "query", "body", "header", "cookie")
"""In the order of a tool's parameters: what people speak of first."""
_NOT_ARGUMENTS = ("accept", "content-type", "authorization")  # OpenAPI: such header parameters are to be ignored
_BODY = re.compile(r"application/(json|[\w.+-]+\+json|x-www-form-urlencoded)|\*/\*", re.IGNORECASE)
_MOST_NODES = 2000
_DEPTHS = (1, 2, 3, 4, 5, 6, 8, 12)
_CUT = "cut where it is too deep or too large"
_DEEPEST = 200
_LONGEST_NAME = 64
_LONGEST_EXAMPLE = 200

_OF_A_SCHEMA = ("items", "additionalProperties", "contains", "not", "if", "then", "else", "propertyNames")
_OF_SCHEMAS = ("anyOf", "oneOf", "prefixItems")
_BY_NAME = ("properties", "patternProperties", "dependentSchemas")
_AS_THEY_ARE = (
    "type", "enum", "const", "default", "title", "description", "deprecated", "readOnly", "writeOnly", "required",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
    "format", "minItems", "maxItems", "uniqueItems", "minContains", "maxContains", "minProperties", "maxProperties",
    "dependentRequired",
)  # fmt: skip
_TOLD = ("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly")
_OF_AN_OPEN_BODY = {"type", "properties", "required", "additionalProperties", *_TOLD}


@dataclass
class Imported:
    """`tools` in the OpenAI form; `skipped` says of each operation left out why, `cut` of each tool what."""

    tools: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)


def read(path: Path) -> Imported:
    """The tools of a JSON or YAML file; nothing but the file is ever read.

    Raises:
        InputError: the file is not JSON or YAML, or holds no kind of document that tools are known to stand in.
    """
    try:
        return tools_of(_document(path))
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
    except RecursionError:
        raise InputError(f"{path}: nested too deeply") from None


def tools_of(document: Any) -> Imported:
    """The tools of a document. OpenAI tools are taken as they are; those of other kinds are valid JSON Schema.

    Raises:
        ValueError: it is none of the kinds of document known.
    """
    match document:
        case list():
            return Imported([_nested(item) for item in document])
        case {"openapi": str(version)} if version.startswith(("3.0", "3.1")):
            return _Importer(document).openapi()
        case {"openapi": version} | {"swagger": version}:
            raise ValueError(f"found OpenAPI {version}, {_EXPECTED}")
        case {"tools": list(items)} | {"result": {"tools": list(items)}}:
            if any(isinstance(item, dict) and "inputSchema" in item for item in items):
                return _Importer(document).mcp(items)
            return tools_of(items)
        case dict():
            keys = ", ".join(map(str, [*document][:3])) or "no keys"
            raise ValueError(f"found an object with {keys}, {_EXPECTED}")
    raise ValueError(f"found {json.dumps(document, default=str)[:40]}, {_EXPECTED}")


def _nested(item: Any) -> Any:
    """The flat form of the Responses API brought into that of Chat Completions."""
    if not isinstance(item, dict) or item.get("type") != "function" or "name" not in item or "function" in item:
        return item
    requests = {"requests": item["requests"]} if "requests" in item else {}
    function = {key: item[key] for key in ("name", "description") if item.get(key) is not None}
    function["parameters"] = item.get("parameters") or {"type": "object", "properties": {}}
    return {"type": "function", "function": function, **requests}


class _Skip(Exception):
    """Why an operation is no tool."""


class _TooLarge(Exception):
    pass


@dataclass(frozen=True)
class _Body:
    schema: Any
    required: bool


class _Importer:
    def __init__(self, document: Any) -> None:
        self._document = document
        self._resolver = Registry().with_resource("", DRAFT202012.create_resource(document)).resolver()
        self._named: dict[str, Any] = {}
        self._names: set[str] = set()
        self._found = Imported()

    def openapi(self) -> Imported:
        """Each operation a tool: its parameters and the properties of its body in one object.

        A body's required properties are required, whether or not the document says that the body is.
        """
        paths = self._document.get("paths") or {}
        for path, item in paths.items() if isinstance(paths, dict) else ():
            try:
                item = self._resolved(item)
            except _Skip as reason:
                self._found.skipped.append(f"{path}: {reason}")
                continue
            for method in _METHODS:
                if method in item:
                    self._add(f"{method.upper()} {path}", self._operation, f"{method} {path}", item, item[method])
        return self._found

    def mcp(self, items: list[Any]) -> Imported:
        for index, item in enumerate(items):
            self._add(f"tool {index}", self._mcp_tool, item)
        return self._found

    def _add(self, where: str, make: Any, *of: Any) -> None:
        try:
            name, description, parameters, cut = make(*of)
            _check(parameters)
        except _Skip as reason:
            self._found.skipped.append(f"{where}: {reason}")
            return
        except RecursionError:
            self._found.skipped.append(f"{where}: nested too deeply")
            return
        except (AttributeError, KeyError, TypeError) as error:
            self._found.skipped.append(f"{where}: malformed: {error}")
            return
        name = self._fitted(name)
        function = {"name": name, "description": description, "parameters": parameters}
        self._found.tools.append({"type": "function", "function": function})
        if cut:
            self._found.cut.append(f"{where}: {', '.join(cut)}")

    def _fitted(self, name: str) -> str:
        """The name as OpenAI allows it, and not used yet."""
        plain = re.sub(r"[^a-zA-Z0-9_-]+", "_", name).strip("_") or "tool"
        if len(plain) > _LONGEST_NAME:
            plain = f"{plain[: _LONGEST_NAME - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        fitted, number = plain, 1
        while fitted in self._names:
            number += 1
            fitted = f"{plain[: _LONGEST_NAME - len(str(number)) - 1]}_{number}"
        self._names.add(fitted)
        return fitted

    def _mcp_tool(self, item: Any) -> tuple[str, str, Schema, list[str]]:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise _Skip("no name")
        schema = item.get("inputSchema")
        if not isinstance(schema, dict):
            raise _Skip("no inputSchema")
        own = _Importer(schema)
        parameters, cut = own._bounded(lambda depth: own._schema(schema, depth, ()))
        if parameters.setdefault("type", "object") != "object":
            raise _Skip(f"inputSchema is of type {parameters['type']!r}, expected 'object'")
        return item["name"], _first_paragraph(item.get("description") or item.get("title")), parameters, cut

    def _operation(self, address: str, item: Any, operation: Any) -> tuple[str, str, Schema, list[str]]:
        parameters = self._parameters([*item.get("parameters", []), *operation.get("parameters", [])])
        body = self._body(self._resolved(operation.get("requestBody")))
        schema, cut = self._bounded(lambda depth: self._merged_object(parameters, body, depth))
        name = operation.get("operationId")
        told = operation.get("summary") or operation.get("description") or item.get("summary")
        return name if isinstance(name, str) and name else address, _first_paragraph(told), schema, cut

    def _parameters(self, given: Iterable[Any]) -> list[dict[str, Any]]:
        """Each once, an operation's own instead of its path's."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for parameter in map(self._resolved, given):
            name, place = parameter.get("name"), parameter.get("in")
            if not isinstance(name, str) or place not in _PLACES or place == "body":
                raise _Skip(f"parameter {name!r} in {place!r}")
            if place != "header" or name.lower() not in _NOT_ARGUMENTS:
                found[place, name] = parameter
        return list(found.values())

    def _body(self, body: Mapping[str, Any]) -> _Body | None:
        """The JSON body, a form where there is none of JSON, None for an operation without a body."""
        if not body:
            return None
        content = body.get("content") or {}
        kinds = [kind for kind in content if _BODY.fullmatch(kind.partition(";")[0].strip())]
        if not kinds:
            raise _Skip(f"no JSON body: {', '.join(content) or 'no content'}")
        media = content[min(kinds, key=lambda kind: "json" not in kind)]
        return _Body(_with_examples(media.get("schema", {}), media), required=body.get("required") is True)

    def _merged_object(self, parameters: list[dict[str, Any]], body: _Body | None, depth: int) -> Schema:
        found = [
            (
                parameter["in"],
                parameter["name"],
                self._schema(self._of_parameter(parameter), depth - 1, ()),
                parameter.get("required") is True or parameter["in"] == "path",
            )
            for parameter in parameters
        ]
        result: Schema = {"type": "object", "properties": {}, "required": []}
        if body:
            whole = self._whole(body.schema, depth, (), body=True)
            own = whole.get("properties")
            if own is None or not whole.keys() <= _OF_AN_OPEN_BODY:
                found.append(("body", "body", whole, body.required))
            else:
                needed = whole.get("required", [])
                found += [("body", name, schema, name in needed) for name, schema in own.items()]
                if own and "additionalProperties" in whole:
                    result["additionalProperties"] = whole["additionalProperties"]
        for place, base, schema, needs in sorted(found, key=lambda one: _PLACES.index(one[0])):
            name = base
            while name in result["properties"]:
                name = f"{place}_{name}"
            result["properties"][name] = schema
            if needs:
                result["required"].append(name)
        return result

    def _of_parameter(self, parameter: Mapping[str, Any]) -> Any:
        content = parameter.get("content")
        schema = next(iter(content.values())).get("schema", {}) if content else parameter.get("schema", {})
        schema = _with_examples(schema, parameter)
        if isinstance(schema, dict) and "description" in parameter:
            return {"description": parameter["description"], **schema}
        return schema

    def _resolved(self, node: Any) -> dict[str, Any]:
        """An object of the document that may stand elsewhere in it; {} where there is none."""
        for _ in range(len(_DEPTHS)):
            if not isinstance(node, dict) or "$ref" not in node:
                break
            node = self._lookup(node["$ref"])
        if node is None:
            return {}
        if not isinstance(node, dict):
            raise _Skip(f"expected an object, got {json.dumps(node, default=str)[:40]}")
        return node

    def _lookup(self, ref: Any) -> Any:
        if not isinstance(ref, str):
            raise _Skip(f"$ref {ref!r} is no text")
        if not ref.startswith("#"):
            raise _Skip(f"$ref {ref} is not in this document, and nothing is fetched")
        if ref not in self._named:
            try:
                self._named[ref] = self._document if ref == "#" else self._resolver.lookup(ref).contents
            except (Unresolvable, ValueError, TypeError, KeyError, IndexError):
                raise _Skip(f"$ref {ref} names nothing") from None
        return self._named[ref]

    def _bounded(self, make: Any) -> tuple[Schema, list[str]]:
        """The deepest form of a schema that has few enough nodes, and what had to be cut for it."""
        found: tuple[Schema, list[str]] | None = None
        for depth in _DEPTHS:
            self._nodes = 0
            self._cut: dict[str, None] = {}
            try:
                found = make(depth), list(self._cut)
            except _TooLarge:
                break
            if _CUT not in self._cut:
                break
        if found is None:
            raise _Skip(f"its schema has more than {_MOST_NODES:,} nodes")
        return found

    def _whole(self, node: Any, depth: int, refs: tuple[str, ...], *, body: bool) -> Schema:
        """A schema with all its parts; in a body, without what only answers hold."""
        schema = self._schema(node, depth, refs, body=body)
        if body and "properties" in schema:
            hidden = {name for name, one in schema["properties"].items() if one.get("readOnly") is True}
            schema = {**schema, "properties": {n: one for n, one in schema["properties"].items() if n not in hidden}}
            if "required" in schema:
                schema["required"] = [name for name in schema["required"] if name not in hidden]
        return self._spread(schema)

    def _schema(self, node: Any, depth: int, refs: tuple[str, ...], *, body: bool = False) -> Schema:
        """A schema of the document as JSON Schema 2020-12: whole, no `$ref` in it, no deeper than `depth`."""
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise _TooLarge
        if isinstance(node, bool):
            return {} if node else {"not": {}}
        if not isinstance(node, dict):
            raise _Skip(f"{json.dumps(node, default=str)[:40]} is no schema")
        if "$ref" in node or "$dynamicRef" in node:
            return self._of_ref(node, depth, refs, body=body)
        if depth <= 0 and not node.keys().isdisjoint((*_OF_A_SCHEMA, *_OF_SCHEMAS, *_BY_NAME, "allOf")):
            self._cut[_CUT] = None
            return _open(node)
        own = self._own(node, depth, refs, body=body)
        parts = node.get("allOf", [])
        if not isinstance(parts, list):
            raise _Skip("allOf is no list")
        merged = _merged([*(self._schema(part, depth, refs, body=body) for part in parts), own])
        return _told(_nullable(merged) if node.get("nullable") is True else merged, node)

    def _of_ref(self, node: Schema, depth: int, refs: tuple[str, ...], *, body: bool) -> Schema:
        ref = node.get("$ref", node.get("$dynamicRef"))
        named = self._lookup(ref)
        if ref in refs:
            self._cut[f"{ref} contains itself"] = None
            return _open(named)
        beside = {key: value for key, value in node.items() if key not in ("$ref", "$dynamicRef")}
        schema = self._schema(named, depth, (*refs, str(ref)), body=body)
        return _merged([schema, self._schema(beside, depth, refs, body=body)]) if beside else schema

    def _own(self, node: Schema, depth: int, refs: tuple[str, ...], *, body: bool) -> Schema:
        def sub(value: Any) -> Schema:
            return self._whole(value, depth - 1, refs, body=body)

        result: Schema = {}
        for keyword, value in node.items():
            if keyword in _BY_NAME:
                result[keyword] = {str(name): sub(one) for name, one in value.items()}
            elif keyword in _OF_SCHEMAS:
                result[keyword] = [sub(one) for one in value]
            elif keyword in _OF_A_SCHEMA:
                result[keyword] = value if isinstance(value, bool) else sub(value)
            elif keyword in _AS_THEY_ARE:
                result[keyword] = value
        for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if isinstance(result.get(bound), bool) and result.pop(bound) and limit in result:
                result[bound] = result.pop(limit)
        return result

    def _spread(self, schema: Schema) -> Schema:
        """An object with properties beside alternatives: each alternative gets them, and so is whole."""
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema and "properties" in schema:
                shared = {key: value for key, value in schema.items() if key != keyword}
                self._nodes += len(schema["properties"]) * len(schema[keyword])
                if self._nodes > _MOST_NODES:
                    raise _TooLarge
                return {keyword: [_merged([shared, one]) for one in schema[keyword]]}
        return schema


def _open(node: Any) -> Schema:
    """What is left of a schema that is cut."""
    if not isinstance(node, dict):
        return {}
    kind = node.get("type", "object" if "properties" in node else None)
    return {"type": kind} if isinstance(kind, str) else {}


def _merged(parts: list[Schema]) -> Schema:
    """One schema for all of them, so that an object of several parts shows its properties in one place."""
    result: Schema = {}
    left: list[Schema] = []
    for part in parts:
        both = part.keys() & result.keys() - {*_TOLD, "properties", "required", "allOf"}
        if any(part[keyword] != result[keyword] for keyword in both):
            left.append(part)
            continue
        joined = result | part
        if "properties" in part and "properties" in result:
            joined["properties"] = dict(result["properties"])
            for name, schema in part["properties"].items():
                mine = result["properties"].get(name)
                joined["properties"][name] = _merged([mine, schema]) if mine else schema
        if "required" in part and "required" in result:
            joined["required"] = list(dict.fromkeys([*result["required"], *part["required"]]))
        if "allOf" in part and "allOf" in result:
            joined["allOf"] = [*result["allOf"], *part["allOf"]]
        result = joined
    return {**result, "allOf": [*result.get("allOf", []), *left]} if left else result


def _nullable(schema: Schema) -> Schema:
    """OpenAPI 3.0's `nullable`."""
    kind = schema.get("type")
    if kind is None:
        return {"anyOf": [schema, {"type": "null"}]} if schema else schema
    result = schema if kind == "null" or "null" in kind else {**schema, "type": [kind, "null"]}
    if "enum" in schema and None not in schema["enum"]:
        result = {**result, "enum": [*schema["enum"], None]}
    return result


def _with_examples(schema: Any, beside: Mapping[str, Any]) -> Any:
    """The schema with the examples that stand beside it in a parameter or a body."""
    named = beside.get("examples")
    values = [one.get("value") for one in named.values() if isinstance(one, dict)] if isinstance(named, dict) else []
    values += [beside["example"]] if "example" in beside else []
    return {**schema, "examples": values} if values and isinstance(schema, dict) else schema


def _told(schema: Schema, node: Schema) -> Schema:
    """The schema with those of the node's examples that a person could say and that are valid; defaults alike."""
    given = node.get("examples")
    examples = [*(given if isinstance(given, list) else []), *([node["example"]] if "example" in node else [])]
    sayable = list(filter(_sayable, examples))
    if not sayable and "default" not in schema:
        return schema
    try:
        check = validator({key: value for key, value in schema.items() if key not in ("default", "examples")})
        fitting = [example for example in sayable if check.is_valid(example)]
        default = {"default"} if "default" in schema and not check.is_valid(schema["default"]) else set()
    except Exception:  # an invalid schema may fail anywhere; it is skipped with its reason later
        return schema
    kept = {key: value for key, value in schema.items() if key not in default}
    return {**kept, "examples": fitting} if fitting else kept


def _sayable(value: Any) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= _LONGEST_EXAMPLE and value.isprintable()
    return isinstance(value, int | float)


def _check(parameters: Schema) -> None:
    try:
        json.dumps(parameters, ensure_ascii=False, allow_nan=False).encode()
        validator(parameters).check_schema(parameters)
    except SchemaError as error:
        raise _Skip(f"{json_path(error.absolute_path)} is not valid JSON Schema: {error.message[:200]}") from None
    except ValueError as error:
        raise _Skip(f"its schema is not JSON: {error}") from None


def _first_paragraph(text: Any) -> str:
    return " ".join(str(text or "").strip().split("\n\n")[0].split())


def _document(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() != ".json":
            return yaml.load(text, _Loader)
        document = json.loads(text)
        json.dumps(document, ensure_ascii=False).encode()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg} at column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8: byte {error.start}") from None
    except UnicodeEncodeError as error:
        raise InputError(f"{path}: {error.object[error.start]!r} is half a character (a lone surrogate)") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{path}:{line}: not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    return document


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as JSON has it (YAML 1.2): `on` and `2026-01-01` are texts, and every name is."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012
    _depth = 0

    def descend_resolver(self, parent: Any, index: Any) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:  # libyaml's binding would crash
            raise RecursionError

    def ascend_resolver(self) -> None:
        self._depth -= 1

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
        return {
            str(self.construct_object(key, deep=True)): self.construct_object(value, deep=deep)
            for key, value in node.value
        }


for _kind, _pattern in {
    "null": "~|null|Null|NULL|",
    "bool": "true|True|TRUE|false|False|FALSE",
    "int": "[-+]?(0|[1-9][0-9]*)",
    "float": r"[-+]?(0|[1-9][0-9]*)?(\.[0-9]+)?([eE][-+]?[0-9]+)?",
}.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"(?:{_pattern})$"), None)
