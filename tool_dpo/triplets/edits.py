"""Edits of a valid call, and the check that an edited call has the intended fault."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from jsonpatch import JsonPatch
from jsonpointer import JsonPointer

from tool_dpo.kinds import NOT_JSON, WRONG_VALUE
from tool_dpo.schema.documents import Place
from tool_dpo.schema.keywords import Schema, unless_null
from tool_dpo.schema.violations import faults

REMOVED = object()


@dataclass(frozen=True)
class Edit:
    """Set the value at `path` of the call, or remove it (REMOVED). A `last_resort` is tried after likelier edits."""

    path: Place
    value: Any
    last_resort: bool = False

    def operation(self, call: dict[str, Any]) -> dict[str, Any]:
        """The edit of this call as a JSON Patch operation (RFC 6902)."""
        path = JsonPointer.from_parts(self.path).path
        if self.value is REMOVED:
            return {"op": "remove", "path": path}
        return {"op": "add" if value_at(call, self.path) is REMOVED else "replace", "path": path, "value": self.value}

    def applied(self, call: dict[str, Any]) -> dict[str, Any]:
        """The edited call."""
        edited: dict[str, Any] = JsonPatch([self.operation(call)]).apply(call)
        return edited


@dataclass(frozen=True)
class Site:
    """A place in a call: its path, its schema as the author wrote it, and its value."""

    path: Place
    schema: Schema
    value: Any


@dataclass(frozen=True)
class Negative:
    """A wrong answer, with the kind (`violation`), the JSON Schema keyword and the JSON path of its only fault.

    If `isolated` replaces a required name by a wrong one, there are two faults, and this is the more serious one.

    `edit` is the JSON Patch operation (RFC 6902) that turns the chosen call into this answer, None if it is not JSON.
    """

    text: str
    violation: str
    keyword: str
    path: str
    edit: dict[str, Any] | None


def value_at(document: Any, place: Place) -> Any:
    """The value at a place of a document, REMOVED if an object on the way does not have the name."""
    for part in place:
        if isinstance(document, dict) and part not in document:
            return REMOVED
        document = document[part]
    return document


def breaking(schema: Schema, call: dict[str, Any], edits: Iterable[Edit], most: int = 1) -> Iterator[Negative]:
    """As `proved_edits`, but only calls that break the schema, not those with a wrong value."""
    return (found for found in proved_edits(schema, call, edits, most) if found.violation != WRONG_VALUE)


def proved_edits(schema: Schema, call: dict[str, Any], edits: Iterable[Edit], most: int = 1) -> Iterator[Negative]:
    """Apply each edit alone, and yield the edited calls that have at least one fault and at most `most`."""
    chosen = json.dumps(call, ensure_ascii=False)
    for edit in edits:
        edited = json.dumps(edit.applied(call), ensure_ascii=False)
        if found := proved_text(schema, edited, chosen, edit.operation(call), most):
            yield found


def proved_text(
    schema: Schema, text: str, chosen: str, edit: dict[str, Any] | None = None, most: int = 1
) -> Negative | None:
    """The answer with its most serious fault.

    None if it has no fault, more than `most` faults, or a lone surrogate, or if an edited call cannot be checked.
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
    """The place and all places inside it that have a schema.

    A value other than null has the schema X in "X or null". For other alternatives see `negatives.alternatives`.
    """
    if not isinstance(site.schema, dict):  # true or false: it does not describe the value
        return
    yield site
    of_x = [] if site.value is None else [unless_null(site.schema)]
    for part in (*site.schema.get("allOf", []), *of_x):
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
    """Fill an optional parameter that the request does not mention with the value of another parameter."""
    spoken = [site.value for site in sites if isinstance(site.value, str | int | float)]
    for site in sites:
        if isinstance(site.value, dict):
            for name, schema in site.schema.get("properties", {}).items():
                if name not in site.value and isinstance(schema, dict):
                    listed = any(
                        isinstance(one, dict) and one.get("type") == "array" for one in (schema, unless_null(schema))
                    )
                    for value in spoken:
                        yield Edit((*site.path, name), [value] if listed else value)


def respelt(fields: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """The fields in the same order, with `old` renamed to `new`."""
    return {new if name == old else name: value for name, value in fields.items()}
