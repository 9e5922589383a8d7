"""Check the references (`$ref`) inside a schema, and replace them by their targets. Nothing is downloaded."""

from collections.abc import Iterable, Iterator
from typing import Any

from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from tool_dpo.schema.documents import Place
from tool_dpo.schema.keywords import (
    ADDRESSES,
    ANNOTATIONS,
    DEFINITIONS,
    DEPENDING,
    IN_PLACE,
    INSTANCES,
    REFERENCES,
    SCHEMA_MAPS,
    Schema,
    subschemas,
)
from tool_dpo.schema.limits import MOST_VALUES, check_values

Node = tuple[Place, Schema, list[tuple[str, Any]]]
"""A schema in another: its place, itself, and its references with their targets."""


def check_refs(schema: Schema) -> None:
    """Check that every `$ref` has a target inside the schema, and that following them always ends.

    Targets may be named by `$id` or `$anchor` (Core, section 8.2). A schema may contain itself only further inside the
    value (Core, section 9.4.1). Nothing is downloaded.

    Raises:
        ValueError: a `$ref` has no target, or leads back to itself.
    """
    check_progress(walk(schema))


def walk(schema: Any) -> Iterator[Node]:
    """Yield every schema in a schema once, with its place and its references with their targets.

    A target may stand under a keyword that JSON Schema does not know. It comes last, and its place ends with `$ref`.

    Raises:
        ValueError: a reference has no target inside the schema.
    """
    waiting: list[tuple[Place, Any, Any]] = [((), schema, _resolver(schema))]
    targets: list[tuple[Place, Any, Any]] = []
    seen: set[int] = set()
    while waiting or targets:
        place, node, resolver = (waiting or targets).pop()
        if not isinstance(node, dict) or id(node) in seen:
            continue
        seen.add(id(node))
        found = [(ref, *_lookup(resolver, ref)) for ref in _refs(node)]
        yield place, node, [(ref, one) for ref, one, _ in found]
        targets += [((*place, "$ref"), one, there) for _, one, there in found]
        waiting += [((*place, *inside), one, _inside(resolver, one)) for inside, one in subschemas(node)]


def _resolver(schema: Any) -> Any:
    registry: Registry[Any] = Registry()
    try:
        return registry.resolver_with_root(DRAFT202012.create_resource(schema))
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"$id or $anchor cannot be read: {error}") from None


def _inside(resolver: Any, schema: Any) -> Any:
    return resolver.in_subresource(DRAFT202012.create_resource(schema)) if isinstance(schema, dict) else resolver


def _refs(node: Schema) -> list[str]:
    return [node[keyword] for keyword in REFERENCES if isinstance(node.get(keyword), str)]


def _lookup(resolver: Any, ref: str) -> tuple[Any, Any]:
    """The target of a reference, and the resolver of the references in it."""
    try:
        found = resolver.lookup(ref)
    except (Unresolvable, ValueError, TypeError, KeyError, IndexError, AttributeError):
        raise ValueError(f"$ref {ref} does not resolve inside the schema") from None
    if not isinstance(found.contents, dict | bool):
        raise ValueError(f"$ref {ref} names something that is not a schema")
    return found.contents, found.resolver


def check_progress(nodes: Iterable[Node]) -> None:
    """Check that of a walk's schemas few apply to one value, and that no path through them is a circle.

    Raises:
        ValueError: they are too many, or a reference leads back to itself.
    """
    around: dict[int, list[tuple[str, Any]]] = {}
    for _, schema, named in nodes:
        beside = [("", one) for place, one in subschemas(schema) if place[0] in IN_PLACE]
        around[id(schema)] = [*named, *beside]
    counts: dict[int, int] = {}
    for start in around:
        open_, stack = {start}, [(start, iter(around[start]))]
        while stack:
            node, rest = stack[-1]
            ref, following = next(rest, ("", None))
            if following is None:
                open_.discard(node)
                counts[node] = 1 + sum(counts.get(id(one), 1) for _, one in around[node])
                if counts[node] > MOST_VALUES:
                    raise ValueError(f"its references expand to more than {MOST_VALUES:,} schemas for one value")
                stack.pop()
            elif (key := id(following)) in open_:
                raise ValueError(f"$ref {ref} leads back to itself: a check would never end")
            elif key in around and key not in counts:
                open_.add(key)
                stack.append((key, iter(around[key])))


def inline(schema: Schema) -> Schema:
    """Replace every `$ref` by its target, so that the schema can be placed inside another schema.

    Raises:
        ValueError: a `$ref` is remote, points to nothing, or leads back to itself, or the result is too large.
    """
    check_refs(schema)
    bare = {keyword: value for keyword, value in schema.items() if keyword not in DEFINITIONS}
    try:
        result: Schema = _Inliner().node(bare, _resolver(schema), ())
    except RecursionError:
        raise ValueError("its references lead too deep") from None
    try:
        check_values(result)
    except ValueError as error:
        raise ValueError(f"with its references replaced, its schema {error}") from None
    return result


class _Inliner:
    """Replaces references, and counts the values that this makes."""

    def __init__(self) -> None:
        self._values = 0

    def node(self, node: Any, resolver: Any, seen: tuple[int, ...]) -> Any:
        """A schema, or the value of a keyword, without references. `seen` has the ids of the targets around it."""
        self._values += 1
        if self._values > MOST_VALUES:
            raise ValueError(f"its references expand to more than {MOST_VALUES:,} values")
        if isinstance(node, list):
            return [self.node(item, _inside(resolver, item), seen) for item in node]
        if not isinstance(node, dict):
            return node
        own: Schema = {}
        for keyword, value in node.items():
            if keyword in SCHEMA_MAPS:
                own[keyword] = {name: self.node(one, _inside(resolver, one), seen) for name, one in value.items()}
            elif keyword in INSTANCES:
                own[keyword] = value
            elif keyword not in ADDRESSES:
                own[keyword] = self.node(value, _inside(resolver, value), seen)
        for ref in _refs(node):
            own = self._beside(own, ref, resolver, seen)
        return own

    def _beside(self, own: Schema, ref: str, resolver: Any, seen: tuple[int, ...]) -> Schema:
        """The keywords of a schema, joined with those of the target of its reference."""
        named, there = _lookup(resolver, ref)
        if id(named) in seen:
            raise ValueError(f"$ref {ref} leads back to itself: such a schema has no finite form")
        whole = self.node(named, there, (*seen, id(named)))
        limits = own.keys() - ANNOTATIONS
        if not isinstance(whole, dict) or whole.keys() & limits or (limits and (limits | whole.keys()) & DEPENDING):
            return {**own, "allOf": [*own.get("allOf", []), whole]}
        return whole | own
