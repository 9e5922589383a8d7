"""Edits of a valid call, and the proof that an edited call has the fault it is made for."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from jsonpatch import JsonPatch
from jsonpointer import JsonPointer

from tool_dpo.kinds import NOT_JSON, WRONG_VALUE
from tool_dpo.schema.documents import Place
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import faults

REMOVED = object()


@dataclass(frozen=True)
class Edit:
    """Put `value` at `path` of the call, or remove what stands there; `last_resort` where likelier edits may do."""

    path: Place
    value: Any
    last_resort: bool = False

    def operation(self, call: dict[str, Any]) -> dict[str, Any]:
        """The edit of this call as an operation of JSON Patch (RFC 6902)."""
        path = JsonPointer.from_parts(self.path).path
        if self.value is REMOVED:
            return {"op": "remove", "path": path}
        return {"op": "add" if value_at(call, self.path) is REMOVED else "replace", "path": path, "value": self.value}


@dataclass(frozen=True)
class Site:
    """A place in a call: where it is, the schema as its author wrote it, and the value."""

    path: Place
    schema: Schema
    value: Any


@dataclass(frozen=True)
class Negative:
    """An answer whose fault is of this kind, by this JSON Schema keyword, at this JSON path.

    It is the only one, but where `isolated` puts a mistaken name in the place of a required one: then it is the worst.

    `edit` is the JSON Patch operation (RFC 6902) that makes it of the chosen call; None where it is no JSON.
    """

    text: str
    violation: str
    keyword: str
    path: str
    edit: dict[str, Any] | None


def value_at(document: Any, place: Place) -> Any:
    for part in place:
        if isinstance(document, dict) and part not in document:
            return REMOVED
        document = document[part]
    return document


def breaking(schema: Schema, call: dict[str, Any], edits: Iterable[Edit], most: int = 1) -> Iterator[Negative]:
    return (found for found in proved_edits(schema, call, edits, most) if found.violation != WRONG_VALUE)


def proved_edits(schema: Schema, call: dict[str, Any], edits: Iterable[Edit], most: int = 1) -> Iterator[Negative]:
    """The calls, one edit away, that have a fault, and no more than `most`."""
    chosen = json.dumps(call, ensure_ascii=False)
    for edit in edits:
        operation = edit.operation(call)
        edited = JsonPatch([operation]).apply(call)
        if found := proved_text(schema, json.dumps(edited, ensure_ascii=False), chosen, operation, most):
            yield found


def proved_text(
    schema: Schema, text: str, chosen: str, edit: dict[str, Any] | None = None, most: int = 1
) -> Negative | None:
    """The answer with its worst fault, if it has any, no more than `most`, and no lone surrogate.

    None for an edited call that cannot be checked.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    found = faults(schema, text, chosen)
    if not 1 <= len(found) <= most or (edit and found[0].kind == NOT_JSON):
        return None
    return Negative(text, found[0].kind, found[0].keyword, found[0].path, edit)


def sites_of(site: Site) -> Iterator[Site]:
    """The place and all those inside it that the schema tells something of; of alternatives, see `alternatives`."""
    if not isinstance(site.schema, dict):  # true or false: nothing is known of the value
        return
    yield site
    for part in site.schema.get("allOf", []):
        yield from sites_of(Site(site.path, part, site.value))
    if isinstance(site.value, dict):
        for name, value in site.value.items():
            of_name = site.schema.get("properties", {}).get(name, site.schema.get("additionalProperties"))
            yield from sites_of(Site((*site.path, name), of_name, value))
    elif isinstance(site.value, list):
        first = site.schema.get("prefixItems", [])
        for index, value in enumerate(site.value):
            if index < len(first) or "items" in site.schema:
                item = first[index] if index < len(first) else site.schema["items"]
                yield from sites_of(Site((*site.path, index), item, value))


def unasked(sites: list[Site]) -> Iterator[Edit]:
    """An optional parameter that nobody spoke of, filled with the value of another."""
    spoken = [site.value for site in sites if isinstance(site.value, str | int | float)]
    for site in sites:
        if isinstance(site.value, dict):
            for name, schema in site.schema.get("properties", {}).items():
                if name not in site.value and isinstance(schema, dict):
                    for value in spoken:
                        yield Edit((*site.path, name), [value] if schema.get("type") == "array" else value)


def respelt(fields: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return {new if name == old else name: value for name, value in fields.items()}
