"""The one check of schemas. A schema that passes it can be closed, compiled and matched without an error later."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from tool_dpo.schema.documents import Place
from tool_dpo.schema.engine import compiled, with_names
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.limits import check_values
from tool_dpo.schema.patterns import compiled as compiled_pattern
from tool_dpo.schema.refs import Node, check_progress, walk

_LONGEST_REASON = 200
_METASCHEMA = jsonschema_rs.Draft202012Validator({"$ref": "https://json-schema.org/draft/2020-12/schema"})


class SchemaError(ValueError):
    """A schema is not valid. `message` is the reason, in one line; `absolute_path` is the place in the schema."""

    def __init__(self, message: str, place: Place = ()) -> None:
        self.message = message if len(message) <= _LONGEST_REASON else f"{message[:_LONGEST_REASON]}..."
        self.absolute_path = place
        super().__init__(self.message)


def check_schema(schema: Any) -> None:
    """Check that a schema is JSON of a limited size and valid by the metaschema of Draft 2020-12, that its patterns are
    regular expressions of ECMA-262, and that its references have targets inside it. The time grows only with its size.

    Raises:
        SchemaError: it is not.
    """
    try:
        check_values(schema)
        _check_keywords(schema)
        if isinstance(schema, dict):
            check_progress(_checked(schema))
        compiled(json.dumps(with_names(schema, [])))
    except SchemaError:
        raise
    except ValueError as error:
        raise SchemaError(getattr(error, "message", str(error))) from None


def _check_keywords(schema: Any) -> None:
    """Check that each keyword has a value of its kind."""
    try:
        _METASCHEMA.validate(schema)
    except jsonschema_rs.ValidationError as error:
        inner = _innermost(error)
        raise SchemaError(inner.message, tuple(inner.instance_path)) from None


def _checked(schema: Schema) -> Iterator[Node]:
    """Walk over a schema, and check each pattern, and each schema under a keyword that the metaschema does not know."""
    for place, node, targets in walk(schema):
        if place[-1:] == ("$ref",):
            _check_keywords(node)
        patterns = node.get("patternProperties", {})
        named = [(("patternProperties", one), one) for one in patterns]
        own = [(("pattern",), node["pattern"])] if "pattern" in node else []
        for where, pattern in (*named, *own):
            try:
                compiled_pattern(pattern)
            except ValueError as error:
                raise SchemaError(str(error), (*place, *where)) from None
        yield place, node, targets


def _innermost(error: Any) -> Any:
    """Of the errors of several alternatives, the one deepest in the document."""
    branches = getattr(error.kind, "context", None)
    if not branches:
        return error
    found = [_innermost(one) for branch in branches for one in branch[:1]]
    return max(found, key=lambda one: len(one.instance_path)) if found else error
