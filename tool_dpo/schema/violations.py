"""Find every rule of a call schema that a document breaks."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema_rs import ValidationErrorKind as Broken

from tool_dpo.kinds import KINDS, NOT_JSON, OTHER, WRONG_VALUE
from tool_dpo.schema.documents import DEEPEST, Place, alike, depth, differences, json_path, parse
from tool_dpo.schema.engine import compiled, errors, names_of, with_names
from tool_dpo.schema.keywords import (
    KIND_OF_KEYWORD,
    OPENING,
    PARTS,
    SCHEMA_LISTS,
    SCHEMA_MAPS,
    SUBSCHEMAS,
    Schema,
    parts,
)


@dataclass(frozen=True, order=True)
class Violation:
    """One fault: the rank of its kind in KINDS, its JSON path, its JSON Schema keyword, and the validator's message.

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

    def __str__(self) -> str:
        return f"{self.kind} at {self.path}: {self.message}"

    def __repr__(self) -> str:
        return f"<{self}>"


class Validator:
    """Checks documents against one schema (Draft 2020-12). It checks formats too, and downloads nothing."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._text = json.dumps(schema)
        self._by_name = '"patternProperties"' in self._text

    def iter_errors(self, document: Any) -> Iterator[Violation]:
        """Yield each fault of a document.

        Raises:
            ValueError: the document is nested too deeply or has a lone surrogate, or a pattern takes too long to match.
        """
        if depth(document) > DEEPEST:
            raise ValueError("nested too deeply")
        schema = with_names(self._schema, names_of(document)) if self._by_name else self._schema
        text = json.dumps(schema) if self._by_name else self._text
        return _faults(errors(compiled(text), document), schema)

    def is_valid(self, document: Any) -> bool:
        return next(self.iter_errors(document), None) is None


def violations(schema: Schema, document: Any) -> list[Violation]:
    """Every violation of a call schema in a document, the most serious kind first. A keyword counts once per place.

    Raises:
        ValueError: the document is nested too deeply, or a pattern takes too long to match.
    """
    return sorted({(one.keyword, one.path): one for one in Validator(schema).iter_errors(document)}.values())


def faults(schema: Schema, text: str, chosen: str | None = None) -> list[Violation]:
    """Everything that is wrong with an answer.

    This is one `json_error` if the text cannot be parsed or checked, otherwise every violation of the schema. If there
    is none and `chosen` (the correct answer, as JSON text) is given: one `wrong_value` for each place that differs. The
    order of several calls does not matter.
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
        for place in _differences(document, parse(chosen))
    ]


def fault(schema: Schema, text: str, chosen: str) -> str | None:
    """The most serious fault of an answer, one of kinds.KINDS; None if it equals the right answer `chosen`."""
    found = faults(schema, text, chosen)
    return found[0].kind if found else None


def _differences(document: Any, chosen: Any) -> Iterator[Place]:
    """Where two answers differ. Of several calls, these are the ones that are not among those of the other answer."""
    if not isinstance(document, list) or not isinstance(chosen, list):
        yield from differences(document, chosen)
        return
    left = list(chosen)
    for index, call in enumerate(document):
        same = next((number for number, other in enumerate(left) if alike(call, other)), None)
        if same is None:
            yield (index,)
        else:
            del left[same]
    if len(document) < len(chosen):
        yield ()


