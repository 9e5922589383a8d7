"""Hard negatives: calls one small, plausible mistake away from a valid one.

A maker is one function a kind of violation: it proposes edits of a valid call, the most confusable first or
in random order, and `negative` keeps the first that jsonschema proves to be the call's only fault.
"""

import copy
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tool_dpo.schema import Path, Schema, json_path, violations

REMOVED = object()


@dataclass(frozen=True)
class Edit:
    """Put `value` at `path` of the call, or remove what stands there."""

    path: Path
    value: Any


@dataclass(frozen=True)
class Site:
    """A place in a call: where it is, the schema as its author wrote it, and the value."""

    path: Path
    schema: Schema
    value: Any


@dataclass(frozen=True)
class Negative:
    """A call whose only violation is of this kind at this JSON path."""

    call: dict[str, Any]
    violation: str
    path: str


def negative(
    kind: str, parameters: Schema, schema: Schema, call: dict[str, Any], rng: random.Random
) -> Negative | None:
    """A proved negative of one kind, or None where the call offers no place for it.

    Args:
        kind: a key of MAKERS.
        parameters: the tool's parameter schema as written, with its `x-say` words.
        schema: the call schema that the proof is made against.
        call: a valid call.
    """
    edits = list(MAKERS[kind](list(_sites(Site(("parameters",), parameters, call["parameters"]))), rng))
    rng.shuffle(edits)
    for edit in edits:
        edited = _apply(call, edit)
        found = violations(schema, edited)
        if [one.kind for one in found] == [kind] and found[0].path == json_path(edit.path):
            return Negative(edited, kind, found[0].path)
    return None


def _sites(site: Site) -> Iterator[Site]:
    if not isinstance(site.schema, dict):  # true or false: nothing is known of the value
        return
    yield site
    if isinstance(site.value, dict):
        for name, value in site.value.items():
            if name in site.schema.get("properties", {}):
                yield from _sites(Site((*site.path, name), site.schema["properties"][name], value))
    elif isinstance(site.value, list) and "items" in site.schema:
        for index, value in enumerate(site.value):
            yield from _sites(Site((*site.path, index), site.schema["items"], value))


def _apply(call: dict[str, Any], edit: Edit) -> dict[str, Any]:
    edited: dict[str, Any] = copy.deepcopy(call)
    *parents, last = edit.path
    place: Any = edited
    for part in parents:
        place = place[part]
    if edit.value is REMOVED:
        del place[last]
    else:
        place[last] = edit.value
    return edited


def missing_required(sites: list[Site], rng: random.Random) -> Iterator[Edit]:
    """A required field left out, at any depth."""
    for site in sites:
        if isinstance(site.value, dict):
            for name in site.schema.get("required", []):
                yield Edit((*site.path, name), REMOVED)


def hallucinated_param(sites: list[Site], rng: random.Random) -> Iterator[Edit]:
    """A parameter that many APIs have and this one does not."""
    for site in sites:
        if isinstance(site.value, dict):
            for name, value in rng.sample(sorted(_COMMON_PARAMS.items()), 3):
                style = _camel if any(re.search("[a-z][A-Z]", known) for known in site.value) else str
                yield Edit((*site.path, style(name)), value)


def type_mismatch(sites: list[Site], rng: random.Random) -> Iterator[Edit]:
    """The right value in the wrong type: "10" for 10, "true" for true, "a, b" for ["a", "b"], ["a"] for "a"."""
    confusable = [(site.path, value) for site in sites for value in _retyped(site.value)]
    if not confusable:
        confusable = [(site.path, [site.value]) for site in sites if isinstance(site.value, str)]
    for path, value in confusable:
        yield Edit(path, value)


def _retyped(value: Any) -> list[Any]:
    match value:
        case bool():
            return [str(value).lower(), "yes" if value else "no"]
        case int():
            return [str(value), value + 0.5]
        case float():
            return [str(value)]
        case [str() as only]:
            return [only]
        case list() if value and all(isinstance(item, str) for item in value):
            return [", ".join(value)]
        case [dict() as only]:
            return [only]
        case str() if value.isdecimal() and not value.startswith("0"):
            return [int(value)]
        case _:
            return []


