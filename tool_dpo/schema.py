"""Call schemas, strict JSON, and what exactly a document violates."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from urllib.parse import urljoin

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import create
from jsonschema_specifications import REGISTRY as SPECIFICATIONS
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

Schema = dict[str, Any]
Place = tuple[str | int, ...]

NOT_JSON, OTHER, WRONG_VALUE = "json_error", "other_schema_error", "wrong_value"
KINDS = (
    NOT_JSON,
    "wrong_tool",
    "missing_required",
    "hallucinated_param",
    "type_mismatch",
    "enum_violation",
    OTHER,
    WRONG_VALUE,
)
"""What can be wrong with an answer; one with several faults counts as the first of these that it has. All but the last
are strict failures: a call with a wrong value fits its schema, and does not say what was asked."""

KIND_OF_KEYWORD = {
    "required": "missing_required",
    "additionalProperties": "hallucinated_param",
    "unevaluatedProperties": "hallucinated_param",
    "type": "type_mismatch",
    "enum": "enum_violation",
    "const": "enum_violation",
}
_DEFINITIONS = ("$defs", "definitions")
_SCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas", *_DEFINITIONS)
_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SUBSCHEMAS = ("items", "additionalProperties", "contains", "not", "if", "then", "else", "propertyNames")
_CONDITIONS = ("allOf", "not", "if", "then", "else", "dependentSchemas")
"""Keywords whose schemas say a part of what one object must be, so that none of them can close it."""
_ALTERNATIVES = ("anyOf", "oneOf")
_INSTANCES = ("const", "enum", "default", "examples")
"""Keywords whose values are instances, not schemas."""
_ADDRESSES = ("$ref", "$dynamicRef", "$anchor", "$dynamicAnchor", "$id", "$schema")
_PATIENCE = 1.0
"""Seconds that matching a pattern may take."""
_ANNOTATIONS = {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"}


@dataclass(frozen=True, order=True)
class Violation:
    """One fault: its kind, the JSON Schema keyword, the JSON path of the place, and jsonschema's message.

    For a missing or an invented property the path is that of the property itself. Faults that no keyword names have
    `json` (the text is no JSON document) or `value` (it is not the one asked for) in its place.
    """

    rank: int
    path: str
    keyword: str
    message: str

    @property
    def kind(self) -> str:
        return KINDS[self.rank]


def json_path(parts: Iterable[str | int]) -> str:
    """A JSON path (RFC 9535) such as `$.parameters.items[0].sku`."""
    path = "$"
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part.isidentifier():
            path += f".{part}"
        else:
            escaped = json.dumps(part, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")
            path += f"['{escaped}']"
    return path


def strict(schema: Schema, *, close: bool = True) -> Schema:
    """The schema without annotations of ours (`examples`, `x-*`), every object with properties closed.

    An object schema that composes others (`allOf`, `$ref`, ...) is left open, since closing it would
    forbid what the composed schemas allow; so are the schemas it composes, and conditions, for the same reason.
    """
    composed = any(keyword in schema for keyword in ("allOf", "anyOf", "oneOf", "$ref", "unevaluatedProperties"))
    whole = close and not any(keyword in schema for keyword in ("properties", "allOf", "$ref"))
    result: Schema = {}
    for keyword, value in schema.items():
        if keyword.startswith("x-") or keyword == "examples":
            continue
        closes = keyword not in _CONDITIONS and (keyword not in _ALTERNATIVES or whole)
        if keyword in _SCHEMA_MAPS:
            result[keyword] = {name: _strict(sub, closes) for name, sub in value.items()}
        elif keyword in _SCHEMA_LISTS:
            result[keyword] = [_strict(sub, closes) for sub in value]
        elif keyword in _SUBSCHEMAS:
            result[keyword] = _strict(value, closes)
        else:
            result[keyword] = value
    if close and "properties" in schema and not composed:
        result.setdefault("additionalProperties", False)
    return result


def _strict(schema: Any, close: bool) -> Any:
    return strict(schema, close=close) if isinstance(schema, dict) else schema


def check_refs(schema: Schema) -> None:
    """That every `$ref` names something inside the schema; nothing is ever fetched.

    Raises:
        ValueError: one does not.
    """
    registry: Registry[Any] = Registry().with_resource("", DRAFT202012.create_resource(schema))
    for ref in _refs(schema):
        try:
            registry.resolver().lookup(ref)
        except Unresolvable:
            raise ValueError(f"schema has a $ref that does not resolve inside it: {ref}") from None


def _refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for keyword, value in node.items():
            if keyword in ("$ref", "$dynamicRef"):
                yield value
            elif keyword in _SCHEMA_MAPS:
                yield from _refs(list(value.values()))
            elif keyword not in _INSTANCES:
                yield from _refs(value)
    elif isinstance(node, list):
        for item in node:
            yield from _refs(item)


def inline(schema: Schema) -> Schema:
    """The schema with every `$ref` replaced by what it names, so that it can stand inside another schema.

    Raises:
        ValueError: a `$ref` that is remote, names nothing, or leads back to itself.
    """
    check_refs(schema)
    bare = {keyword: value for keyword, value in schema.items() if keyword not in _DEFINITIONS}
    result: Schema = _inline(bare, DRAFT202012.create_resource(schema), ())
    return result


def _inline(node: Any, root: Any, seen: tuple[str, ...]) -> Any:
    if isinstance(node, list):
        return [_inline(item, root, seen) for item in node]
    if not isinstance(node, dict):
        return node
    own: Schema = {}
    for keyword, value in node.items():
        if keyword in _SCHEMA_MAPS:
            own[keyword] = {name: _inline(sub, root, seen) for name, sub in value.items()}
        elif keyword in _INSTANCES:
            own[keyword] = value
        elif keyword not in _ADDRESSES:
            own[keyword] = _inline(value, root, seen)
    ref = node.get("$ref", node.get("$dynamicRef"))
    if ref is None:
        return own
    if ref in seen:
        raise ValueError(f"$ref {ref} leads back to itself: such a schema has no finite form")
    named = _inline(root.contents if ref == "#" else _named(root, ref), root, (*seen, ref))
    if not isinstance(named, dict) or (named.keys() & own.keys()) - _ANNOTATIONS:
        return {**own, "allOf": [*own.get("allOf", []), named]}
    return named | own


def _named(root: Any, ref: str) -> Any:
    return Registry().with_resource("", root).resolver().lookup(ref).contents


def required_first(schema: Schema) -> Schema:
    """The schema with the required properties of every object first, as a function's signature has them."""
    result = dict(schema)
    if "properties" in schema:
        names = sorted(schema["properties"], key=lambda name: name not in schema.get("required", []))
        result["properties"] = {name: _ordered(schema["properties"][name]) for name in names}
    if "items" in schema:
        result["items"] = _ordered(schema["items"])
    return result


