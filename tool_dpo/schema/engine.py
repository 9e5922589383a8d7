"""Compiled schemas: the validator of jsonschema-rs for Draft 2020-12, with our engine for patterns (ECMA-262).

It checks formats, downloads nothing, and passes the official test suite; tests/cases/suite.json lists the exceptions.
"""

import json
import threading
import time
from functools import lru_cache
from typing import Any

import jsonschema_rs

from tool_dpo.schema.keywords import with_subschemas
from tool_dpo.schema.patterns import PATIENCE, is_pattern, matches

_local = threading.local()


class _Pattern:
    """The keyword `pattern`. A pattern that takes too long ends the check of the whole document."""

    def __init__(self, parent: Any, pattern: str, path: Any) -> None:
        self._pattern = pattern

    def validate(self, instance: Any) -> None:
        if not isinstance(instance, str):
            return
        try:
            fits = _local.given_up is None and matches(self._pattern, instance, _local.until - time.monotonic())
        except ValueError as error:
            _local.given_up = error
            raise
        if not fits:
            shown = (json.dumps(one, ensure_ascii=False) for one in (instance, self._pattern))
            raise ValueError(" does not match ".join(shown))


@lru_cache(maxsize=1024)
def compiled(schema: str) -> Any:
    """The validator of a schema, which is given as JSON text.

    Raises:
        ValueError: the schema is not valid, or one of its references points out of it.
    """
    return jsonschema_rs.Draft202012Validator(
        schema,
        validate_formats=True,
        formats={"regex": is_pattern},
        email_options=jsonschema_rs.EmailOptions(allow_display_text=False),
        keywords={"pattern": _Pattern},
        offline=True,
    )


def errors(validator: Any, document: Any) -> list[Any]:
    """All errors that a compiled schema finds in a document.

    Raises:
        ValueError: the patterns take too long to match. The other errors may depend on them.
    """
    _local.given_up, _local.until = None, time.monotonic() + PATIENCE
    found = list(validator.iter_errors(document))
    if _local.given_up:
        raise _local.given_up
    return found


def names_of(document: Any) -> list[str]:
    """All names of properties in a document."""
    names: dict[str, None] = {}
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            names.update(dict.fromkeys(value))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return list(names)


def with_names(schema: Any, names: list[str], until: float | None = None) -> Any:
    """The schema for documents that have only these names. Each pattern of `patternProperties` becomes a list of names.

    jsonschema-rs matches these patterns with an engine of its own, which reads a list of names as ours does. Without
    names, every pattern becomes one for the empty name. Matching ends at the monotonic time `until`, by default soon.

    Raises:
        ValueError: a pattern takes too long to match.
    """
    until = until or time.monotonic() + PATIENCE
    if not isinstance(schema, dict):
        return schema
    if by_pattern := schema.get("patternProperties"):
        found = {
            pattern: [name for name in names if matches(pattern, name, until - time.monotonic())]
            for pattern in by_pattern
        }
        by_name = {
            _any_of(found[pattern]) + "(?:)" * index: one
            for index, (pattern, one) in enumerate(by_pattern.items())
            if found[pattern] or not names
        }
        schema = {**schema, "patternProperties": by_name}
    return with_subschemas(schema, lambda keyword, name, one: with_names(one, names, until))


def _any_of(names: list[str]) -> str:
    """A pattern that matches only these names."""
    spelt = ("".join(rf"\u{{{ord(one):x}}}" for one in name) for name in names)
    return f"^(?:{'|'.join(spelt)})$"