def enum_violation(sites: list[Site], rng: random.Random) -> Iterator[Edit]:
    """A near miss of an allowed value: as it was said, in another case, in the plural, or a likely neighbour."""
    for site in sites:
        if "enum" in site.schema:
            for value in _near_misses(site.value, site.schema):
                yield Edit(site.path, value)


def _near_misses(value: Any, schema: Schema) -> list[Any]:
    if isinstance(value, int) and not isinstance(value, bool):
        return [value + 1, value * 2]
    if not isinstance(value, str):
        return []
    said = schema.get("x-say", {}).get(value, value)
    spaced = value.replace("_", " ")
    misses = [
        *([said] if isinstance(said, str) else said),
        spaced,
        spaced.replace(" ", "-"),
        value.upper() if value.islower() else value.lower(),
        value.capitalize(),
        value.removesuffix("s") if value.endswith("s") else f"{value}s",
        *_NEIGHBOURS.get(value.lower(), ()),
    ]
    return [miss for miss in dict.fromkeys(misses) if miss != value]


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


MAKERS: dict[str, Callable[[list[Site], random.Random], Iterator[Edit]]] = {
    "type_mismatch": type_mismatch,
    "enum_violation": enum_violation,
    "hallucinated_param": hallucinated_param,
    "missing_required": missing_required,
}

_COMMON_PARAMS: dict[str, Any] = json.loads(
    """{"limit": 10, "page": 1, "offset": 0, "sort_by": "date", "order": "desc", "verbose": true, "dry_run": false,
    "timezone": "UTC", "language": "en", "locale": "en-US", "currency": "USD", "format": "json", "notes": "",
    "comment": "", "description": "", "category": "general", "status": "active", "type": "default", "class": "economy",
    "priority": "normal", "urgent": true, "force": true, "notify": true, "confirm": true, "async": false,
    "user_id": "me", "request_id": "1", "account": "default", "region": "us-east-1", "version": 1, "timeout": 30,
    "retry": true, "max_results": 10, "include_details": true, "include_archived": false, "unit": "metric",
    "quantity": 1, "label": "default", "source": "user", "reason": "user request", "mode": "standard",
    "enabled": true, "visibility": "private", "created_by": "me", "duration": 60, "start": "now", "tags": []}"""
)
_NEIGHBOURS: dict[str, tuple[str, ...]] = {
    "low": ("minor", "lowest"), "medium": ("normal", "moderate"), "high": ("urgent", "critical"),
    "normal": ("medium", "default"), "urgent": ("critical", "asap"), "critical": ("severe", "urgent"),
    "daily": ("every day",), "weekly": ("biweekly", "every week"), "monthly": ("every month",),
    "yearly": ("annually",), "hourly": ("every hour",), "small": ("tiny", "S"), "large": ("big", "L"),
    "open": ("opened", "active"), "closed": ("done", "resolved"), "done": ("completed", "finished"),
    "in_progress": ("ongoing", "started"), "pending": ("waiting", "queued"), "asc": ("ascending",),
    "desc": ("descending",), "email": ("mail", "e-mail"), "sms": ("text", "text_message"), "phone": ("call",),
    "standard": ("regular", "basic"), "express": ("fast", "overnight"), "public": ("everyone",),
    "private": ("personal", "hidden"), "celsius": ("C", "centigrade"), "fahrenheit": ("F",), "metric": ("si",),
    "car": ("automobile", "driving"), "driving": ("car",), "walking": ("on foot",), "morning": ("am",),
    "evening": ("night",), "read": ("viewer", "readonly"), "write": ("editor", "edit"), "admin": ("administrator",),
    "pdf": ("docx",), "csv": ("xlsx", "excel"), "json": ("yaml",), "male": ("man",), "female": ("woman",),
    "beginner": ("novice", "easy"), "intermediate": ("medium",), "advanced": ("expert", "hard"), "easy": ("simple",),
    "hard": ("difficult",), "on": ("enabled",), "off": ("disabled",), "yes": ("true",), "no": ("false",),
}  # fmt: skip