def _faults(found: list[Any], schema: Any) -> Iterator[Violation]:
    """The faults that errors of the validator mean. The errors of one list are those of one schema.

    Alternatives (`anyOf`, `oneOf`) give one fault, except "X or null": a value other than null has the faults of X.
    """
    for error in found:
        place: Place = tuple(error.instance_path)
        path: Place = tuple(error.schema_path)
        match error.kind:
            case Broken.AnyOf(context) | Broken.OneOfNotValid(context) if len(of_x := _but_null(context, error)) == 1:
                yield from _faults(of_x[0], schema)
            case Broken.PropertyNames(inner):
                yield from _faults([inner], schema)
            case Broken.Required(name):
                if path[-1] == "required":
                    place = (*place, name)
                yield _violation(str(path[-1]), place, error.message)
            case Broken.AdditionalProperties(names):
                for name in names:
                    yield _violation(error.kind.name, (*place, name), f'"{name}" is not among the properties')
            case Broken.UnevaluatedProperties(names):
                broken = _broken_parts(error, found, schema)
                for name in names:
                    if not any(_describes(part, name) for part in broken):
                        yield _violation(error.kind.name, (*place, name), f'"{name}" is not among the properties')
            case Broken.FalseSchema():
                yield _forbidden(place, path, error.message)
            case Broken.Contains():
                yield _violation(str(path[-1]), place, error.message)
            case Broken.Constant() | Broken.Enum() if _is_tool(place):
                yield Violation(KINDS.index("wrong_tool"), json_path(place), error.kind.name, error.message)
            case _:
                yield _violation(error.kind.name, place, error.message)


def _is_tool(place: Place) -> bool:
    """Whether a place is the name of the tool, in a call or in one of a list of calls."""
    return place == ("tool",) or (len(place) == 2 and isinstance(place[0], int) and place[1] == "tool")


def _broken_parts(closing: Any, found: list[Any], schema: Any) -> list[Any]:
    """The schemas that the object breaks, of those that describe it together with the one that closes it.

    Their properties do not count for `unevaluatedProperties` (Core, section 11.3), so the validator reports these as
    unknown too. That is not a fault of its own.
    """
    around = list(closing.evaluation_path[:-1])
    broken = []
    for error in found:
        path = error.evaluation_path
        if path[: len(around)] == around and len(path) > len(around) and path[len(around)] in PARTS:
            alone = path[len(around)] in SUBSCHEMAS
            broken.append(_schema_at(schema, path[: len(around) + (1 if alone else 2)]))
    return broken


def _schema_at(schema: Any, path: list[str | int]) -> Any:
    """The value at a place of a schema, or the last value on the way to it if a reference leads elsewhere."""
    for part in path:
        try:
            schema = schema[part]
        except (KeyError, IndexError, TypeError):
            break
    return schema


def _describes(schema: Any, name: str) -> bool:
    """Whether a schema, or one of a list of them, may describe a property."""
    if isinstance(schema, list):
        return any(_describes(one, name) for one in schema)
    return isinstance(schema, dict) and any(
        name in one.get("properties", {}) or any(keyword in one for keyword in OPENING)
        for one in (schema, *parts(schema))
    )


def _violation(keyword: str, place: Place, message: str) -> Violation:
    return Violation(KINDS.index(KIND_OF_KEYWORD.get(keyword, OTHER)), json_path(place), keyword, message)


def _forbidden(place: Place, path: Place, message: str) -> Violation:
    """The fault of a value whose schema is `false`: an unknown property, an item too many, or a failed condition."""
    *_, before, last = ("", "", *path)
    named = before in (*SCHEMA_MAPS, *SCHEMA_LISTS)
    keyword = str(before if named else last if last in SUBSCHEMAS else "false")
    if keyword in _OF_PROPERTIES:
        return Violation(KINDS.index("hallucinated_param"), json_path(place), keyword, message)
    return _violation(keyword, place[:-1] if keyword in _OF_ITEMS else place, message)


_OF_PROPERTIES = ("properties", "patternProperties", "additionalProperties", "unevaluatedProperties")
_OF_ITEMS = ("items", "prefixItems", "unevaluatedItems")


def _but_null(context: list[list[Any]], around: Any) -> list[list[Any]]:
    """The errors of each alternative, without the alternatives that allow only null for the value itself."""
    return [
        branch
        for branch in context
        if len(branch) != 1 or branch[0].instance_path != around.instance_path or not _wants_null(branch[0].kind)
    ]


def _wants_null(kind: Any) -> bool:
    match kind:
        case Broken.Type(types):
            return bool(types == ["null"])
        case Broken.Constant(value):
            return value is None
        case Broken.Enum(options):
            return bool(options == [None])
    return False