def _ordered(schema: Any) -> Any:
    return required_first(schema) if isinstance(schema, dict) else schema


def call_schema(tool: str, parameters: Schema) -> Schema:
    """The schema of a whole call `{"tool": ..., "parameters": {...}}` to one tool, with nothing beside it."""
    return {
        "type": "object",
        "properties": {"tool": {"type": "string", "const": tool}, "parameters": strict(parameters)},
        "required": ["tool", "parameters"],
        "additionalProperties": False,
    }


def parse(text: str) -> Any:
    """The one JSON document (RFC 8259) that the whole text is.

    Raises:
        ValueError: text around it, NaN or Infinity, a number beyond any float, a name twice in one object,
            or nesting too deep to read.
    """
    try:
        return json.loads(text, parse_float=_finite, parse_constant=_refuse_constant, object_pairs_hook=_unique_names)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return result


def _multiple_of(_: Any, step: float, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    """`multipleOf` on decimals as they are written, so that 34.3 is a multiple of 0.1."""
    number = isinstance(instance, int | float) and not isinstance(instance, bool)
    if number and Fraction(str(instance)) % Fraction(str(step)):
        yield ValidationError(f"{instance!r} is not a multiple of {step!r}")


def _pattern(_: Any, pattern: str, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(of: Any, patterns: dict[str, Any], instance: Any, schema: Schema) -> Iterator[ValidationError]:
    for name, value in instance.items() if isinstance(instance, dict) else ():
        for pattern, sub in patterns.items():
            if matches(pattern, name):
                yield from of.descend(value, sub, path=name, schema_path=pattern)


def _additional_properties(of: Any, other: Any, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    extra = list(_additional(schema, instance)) if isinstance(instance, dict) else []
    if isinstance(other, dict):
        for name in extra:
            yield from of.descend(instance[name], other, path=name)
    elif other is False and extra:
        yield ValidationError(f"{', '.join(map(repr, extra))} not among the properties")


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text.

    Raises:
        ValueError: it backtracks for more than a second.
    """
    try:
        return bool(regex.search(pattern, text, timeout=_PATIENCE))
    except TimeoutError:
        raise ValueError(f"the pattern {pattern!r} takes too long to match") from None


def _merged(metaschema: Schema) -> Schema:
    """A metaschema with its vocabularies in one piece, whose references jsonschema would resolve at every node."""
    vocabularies = [SPECIFICATIONS.contents(urljoin(metaschema["$id"], part["$ref"])) for part in metaschema["allOf"]]
    merged: Schema = {keyword: metaschema[keyword] for keyword in ("$schema", "$id", "type")}
    for keyword in ("$defs", "properties"):
        merged[keyword] = {
            name: value for part in (*vocabularies, metaschema) for name, value in part.get(keyword, {}).items()
        }
    result: Schema = json.loads(json.dumps(merged).replace('"$dynamicRef": "#meta"', '"$ref": "#"'))
    return result


_Validator = create(
    meta_schema=_merged(Draft202012Validator.META_SCHEMA),
    validators={
        **Draft202012Validator.VALIDATORS,
        "multipleOf": _multiple_of,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    },
    type_checker=Draft202012Validator.TYPE_CHECKER,
    format_checker=Draft202012Validator.FORMAT_CHECKER,
)


def validator(schema: Schema) -> Any:
    """A Draft 2020-12 validator that asserts formats, all but `iri`, and never fetches a remote `$ref`."""
    return _Validator(schema, registry=Registry(), format_checker=Draft202012Validator.FORMAT_CHECKER)


def violations(schema: Schema, document: Any) -> list[Violation]:
    """Every rule of a call schema that the document breaks, most serious kind first, each place once.

    Raises:
        ValueError: the document nests too deeply to be checked, the schema refers to itself without end, or a pattern
            takes too long.
    """
    try:
        found = {
            (error.validator, path): Violation(KINDS.index(kind), path, str(error.validator), error.message)
            for error in validator(schema).iter_errors(document)
            for kind, path in _places(error)
        }
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return sorted(found.values())


def faults(schema: Schema, text: str, chosen: str | None = None) -> list[Violation]:
    """Everything wrong with an answer: that it is no JSON that can be read and checked; else each rule it breaks.

    Else, where `chosen` is the call that was asked for, each place where the answer has another value.
    """
    try:
        document = parse(text)
        broken = violations(schema, document)
    except ValueError as error:
        return [Violation(KINDS.index(NOT_JSON), json_path(()), "json", str(error))]
    if broken or chosen is None:
        return broken
    return [
        Violation(KINDS.index(WRONG_VALUE), json_path(place), "value", "not what was asked for")
        for place in differences(document, parse(chosen))
    ]


def differences(one: Any, other: Any, place: Place = ()) -> Iterator[Place]:
    """The innermost places where two documents have different values, or only one of them has any."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            if name in one and name in other:
                yield from differences(one[name], other[name], (*place, name))
            else:
                yield (*place, name)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (item, another) in enumerate(zip(one, other, strict=True)):
            yield from differences(item, another, (*place, index))
    elif one != other or isinstance(one, bool) is not isinstance(other, bool):
        yield place


def alike(one: Any, other: Any) -> bool:
    """Whether two documents have the same values; true is not 1."""
    return next(differences(one, other), None) is None


def _places(error: ValidationError) -> Iterable[tuple[str, str]]:
    """The kind and JSON path of each fault that one jsonschema error stands for."""
    path: Place = tuple(error.absolute_path)
    kind = KIND_OF_KEYWORD.get(str(error.validator), OTHER)
    if path == ("tool",) and error.validator == "const":
        yield "wrong_tool", json_path(path)
    elif error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield kind, json_path((*path, name))
    elif error.validator == "additionalProperties" and error.validator_value is False:
        for name in _additional(error.schema, error.instance):
            yield kind, json_path((*path, name))
    else:
        yield kind, json_path(path)


def _additional(schema: Any, instance: Mapping[str, Any]) -> Iterable[str]:
    """The names that are neither properties nor match a pattern of the schema."""
    patterns = schema.get("patternProperties", {})
    for name in instance:
        if name not in schema.get("properties", {}) and not any(matches(pattern, name) for pattern in patterns):
            yield name
