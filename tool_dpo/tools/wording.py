"""Write request templates for a tool that has none, from its description and the names of its parameters."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, combinations, islice
from typing import Any

from tool_dpo.schema.calls import call_schema, strict
from tool_dpo.schema.keywords import ALTERNATIVES, Schema
from tool_dpo.schema.violations import Validator, violations
from tool_dpo.tools.catalog import Speaker, one_type
from tool_dpo.tools.deeds import Deed, deed_of
from tool_dpo.tools.likeness import with_more_examples
from tool_dpo.tools.mentions import Mention, called, flag, is_time, phrase, with_unit
from tool_dpo.tools.names import split_words, words
from tool_dpo.tools.rules import named_by_rules
from tool_dpo.tools.tool import Tool, with_requests

_MOST_OPTIONAL = 6
_MOST_NESTED = 2
_MOST_CHOICES = 2**_MOST_OPTIONAL
_TRIALS = (0.0, 1.0, 0.5, 0.5, 0.5, 0.5)
"""Probabilities of an optional part. Values are drawn with each of them to check a parameter or a tool."""
_UNSAYABLE = frozenset("{}?|")
_UNQUOTED = {"enum", "const", "format", *ALTERNATIVES}


@dataclass(frozen=True)
class Shape:
    """The form of a request. `text` has places for the task (`do`, `Do`, or the tool's `name`), the required parameters
    (`given`) and the optional ones (`more`). `given` has the mentions that need no "with", then `lead`, the others
    joined by `link`, and `tail`. `each` is the form of one parameter if all are to have the same. `flag` is the form of
    a boolean, which stands after those and needs no `lead`; without it, booleans are said as others are. `quote` stands
    around free text."""

    text: str
    lead: str = " with "
    link: str = ", "
    tail: str = ""
    each: str = ""
    flag: str = "{slot}"
    quote: str = ""


_SHAPES = (
    Shape("{Do}{given}{more}."),
    Shape("Could you {do}{given}{more}?", quote="'"),
    Shape("{name}{given}{more}", lead=": ", each="{words} {slot}"),
    Shape("Please {do}{given}{more}.", quote='"'),
    Shape("I need to {do}{given}{more}."),
    Shape(
        "I promised a colleague to {do}.{given}{more} Can you take care of it?",
        lead=" ", link=" ", each="The {words}: {slot}.", flag="One more thing: {slot}.",
    ),
    Shape("{given}please {do}{more}", lead="", tail=": ", each="{words} {slot}", quote='"'),
    Shape("hi! can somebody {do} for me{given}{more}, thanks"),
    Shape("Is it possible to {do}{given}{more}?", quote='"'),
    Shape(
        "Can you {do}?{given}{more}",
        lead=" ", link=" ", each="Use {slot} as the {words}.", flag="And {slot}.", quote="'",
    ),
    Shape("I'd like you to {do}{given}{more}, please."),
)  # fmt: skip
_OTHERS = (
    Shape("{Do}{given}{more}."),
    Shape("{Do}{given}{more}, please.", quote='"'),
    Shape("hello, {do}{given}{more}", quote="'"),
)
"""Shapes for the other words for what a tool does."""
_NESTED = (
    Shape("({given}{more})", lead="", each="{words} {slot}", flag=""),
    Shape("({given}{more})", lead="", each="{words}: {slot}", flag=""),
)
_NESTED_OPEN = (
    Shape("(with{more})", link=" ", each="{words} {slot}", flag=""),
    Shape("(only{more})", link=" ", each="{words}: {slot}", flag=""),
)
_INSIDE = Deed("")
_QUOTES = re.compile("['\"]")
_BRACKETS = str.maketrans("[]", "()")


def word(tool: Tool) -> dict[str, Any]:
    """The tool in its OpenAI form with `requests`, and with an `x-phrase` for each nested object they mention.

    Optional parameters are not mentioned if no value can be drawn for them, or if they make calls that are not valid.

    Raises:
        ValueError: no value can be drawn for a required parameter, or the calls break the schema as a whole.
    """
    fault = ""
    for nested in (_MOST_NESTED, 0):
        parameters, required, optional = _sayable(tool.parameters, _MOST_OPTIONAL, nested)
        for said in [optional] if nested else _fewer_and_fewer(optional):
            texts = list(dict.fromkeys(_texts(tool, parameters, required, said)))
            broken = fault_of(with_requests(replace(tool, parameters=parameters), texts))
            fault = fault or broken
            if not broken:
                function = {"name": tool.name, "description": tool.description, "parameters": parameters}
                return {"type": "function", "function": function, "requests": texts}
    raise ValueError(f"its requests make calls that are not valid: {fault}")


def _fewer_and_fewer(names: list[str]) -> Iterator[list[str]]:
    """The names, then without one of them, without two, and so on. Of many, not each choice is tried."""
    choices = (combinations(names, size) for size in range(len(names), 0, -1))
    yield from map(list, islice(chain.from_iterable(choices), _MOST_CHOICES))
    yield []


def never_mentioned(tool: Tool) -> list[str]:
    """The parameters that no request of a tool mentions."""
    slots = (slot for one in tool.requests for segment in one.segments for slot in segment.slots)
    mentioned = {slot.name for slot in slots}
    return [name for name in tool.parameters.get("properties", {}) if name not in mentioned]


def _texts(tool: Tool, parameters: Schema, required: list[str], optional: list[str]) -> Iterator[str]:
    written = tool.written if split_words(tool.written) else tool.name
    deed, name = deed_of(written, tool.description), words(written)
    for style, shape in enumerate(_SHAPES):
        yield _text(shape, parameters, required, optional, deed, style, name)
    for style, (shape, other) in enumerate(zip(_OTHERS, deed.others, strict=False), 1):
        yield _text(shape, parameters, required, optional, deed, style, name, other)


def fault_of(tool: Tool) -> str:
    """What is wrong with the calls of a tool's requests, "" if they are valid."""
    schema = call_schema(tool.name, tool.parameters)
    for seed, optional in enumerate(_TRIALS):
        try:
            call = {"tool": tool.name, "parameters": Speaker(random.Random(seed), optional).request(tool).parameters}
        except ValueError as error:
            return str(error)
        if broken := violations(schema, call):
            return f"{broken[0].path}: {broken[0].message[:200]}"
    return ""


def _sayable(schema: Schema, most: int, nested: int) -> tuple[Schema, list[str], list[str]]:
    """An object schema, its required parameters, and optional ones that requests can mention.

    These are all that its rules name, and others, up to `most`, or as many as an object must have.
    """
    properties = dict(schema.get("properties", {}))
    required = list(dict.fromkeys(schema.get("required", [])))
    optional: list[str] = []
    most = max(most, schema.get("minProperties", 0) - len(required))
    for name in required:
        if name not in properties:
            raise ValueError(f"required {name!r} is not among its properties")
        properties[name] = _said(properties[name], name, nested)
    ruled = [name for name in named_by_rules(schema) if name in properties]
    for name in dict.fromkeys((*ruled, *properties)):
        if len(optional) >= most and (name not in ruled or not most):
            break
        if name not in required:
            try:
                properties[name] = _said(properties[name], name, nested)
            except ValueError:
                continue
            optional.append(name)
    return {**schema, "properties": properties}, required, optional


def _said(schema: Any, name: str, most: int) -> Any:
    """The schema of a parameter, with phrases for the objects in it. Values drawn for it are checked.

    Raises:
        ValueError: the values do not fit the schema, or the name cannot be used in a template.
    """
    if not name or _UNSAYABLE & set(name):
        raise ValueError(f"{name!r} cannot be used in a template")
    schema, reason = with_more_examples(schema, name), ""
    for fewer in dict.fromkeys((most, 0)):
        worded = _worded(schema, fewer)
        reason = _unfit(worded, name)
        if not reason:
            return worded
    raise ValueError(f"{name}: {reason}")


def _unfit(schema: Any, name: str) -> str:
    """The reason why values drawn for a schema are not valid, "" if they are."""
    try:
        values = [Speaker(random.Random(seed), chance).say(schema, name).value for seed, chance in enumerate(_TRIALS)]
    except ValueError as error:
        return str(error)
    if isinstance(schema, dict) and schema.get("type") == "boolean" and not {"enum", "const"} & schema.keys():
        values = [True, False]
    check = Validator(strict(schema) if isinstance(schema, dict) else schema)
    broken = next((fault for value in values for fault in check.iter_errors(value)), None)
    return f"no fitting value found: {broken.message[:200]}" if broken else ""


def _worded(schema: Any, most: int) -> Any:
    """The schema with an `x-phrase` for every object in it, where one can be made."""
    if not isinstance(schema, dict) or "x-phrase" in schema:
        return schema
    result = dict(schema)
    for keyword in ("items", "additionalProperties"):
        if keyword in result:
            result[keyword] = _worded(result[keyword], most)
    for keyword in ALTERNATIVES:
        if keyword in result:
            result[keyword] = [_worded(one, most) for one in result[keyword]]
    if not result.get("properties"):
        return result
    try:
        result, required, optional = _sayable(result, most, most)
    except ValueError:
        return result
    shapes = _NESTED if required else _NESTED_OPEN
    return {**result, "x-phrase": [_text(shape, result, required, optional) for shape in shapes]}


def _text(
    shape: Shape,
    schema: Schema,
    required: list[str],
    optional: list[str],
    deed: Deed = _INSIDE,
    style: int = 0,
    name: str = "",
    do: str = "",
) -> str:
    """A template. `style` numbers the ways to mention a parameter. `do` stands in place of the deed's own words."""
    said = {one: _mention(shape, one, schema["properties"][one], deed, style) for one in (*required, *optional)}
    for plain in (_by_name, words, _as_written):
        for one in _called_the_same(said):
            said[one] = _mention(shape, one, schema["properties"][one], deed, style, plain(one))
    alone = [said[one].text for one in required if said[one].alone]
    flags = [said[one].text for one in required if said[one].flag]
    others = [said[one].text for one in required if not (said[one].alone or said[one].flag)]
    given = f" {', '.join(alone)}" if alone else ""
    if others:
        lead = " " if others[0].startswith("with ") else shape.lead
        given += lead + shape.link.join(others) + shape.tail
    more = "".join([*(f"{shape.link}{one}" for one in flags), *(f"[{shape.link}{said[one].text}]" for one in optional)])
    do = do or deed.text
    return shape.text.format(do=do, Do=do[:1].upper() + do[1:], name=name, given=given, more=more)


def _mention(shape: Shape, name: str, schema: Any, deed: Deed, style: int, plain: str = "") -> Mention:
    """The words for a parameter in a template, with its slot; if they are given, those words."""
    boolean = isinstance(schema, dict) and schema.get("type") == "boolean"
    said = plain or called(name, {} if boolean else schema, deed, style)
    if boolean and shape.flag:
        return Mention(shape.flag.format(slot=flag(name, said)), flag=True)
    free = not isinstance(schema, dict) or (one_type(schema) == "string" and not _UNQUOTED & schema.keys())
    quote = shape.quote if free and not is_time(name, schema) else ""
    slot = f"{{{name}?yes|no}}" if boolean else f"{quote}{{{name}}}{quote}"
    if not shape.each and not plain and (known := phrase(name, schema, deed, style)):
        return Mention(known.replace("{}", slot), alone=True)
    said, unit = with_unit(said, schema)
    return Mention((shape.each or "{words} {slot}").format(words=said, slot=f"{slot}{unit}"))


def _called_the_same(said: dict[str, Mention]) -> list[str]:
    """The parameters whose mentions have the same words as another's."""
    texts = {one: _QUOTES.sub("", it.text.replace(f"{{{one}", "{")).lower() for one, it in said.items()}
    counts = Counter(texts.values())
    return [one for one, text in texts.items() if counts[text] > 1]


def _by_name(name: str) -> str:
    """The words of a name as they are without a command, and without "id"."""
    return called(name, {}, _INSIDE, 2)


def _as_written(name: str) -> str:
    """A name as it is, without the brackets of a template."""
    return name.translate(_BRACKETS)
