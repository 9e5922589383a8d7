"""Shorter schemas for the same call, for prompts that are too long for a model."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tool_dpo.schema.keywords import Schema, with_subschemas
from tool_dpo.tools.rules import named_by_rules
from tool_dpo.triplets.augment import Case

_MOST_CHOICES = 8
_FEW = 3


def shortened(case: Case) -> Iterator[Case]:
    """The case with ever shorter schemas: without descriptions, without most choices, without optional parameters.

    What the call uses is kept.
    """
    names, values = _used(case.values)

    def without_words(schema: Schema) -> Schema:
        return {key: value for key, value in schema.items() if key not in ("description", "title", "default")}

    def with_few_choices(schema: Schema) -> Schema:
        choices = schema.get("enum", [])
        if len(choices) <= _MOST_CHOICES:
            return schema
        others = [one for one in choices if json.dumps(one) not in values]
        kept = [json.dumps(one) for one in others[:_MOST_CHOICES]]
        return {**schema, "enum": [one for one in choices if json.dumps(one) in {*values, *kept}]}

    def with_unused(most: int) -> Callable[[Schema], Schema]:
        def change(schema: Schema) -> Schema:
            if "properties" not in schema:
                return schema
            needed = {*names, *schema.get("required", []), *named_by_rules(schema)}
            unused = [name for name in schema["properties"] if name not in needed][:most]
            kept = {name: one for name, one in schema["properties"].items() if name in needed or name in unused}
            return {**schema, "properties": kept}

        return change

    for change in (without_words, with_few_choices, with_unused(_FEW), with_unused(0)):
        case = replace(case, parameters=_everywhere(case.parameters, change))
        yield case


def _used(value: Any) -> tuple[set[str], set[str]]:
    """The names in a document, and the values, as JSON."""
    names: set[str] = set()
    values = {json.dumps(value)}
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        inner = _used(one)
        names |= inner[0]
        values |= inner[1]
    return names | (set(value) if isinstance(value, dict) else set()), values


def _everywhere(schema: Any, change: Callable[[Schema], Schema]) -> Any:
    """The schema with `change` applied to it and to every schema inside it."""
    if not isinstance(schema, dict):
        return schema
    return with_subschemas(change(schema), lambda keyword, name, one: _everywhere(one, change))
