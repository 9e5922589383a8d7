"""Convert the schemas of any document to one form: JSON Schema 2020-12, complete, finite and without references."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeGuard
from urllib.parse import urldefrag, urljoin

from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012, specification_with

from tool_dpo.schema.check import SchemaError, check_schema
from tool_dpo.schema.documents import alike, json_path
from tool_dpo.schema.keywords import (
    ALTERNATIVES,
    ANNOTATIONS,
    DEFINITIONS,
    LIMITS,
    REFERENCES,
    SCHEMA_LISTS,
    SCHEMA_MAPS,
    SUBSCHEMAS,
    Schema,
)
from tool_dpo.schema.violations import Validator
from tool_dpo.tools.dialects import modern

_MOST_NODES = 2000
"""Largest number of schemas inside the schema of one tool."""
_DEPTHS = (1, 2, 3, 4, 5, 6, 8, 12)
"""How many levels of nested schemas are kept; tried in this order."""
_MOST_ALIASES = 8
"""Longest chain of references, each pointing to the next, that is followed."""
_LONGEST_EXAMPLE = 200
_CUT = "cut where it is too deep or too large"

_MAPS = {*SCHEMA_MAPS} - {*DEFINITIONS}  # definitions are dropped: each is copied to where it is used
_LISTS = {*SCHEMA_LISTS} - {"allOf"}  # allOf is dropped: its parts are merged
_COPIED = LIMITS | (ANNOTATIONS - {"examples"})  # only valid examples are kept
_HOLDING_SCHEMAS = {*SUBSCHEMAS, *SCHEMA_LISTS, *_MAPS}
_AGAINST_NULL = {"const", "allOf", *ALTERNATIVES, "not", "if"}
"""Keywords by which a schema may refuse null even if null is among its types."""
_MAY_DIFFER = ANNOTATIONS | {"properties", "required", "allOf"}
"""Keywords that two schemas may both have, with different values, and still be merged into one."""
_LOWEST = ("minimum", "minLength", "minItems", "minProperties", "exclusiveMinimum")
_HIGHEST = ("maximum", "maxLength", "maxItems", "maxProperties", "exclusiveMaximum")
_BOUNDED = {
    "minimum": ("integer", "number"),
    "exclusiveMinimum": ("integer", "number"),
    "minLength": ("string",),
    "minItems": ("array",),
    "minProperties": ("object",),
}
_ON_THEIR_OWN = {"pattern", "format", "multipleOf", "not", *ALTERNATIVES}
"""Keywords that say the same in a schema of their own, beside the others."""


class Skip(Exception):
    """Raised if a part of a document cannot become a tool. The message is the reason."""


class Contradiction(Skip):
    """Raised if no value can fit a schema. The message names the property and says why."""

    def __init__(self, fault: str, *names: str) -> None:
        super().__init__(" ".join([*filter(None, [".".join(names)]), fault]))
        self.fault, self.names = fault, names


class _Apart(Exception):
    """Raised if two values of a keyword cannot be said as one."""


class _TooLarge(Exception):
    """Raised if a schema has more nodes than a tool may have."""


class References:
    """Finds the targets of references inside one document. Nothing is downloaded.

    `base` is the document's own address, if it has one: references may use it, as they may use the `$id` and the
    anchors of any schema in the document. The `$schema` of the document tells which draft's rules hold for these.
    """

    def __init__(self, document: Any, base: str = "") -> None:
        draft = document.get("$schema") if isinstance(document, dict) else None
        specification = specification_with(draft, default=DRAFT202012) if isinstance(draft, str) else DRAFT202012
        resource = specification.create_resource(document)
        self.base = base or resource.id() or ""
        self._document = document
        self._resolver = Registry().with_resource(self.base, resource).resolver()
        self._found: dict[str, Any] = {}

    def address(self, ref: Any, base: str) -> str:
        """The whole address of a reference in a schema with the address `base`.

        Raises:
            Skip: the reference is not a string.
        """
        if not isinstance(ref, str):
            raise Skip(f"$ref {ref!r} is not a string")
        return f"{base}{ref}" if ref.startswith("#") else urljoin(base, ref)

    def lookup(self, ref: Any, base: str) -> Any:
        """The target of a reference in a schema with the address `base`.

        Raises:
            Skip: the reference is not a string, points out of the document, or points to nothing.
        """
        address = self.address(ref, base)
        if address not in self._found:
            try:
                whole = urldefrag(address) == (self.base, "")
                self._found[address] = self._document if whole else self._resolver.lookup(address).contents
            except Exception as error:  # the document may be malformed in any way on the way to the target
                remote = type(error) is Unresolvable
                reason = "is not in this document, and nothing is fetched" if remote else "points to nothing"
                raise Skip(f"$ref {ref} {reason}") from None
        return self._found[address]

    def resolved(self, node: Any) -> dict[str, Any]:
        """The node itself, or the target if it is a reference; {} if it is None.

        Raises:
            Skip: this is not an object, or the reference has no target here.
        """
        for _ in range(_MOST_ALIASES):
            if not isinstance(node, dict) or "$ref" not in node:
                break
            node = self.lookup(node["$ref"], self.base)
        if node is None:
            return {}
        if not isinstance(node, dict):
            raise Skip(f"expected an object, got {_shown(node)}")
        return node


def deepest_schema(
    references: References, make: Callable[["Normaliser", int], Schema], own: frozenset[str] = frozenset()
) -> tuple[Schema, list[str]]:
    """The deepest schema that `make` can build with few enough nodes, and what was cut from it.

    `make` is called with increasing depths, each time with a new normaliser, which counts the nodes that it builds.
    `own` are the project's keywords to keep.

    Raises:
        Skip: even the shallowest schema has too many nodes, or a part of it is not a schema.
    """
    found: tuple[Schema, list[str]] | None = None
    for depth in _DEPTHS:
        normaliser = Normaliser(references, own)
        try:
            found = make(normaliser, depth), list(normaliser.cut)
        except _TooLarge:
            break
        if _CUT not in normaliser.cut:
            break
    if found is None:
        raise Skip(f"its schema has more than {_MOST_NODES:,} nodes")
    return found


def check_parameters(parameters: Schema) -> None:
    """Check that a schema is valid JSON Schema.

    Raises:
        Skip: it is not.
    """
    try:
        check_schema(parameters)
    except SchemaError as error:
        raise Skip(f"{json_path(error.absolute_path)} is not valid JSON Schema: {error.message}") from None


@dataclass(frozen=True)
class _Place:
    """The context of a schema: how many levels may follow, the address of the document or of the nearest `$id`, the
    addresses of the references that led to it, whether it is in a body."""

    depth: int
    base: str
    refs: tuple[str, ...] = ()
    body: bool = False


class Normaliser:
    """Builds schemas without references, up to a given depth and with a limited number of nodes in total.

    The keys of `cut` describe what was left out, each once. It is a dict because its keys keep their order. `own` are
    the keywords that the project adds to JSON Schema; they are kept for the sources that may use them.
    """

    def __init__(self, references: References, own: frozenset[str] = frozenset()) -> None:
        self.cut: dict[str, None] = {}
        self._references = references
        self._copied = _COPIED | own
        self._nodes = 0

    def schema(self, node: Any, depth: int) -> Schema:
        """The schema of one parameter, or of an object of all parameters."""
        return self._schema(node, _Place(depth, self._references.base))

    def body(self, node: Any, depth: int) -> Schema:
        """The schema of a request body, without properties that only responses have."""
        return self._whole(node, _Place(depth, self._references.base, body=True))

    def _whole(self, node: Any, place: _Place) -> Schema:
        """A schema with complete alternatives; in a body, without properties that only responses have."""
        schema = self._schema(node, place)
        return self._with_complete_alternatives(_without_read_only(schema) if place.body else schema)

    def _schema(self, node: Any, place: _Place) -> Schema:
        """A schema without references, with its allOf merged. Only its type if no level is left below it."""
        self._count(1)
        if node is None or node is True:
            return {}
        if node is False:
            return {"not": {}}
        if not isinstance(node, dict):
            raise Skip(f"{_shown(node)} is no schema")
        node = modern(node)
        if isinstance(node.get("$id"), str):
            place = replace(place, base=urldefrag(self._references.address(node["$id"], place.base)).url)
        if not node.keys().isdisjoint(REFERENCES):
            return self._referenced(node, place)
        if place.depth <= 0 and not node.keys().isdisjoint(_HOLDING_SCHEMAS):
            self.cut[_CUT] = None
            return _only_type(node)
        own = self._own(node, place)
        parts = node.get("allOf", [])
        if not isinstance(parts, list):
            raise Skip("allOf is no list")
        schema = _or_null(_merged([*(self._schema(part, place) for part in parts), own]))
        return _with_fitting_examples(_nullable(schema) if node.get("nullable") is True else schema, node)

    def _referenced(self, node: Schema, place: _Place) -> Schema:
        """The target of a reference, merged with the keywords beside the reference."""
        ref = node.get("$ref", node.get("$dynamicRef"))
        named = self._references.lookup(ref, place.base)
        address = self._references.address(ref, place.base)
        if address in place.refs:
            self.cut[f"{ref} contains itself"] = None
            return _only_type(named)
        beside = {key: value for key, value in node.items() if key not in REFERENCES}
        there = replace(place, base=urldefrag(address).url, refs=(*place.refs, address))
        schema = self._schema(named, there)
        whole = _merged([schema, self._schema(beside, place)]) if beside else schema
        return _nullable(whole) if beside.get("nullable") is True else whole

    def _own(self, node: Schema, place: _Place) -> Schema:
        """The known keywords of the node itself, as in Draft 2020-12. The caller adds the allOf and the examples."""
        inside = replace(place, depth=place.depth - 1)
        result: Schema = {}
        for keyword, value in node.items():
            if keyword in _MAPS and not isinstance(value, dict):
                raise Skip(f"{keyword} is no object")
            if keyword in {*_LISTS, *ALTERNATIVES} and not isinstance(value, list):
                raise Skip(f"{keyword} is no list")
            if keyword in _MAPS:
                needed = _needed(node) if keyword == "properties" else []
                result[keyword] = {
                    str(name): _possible(name, name in needed, partial(self._whole, one, inside))
                    for name, one in value.items()
                }
            elif keyword in ALTERNATIVES:
                result[keyword] = _met([partial(self._alternative, one, node, inside) for one in value])
            elif keyword in _LISTS:
                result[keyword] = [self._whole(one, inside) for one in value]
            elif keyword in SUBSCHEMAS:
                result[keyword] = value if isinstance(value, bool) else self._whole(value, inside)
            elif keyword in self._copied:
                result[keyword] = value
        return result

    def _alternative(self, one: Any, node: Schema, place: _Place) -> Schema:
        """One of a node's alternatives. The node's `discriminator` (OpenAPI) tells it from the others."""
        schema = self._whole(one, place)
        told = node.get("discriminator")
        if not isinstance(told, dict) or not isinstance(one, dict) or not isinstance(one.get("$ref"), str):
            return schema
        name, mapping = told.get("propertyName"), told.get("mapping")
        known = schema.get("properties", {}).get(name)
        if not isinstance(known, dict) or {"const", "enum"} & known.keys():
            return schema
        mapped = mapping.items() if isinstance(mapping, dict) else ()
        own = one["$ref"].rpartition("/")[2]
        values = [value for value, ref in mapped if ref in (one["$ref"], own)] or [own]
        properties = {**schema["properties"], name: {**known, "enum": values}}
        return {**schema, "properties": properties, "required": [*dict.fromkeys([*schema.get("required", []), name])]}

    def _with_complete_alternatives(self, schema: Schema) -> Schema:
        """The schema with its properties copied into each of its alternatives, so that each is complete on its own."""
        for keyword in ALTERNATIVES:
            if keyword in schema and "properties" in schema:
                shared = {key: value for key, value in schema.items() if key != keyword}
                self._count(len(schema["properties"]) * len(schema[keyword]))
                return {keyword: _met([partial(_merged, [shared, one]) for one in schema[keyword]])}
        return schema

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > _MOST_NODES:
            raise _TooLarge


def _met(makers: list[Callable[[], Schema]]) -> list[Schema]:
    """The alternatives that can be met.

    Raises:
        Contradiction: none can.
    """
    found: list[Schema] = []
    fault: Contradiction | None = None
    for make in makers:
        try:
            found.append(make())
        except Contradiction as reason:
            fault = fault or reason
    if fault and not found:
        raise fault
    return found


def _only_type(node: Any) -> Schema:
    """What is left of a schema that is cut: its type."""
    if not isinstance(node, dict):
        return {}
    node = modern(node)
    kind = node.get("type", "object" if "properties" in node else None)
    return {"type": kind} if isinstance(kind, str) else {}


def _without_read_only(schema: Schema) -> Schema:
    """The schema without its `readOnly` properties, which only responses have."""
    if "properties" not in schema:
        return schema
    hidden = {name for name, one in schema["properties"].items() if one.get("readOnly") is True}
    result = {**schema, "properties": {name: one for name, one in schema["properties"].items() if name not in hidden}}
    if "required" in schema:
        result["required"] = [name for name in schema["required"] if name not in hidden]
    return result


def _merged(parts: list[Schema]) -> Schema:
    """One schema for all parts, so that an object of several parts has its properties in one place.

    What cannot be said together with the parts before it is kept in the `allOf` of the result.

    Raises:
        Contradiction: no value fits all parts.
    """
    result: Schema = {}
    apart: list[Schema] = []
    for part in parts:
        both: Schema = {}
        clash = set()
        for keyword in (part.keys() & result.keys()) - _MAY_DIFFER:
            try:
                both[keyword] = _narrower(keyword, result, part)
            except _Apart:
                clash.add(keyword)
        if clash - _ON_THEIR_OWN:
            apart.append(part)
            continue
        if clash:
            apart.append({keyword: part[keyword] for keyword in part if keyword in clash})
        result = _consistent({**_joined(result, {key: part[key] for key in part if key not in clash}), **both})
    return {**result, "allOf": [*result.get("allOf", []), *apart]} if apart else result


def _narrower(keyword: str, one: Schema, other: Schema) -> Any:
    """The value of a keyword that says as much as the values in two schemas together.

    Raises:
        Contradiction: no value fits both.
        _Apart: there is no such value.
    """
    values = one[keyword], other[keyword]
    if alike(*values):
        return values[0]
    match keyword:
        case "type":
            return _common_type(*values)
        case "enum" if all(isinstance(value, list) for value in values):
            if common := [value for value in values[0] if any(alike(value, known) for known in values[1])]:
                return common
            raise Contradiction(f"allows only {_shown(values[0])} and only {_shown(values[1])}")
        case "const":
            raise Contradiction(f"must be {_shown(values[0])} and {_shown(values[1])}")
        case "uniqueItems":
            return True
        case "items" if not {"prefixItems"} & (one.keys() | other.keys()):
            both = [value if isinstance(value, dict) else {} if value else {"not": {}} for value in values]
            return _possible("", False, partial(_merged, both))
    if all(map(_is_number, values)):
        if keyword in _LOWEST:
            return max(values)
        if keyword in _HIGHEST:
            return min(values)
        if keyword == "multipleOf" and all(type(value) is int and value > 0 for value in values):
            return math.lcm(*values)
    raise _Apart


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _common_type(one: Any, other: Any) -> Any:
    """The types that two values of `type` have in common. An integer is a number."""
    first, second = ([kinds] if isinstance(kinds, str) else kinds for kinds in (one, other))
    whole = "integer" if {"integer", "number"} & {*first} and {"integer", "number"} & {*second} else None
    common = [kind for kind in first if kind in second]
    if whole and not {"integer", "number"} & {*common}:
        common.append(whole)
    if not common:
        raise Contradiction(f"is of type {_shown(one)} and {_shown(other)}")
    return common if len(common) > 1 else common[0]


def _consistent(schema: Schema) -> Schema:
    """The schema, without an `enum` beside a `const` in it.

    Raises:
        Contradiction: a lower bound is above the upper one, or the `enum` does not have the `const`.
    """
    for low, high in zip(_LOWEST, _HIGHEST, strict=True):
        least, most = schema.get(low), schema.get(high)
        if schema.get("type") in _BOUNDED[low] and _is_number(least) and _is_number(most) and least > most:
            raise Contradiction(f"has a {low} of {least} and a {high} of {most}")
    if "const" in schema and isinstance(schema.get("enum"), list):
        if not any(alike(schema["const"], one) for one in schema["enum"]):
            raise Contradiction(f"must be {_shown(schema['const'])} and one of {_shown(schema['enum'])}")
        return {key: value for key, value in schema.items() if key != "enum"}
    return schema


def _joined(one: Schema, other: Schema) -> Schema:
    """Two schemas as one, if they do not contradict each other. Of two descriptions the later one is kept."""
    result = one | other
    if "required" in one and "required" in other:
        result["required"] = list(dict.fromkeys([*one["required"], *other["required"]]))
    if "properties" in one and "properties" in other:
        result["properties"] = dict(one["properties"])
        for name, schema in other["properties"].items():
            both = [one["properties"].get(name) or {}, schema]
            result["properties"][name] = _possible(name, name in _needed(result), partial(_merged, both))
    if "allOf" in one and "allOf" in other:
        result["allOf"] = [*one["allOf"], *other["allOf"]]
    return result


def _needed(schema: Schema) -> list[Any]:
    """The names that an object needs; none if the value may be null instead."""
    names = schema.get("required") if schema.get("type", "object") in ("object", ["object"]) else None
    return names if isinstance(names, list) else []


def _possible(name: str, needed: bool, make: Callable[[], Schema]) -> Schema:
    """The schema of a property. If no value can fit, it forbids every value.

    Raises:
        Contradiction: no value can fit, but one is needed.
    """
    try:
        return make()
    except Contradiction as reason:
        if needed:
            raise Contradiction(reason.fault, name, *reason.names) from None
        return {"not": {}}


def _or_null(schema: Schema) -> Schema:
    """The schema with its alternatives "a type, or null" as one schema of both types, which says the same."""
    for keyword in ALTERNATIVES:
        choices = schema.get(keyword, [])
        typed = [one for one in choices if not _is_null(one)]
        if len(choices) != 2 or len(typed) != 1 or "type" not in typed[0] or _AGAINST_NULL & typed[0].keys():
            continue
        rest = {key: value for key, value in schema.items() if key != keyword}
        if not (rest.keys() & typed[0].keys()) - ANNOTATIONS:
            return {**_nullable(typed[0]), **rest}
    return schema


def _is_null(schema: Schema) -> bool:
    return schema.get("type") == "null" or schema.get("enum", [schema.get("const", 0)]) == [None]


def _nullable(schema: Schema) -> Schema:
    """The schema with null allowed, which is what `nullable` means in OpenAPI 3.0."""
    kinds = schema.get("type")
    if kinds is None:
        return {"anyOf": [schema, {"type": "null"}]} if schema else schema
    kinds = kinds if isinstance(kinds, list) else [kinds]
    result = schema if "null" in kinds else {**schema, "type": [*kinds, "null"]}
    if "enum" in schema and None not in schema["enum"]:
        result = {**result, "enum": [*schema["enum"], None]}
    return result


def _with_fitting_examples(schema: Schema, node: Schema) -> Schema:
    """The schema with the node's examples that are valid and that a person could say. An invalid default is removed."""
    given = node.get("examples")
    examples = [*(given if isinstance(given, list) else []), *([node["example"]] if "example" in node else [])]
    sayable = list(filter(_sayable, examples))
    if not sayable and "default" not in schema:
        return schema
    try:
        check = Validator({key: value for key, value in schema.items() if key not in ("default", "examples")})
        fitting = [example for example in sayable if check.is_valid(example)]
        invalid = {"default"} if "default" in schema and not check.is_valid(schema["default"]) else set()
    except Exception:  # an invalid schema may fail anywhere; it is skipped with its reason later
        return schema
    kept = {key: value for key, value in schema.items() if key not in invalid}
    return {**kept, "examples": fitting} if fitting else kept


def _sayable(value: Any) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= _LONGEST_EXAMPLE and value.isprintable()
    return isinstance(value, int | float)


def _shown(value: Any) -> str:
    return json.dumps(value, default=str)[:40]
