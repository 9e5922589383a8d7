"""Rewrite schemas of older drafts, of OpenAPI and of programming languages in the keywords of Draft 2020-12."""

from typing import Any

from tool_dpo.schema.keywords import Schema

_TYPES = {
    "object": "dict hashmap map",
    "array": "list tuple arraylist set",
    "string": "str char",
    "integer": "int long short byte bigint",
    "number": "float double decimal",
    "boolean": "bool",
}
_TYPE_OF = {name: kind for kind, names in _TYPES.items() for name in (kind, *names.split())}
_TYPE_OF |= {"null": "null", "none": "null", "any": "any"}
"""The JSON type that a type's name means: in BFCL, in Python, Java and JavaScript, in lower case."""
_VALUES = ("const", "default", "example")
"""Keywords whose value may be null. An empty key of YAML is null too, and every other such keyword is left out."""
_COUNTS = (
    "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains",
)  # fmt: skip
_LOWEST = ("minimum", "exclusiveMinimum")
_HIGHEST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
_SAFE = 2**53 - 1
"""Largest integer of which a JavaScript number is exact. No limit of a real thing is larger."""
_WORDS = {2**31 - 1, 2**31, 2**32 - 1, 2**32}
"""Limits of integers of 32 bits."""


def modern(node: Schema) -> Schema:
    """A schema in the keywords of Draft 2020-12. The schemas inside it stay as they are.

    Lists of `items` become `prefixItems`, `dependencies` become `dependentRequired` and `dependentSchemas`, exclusive
    bounds become numbers, and 20.0 becomes 20. Limits of a machine's numbers are left out: they are no ranges.
    """
    result = {keyword: value for keyword, value in node.items() if value is not None or keyword in _VALUES}
    if result.get("properties") == []:  # an empty object, as PHP writes it
        result["properties"] = {}
    _list_required(result)
    if "type" in result:
        _name_types(result)
    if isinstance(result.get("items"), list) or "additionalItems" in result:
        _rename_tuple(result)
    if isinstance(result.get("dependencies"), dict):
        _split_dependencies(result)
    if "$recursiveRef" in result:
        result["$ref"] = result.pop("$recursiveRef")
    _make_bounds_numbers(result)
    _make_whole(result)
    _drop_machine_limits(result)
    return result


def _list_required(schema: Schema) -> None:
    """List the required names, each once. In draft 3, each required property says it itself."""
    properties, required = schema.get("properties"), schema.get("required", [])
    if isinstance(required, bool):
        del schema["required"]
        required = []
    if isinstance(properties, dict):
        those = [name for name, one in properties.items() if isinstance(one, dict) and one.get("required") is True]
        if isinstance(required, list) and (those or required):
            schema["required"] = [name for index, name in enumerate(required) if name not in required[:index]]
            schema["required"] += [name for name in those if name not in required]


def _name_types(schema: Schema) -> None:
    """Give the types their names in JSON Schema. `any` is no limit."""
    named = schema["type"]
    if isinstance(named, str):
        schema["type"] = _type(named)
    elif isinstance(named, list) and all(isinstance(one, str) for one in named):
        schema["type"] = [_type(one) for one in named]
    if schema["type"] == "any" or (isinstance(schema["type"], list) and "any" in schema["type"]):
        del schema["type"]


def _type(name: str) -> str:
    return _TYPE_OF.get(name.lower(), name)


def _rename_tuple(schema: Schema) -> None:
    """Write a tuple with `prefixItems`. Drafts before 2020-12 have a list of `items`, then `additionalItems`."""
    rest = schema.pop("additionalItems", None)
    if isinstance(schema.get("items"), list):
        if first := schema.pop("items"):
            schema["prefixItems"] = first
        if rest is not None:
            schema["items"] = rest


def _split_dependencies(schema: Schema) -> None:
    """Write `dependencies` (drafts 4 to 7) as the two keywords that they became."""
    for name, needed in schema.pop("dependencies").items():
        keyword = "dependentRequired" if isinstance(needed, list | str) else "dependentSchemas"
        schema[keyword] = {**schema.get(keyword, {}), name: [needed] if isinstance(needed, str) else needed}


def _make_bounds_numbers(schema: Schema) -> None:
    """Make exclusive bounds numbers. In draft 4 and OpenAPI 3.0 they are booleans beside `minimum` and `maximum`."""
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(schema.get(exclusive), bool) and schema.pop(exclusive) and bound in schema:
            schema[exclusive] = schema.pop(bound)


def _make_whole(schema: Schema) -> None:
    """Write integral floats as integers, where the keyword or the type asks for integers."""
    kinds = schema.get("type", ())
    integer = "integer" in kinds and "number" not in kinds
    for keyword in (*_COUNTS, *_LOWEST, *_HIGHEST, "multipleOf", *(_VALUES if integer else ())):
        if keyword in schema:
            schema[keyword] = _whole(schema[keyword])
    for keyword in ("enum", "examples") if integer else ():
        if isinstance(schema.get(keyword), list):
            schema[keyword] = [_whole(value) for value in schema[keyword]]


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _drop_machine_limits(schema: Schema) -> None:
    for keyword in (*_LOWEST, *_HIGHEST):
        bound = schema.get(keyword)
        if isinstance(bound, int | float) and (bound < 0) is (keyword in _LOWEST) and _is_of_machine(abs(bound)):
            del schema[keyword]


def _is_of_machine(size: int | float) -> bool:
    return size >= _SAFE or size in _WORDS
