"""Find every rule of a call schema that a document breaks."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from urllib.parse import urljoin

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import create
from jsonschema_specifications import REGISTRY as SPECIFICATIONS
from referencing import Registry

from tool_dpo.kinds import KINDS, NOT_JSON, OTHER, WRONG_VALUE
from tool_dpo.schema.documents import Place, differences, json_path, parse
from tool_dpo.schema.keywords import KIND_OF_KEYWORD, Schema

_PATIENCE = 1.0
"""Longest time for matching a pattern, in seconds."""


@dataclass(frozen=True, order=True)
class Violation:
    """One fault: the rank of its kind in KINDS, its JSON path, its JSON Schema keyword, and jsonschema's message.

    For a missing or an invented property, the path is that of the property itself. Two faults break no keyword. Their
    `keyword` is `json` (the text is not a JSON document) or `value` (a value is not the requested one).
    """

    rank: int
    path: str
    keyword: str
    message: str

    @property
    def kind(self) -> str:
        return KINDS[self.rank]


def _multiple_of(_: Any, step: float, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    """Check `multipleOf` on the decimals as they are written, so that 34.3 is a multiple of 0.1."""
    number = isinstance(instance, int | float) and not isinstance(instance, bool)
    if number and Fraction(str(instance)) % Fraction(str(step)):
        yield ValidationError(f"{instance!r} is not a multiple of {step!r}")


def _pattern(_: Any, pattern: str, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(of: Any, patterns: dict[str, Any], instance: Any, schema: Schema) -> Iterator[ValidationError]:
    for name, value in instance.items() if isinstance(instance, dict) else ():
        for pattern, sub in patterns.items():
            if matches(pattern, name):
                yield from of.descend(value, sub, path=name, schema_path=pattern)


def _additional_properties(of: Any, other: Any, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    extra = list(_additional(schema, instance)) if isinstance(instance, dict) else []
    if isinstance(other, dict):
        for name in extra:
            yield from of.descend(instance[name], other, path=name)
    elif other is False and extra:
        yield ValidationError(f"{', '.join(map(repr, extra))} not among the properties")


def matches(pattern: str, text: str) -> bool:
    """Whether a regular expression matches somewhere in a text.

    Raises:
        ValueError: matching takes more than a second.
    """
    try:
        return bool(regex.search(pattern, text, timeout=_PATIENCE))
    except TimeoutError:
        raise ValueError(f"the pattern {pattern!r} takes too long to match") from None


def _merged(metaschema: Schema) -> Schema:
    """Merge a metaschema and its vocabularies. Otherwise jsonschema would resolve their references at every node."""
    vocabularies = [SPECIFICATIONS.contents(urljoin(metaschema["$id"], part["$ref"])) for part in metaschema["allOf"]]
    merged: Schema = {keyword: metaschema[keyword] for keyword in ("$schema", "$id", "type")}
    for keyword in ("$defs", "properties"):
        merged[keyword] = {
            name: value for part in (*vocabularies, metaschema) for name, value in part.get(keyword, {}).items()
        }
    result: Schema = json.loads(json.dumps(merged).replace('"$dynamicRef": "#meta"', '"$ref": "#"'))
    return result


_Validator = create(
    meta_schema=_merged(Draft202012Validator.META_SCHEMA),
    validators={
        **Draft202012Validator.VALIDATORS,
        "multipleOf": _multiple_of,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    },
    type_checker=Draft202012Validator.TYPE_CHECKER,
    format_checker=Draft202012Validator.FORMAT_CHECKER,
)


def validator(schema: Schema) -> Any:
    """A Draft 2020-12 validator that checks all formats except `iri`, and never downloads a remote `$ref`."""
    return _Validator(schema, registry=Registry(), format_checker=Draft202012Validator.FORMAT_CHECKER)


def violations(schema: Schema, document: Any) -> list[Violation]:
    """Every violation of a call schema in a document, the most serious kind first. A keyword counts once per place.

    Raises:
        ValueError: the document is nested too deeply, the schema refers to itself endlessly, or a pattern takes too
            long to match.
    """
    try:
        found = {
            (error.validator, path): Violation(KINDS.index(kind), path, str(error.validator), error.message)
            for error in validator(schema).iter_errors(document)
            for kind, path in _places(error)
        }
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return sorted(found.values())


def faults(schema: Schema, text: str, chosen: str | None = None) -> list[Violation]:
    """Everything that is wrong with an answer.

    This is one `json_error` if the text cannot be parsed or checked, otherwise every violation of the schema. If there
    is none and `chosen` (the correct call, as JSON text) is given: one `wrong_value` for each place that differs.
    """
    try:
        document = parse(text)
        broken = violations(schema, document)
    except ValueError as error:
        return [Violation(KINDS.index(NOT_JSON), json_path(()), "json", str(error))]
    if broken or chosen is None:
        return broken
    return [
        Violation(KINDS.index(WRONG_VALUE), json_path(place), "value", "not what was asked for")
        for place in differences(document, parse(chosen))
    ]


def _places(error: ValidationError) -> Iterable[tuple[str, str]]:
    """The kind and JSON path of each fault that one jsonschema error reports."""
    path: Place = tuple(error.absolute_path)
    kind = KIND_OF_KEYWORD.get(str(error.validator), OTHER)
    if path == ("tool",) and error.validator == "const":
        yield "wrong_tool", json_path(path)
    elif error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield kind, json_path((*path, name))
    elif error.validator == "additionalProperties" and error.validator_value is False:
        for name in _additional(error.schema, error.instance):
            yield kind, json_path((*path, name))
    else:
        yield kind, json_path(path)


def _additional(schema: Any, instance: Mapping[str, Any]) -> Iterable[str]:
    """The names in an object that are not `properties` of the schema and match none of its `patternProperties`."""
    patterns = schema.get("patternProperties", {})
    for name in instance:
        if name not in schema.get("properties", {}) and not any(matches(pattern, name) for pattern in patterns):
            yield name
