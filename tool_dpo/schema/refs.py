"""Check the references (`$ref`) inside a schema, and replace them by their targets. Nothing is downloaded."""

from collections.abc import Iterator
from typing import Any

from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from tool_dpo.schema.keywords import ADDRESSES, ANNOTATIONS, DEFINITIONS, INSTANCES, REFERENCES, SCHEMA_MAPS, Schema


def check_refs(schema: Schema) -> None:
    """Check that every `$ref` points to something inside the schema. Nothing is downloaded.

    Raises:
        ValueError: a `$ref` does not.
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
            if keyword in REFERENCES:
                yield value
            elif keyword in SCHEMA_MAPS:
                yield from _refs(list(value.values()))
            elif keyword not in INSTANCES:
                yield from _refs(value)
    elif isinstance(node, list):
        for item in node:
            yield from _refs(item)


def inline(schema: Schema) -> Schema:
    """Replace every `$ref` by its target, so that the schema can be placed inside another schema.

    Raises:
        ValueError: a `$ref` is remote, points to nothing, or refers back to itself.
    """
    check_refs(schema)
    bare = {keyword: value for keyword, value in schema.items() if keyword not in DEFINITIONS}
    result: Schema = _inline(bare, DRAFT202012.create_resource(schema), ())
    return result


def _inline(node: Any, root: Any, seen: tuple[str, ...]) -> Any:
    if isinstance(node, list):
        return [_inline(item, root, seen) for item in node]
    if not isinstance(node, dict):
        return node
    own: Schema = {}
    for keyword, value in node.items():
        if keyword in SCHEMA_MAPS:
            own[keyword] = {name: _inline(sub, root, seen) for name, sub in value.items()}
        elif keyword in INSTANCES:
            own[keyword] = value
        elif keyword not in ADDRESSES:
            own[keyword] = _inline(value, root, seen)
    ref = node.get("$ref", node.get("$dynamicRef"))
    if ref is None:
        return own
    if ref in seen:
        raise ValueError(f"$ref {ref} leads back to itself: such a schema has no finite form")
    named = _inline(root.contents if ref == "#" else _named(root, ref), root, (*seen, ref))
    if not isinstance(named, dict) or (named.keys() & own.keys()) - ANNOTATIONS:
        return {**own, "allOf": [*own.get("allOf", []), named]}
    return named | own


def _named(root: Any, ref: str) -> Any:
    return Registry().with_resource("", root).resolver().lookup(ref).contents
