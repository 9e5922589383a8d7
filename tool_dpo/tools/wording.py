"""Write request templates for a tool that has none, from its description and the names of its parameters."""

import random
import re
from dataclasses import dataclass, replace
from typing import Any

from tool_dpo.schema.calls import call_schema, strict
from tool_dpo.schema.keywords import ALTERNATIVES, Schema
from tool_dpo.schema.violations import Validator, violations
from tool_dpo.tools.catalog import Speaker, one_type
from tool_dpo.tools.names import words
from tool_dpo.tools.tool import Tool, phrases

_MOST_OPTIONAL = 6
_MOST_NESTED = 2
_TRIALS = (0.0, 1.0, 0.5, 0.5, 0.5, 0.5)
"""Probabilities of an optional part. Values are drawn with each of them to check a parameter or a tool."""
_LONGEST_DEED = 14
_VERBS = """
    accept activate add analyze apply approve archive assign associate attach authorize block book build buy
    calculate call cancel capture change check clear clone close compare complete compute confirm connect convert
    copy count create deactivate decline delete deploy destroy detach disable disconnect dismiss download draft
    edit enable enqueue estimate evaluate execute expire export fetch fill find finalize follow force generate get
    give grant hide import include install invite issue join leave link list load lock login logout look make mark
    merge migrate modify monitor move notify open order pause pay perform ping pin place post preview process
    provide publish push put query read rebuild receive record redeliver redeem refresh refund register reject
    release remove rename render reopen reorder replace reply report request require rerun reschedule reserve reset
    resolve restart restore resume retrieve retry return revert review revoke rotate run save scan schedule search
    select send set share show skip sort star start stop store submit subscribe summarize suspend sync synchronize
    tag test track transfer translate trigger unassign unblock unfollow unlink unlock unpin unstar unsubscribe
    update upgrade upload use validate verify view vote void wait watch write
""".split()  # noqa: SIM905
_UNITS = """
    ms seconds minutes hours days weeks months years km meters miles kg grams percent cents usd eur gbp bytes kb mb gb
""".split()  # noqa: SIM905
"""Units at the end of a name. They are written after the number: `timeout_ms` becomes "timeout 30 ms"."""
_NOT_IN_WORDS = re.compile(r"<[^>]*>|[\[\]{}|?`*\"]")
_UNSAYABLE = frozenset("{}?|")


@dataclass(frozen=True)
class Shape:
    """The form of a request. `text` has places for the task (`do`, `Do`, or the tool's `name`), the required parameters
    (`given`) and the optional ones (`more`). `given` is `lead`, the mentions joined by `link`, and `tail`. `mention` is
    the form of one parameter, `flag` that of a boolean. `quote` stands around free text."""

    text: str
    lead: str = " with "
    link: str = ", "
    tail: str = ""
    mention: str = "{words} {slot}"
    flag: str = "{slot}"
    quote: str = ""


_SHAPES = (
    Shape("{Do}{given}{more}."),
    Shape("Could you {do}{given}{more}?", quote="'"),
    Shape("{name}{given}{more}", lead=": "),
    Shape(
        "I promised a colleague to {do}.{given}{more} Can you take care of it?",
        lead=" ", link=" ", mention="The {words} is {slot}.", flag="One more thing: {slot}.",
    ),
    Shape("{given}please {do}{more}", lead="", tail=": ", quote='"'),
    Shape("We need to {do} today{given}{more}.", lead=": ", link="; ", mention="{words} = {slot}"),
    Shape("hi! can somebody {do} for me{given}{more}, thanks", lead=", using ", mention="{slot} as {words}"),
    Shape("Is it possible to {do}{given}{more}?", lead=", with ", quote='"'),
)  # fmt: skip
_NESTED = (Shape("({given}{more})", lead=""), Shape("({given}{more})", lead="", mention="{words}: {slot}"))
_NESTED_OPEN = (Shape("(as usual{more})"), Shape("(the standard one{more})", mention="{words}: {slot}"))


def word(tool: Tool) -> dict[str, Any]:
    """The tool in its OpenAI form with `requests`, and with an `x-phrase` for each nested object they mention.

    Optional parameters are not mentioned if no value can be drawn for them.

    Raises:
        ValueError: no value can be drawn for a required parameter, or the calls break the schema as a whole.
    """
    fault = ""
    for most, nested in ((_MOST_OPTIONAL, _MOST_NESTED), (0, 0)):
        parameters, required, optional = _sayable(tool.parameters, most, nested)
        deed = _deed(tool)
        texts = [_text(shape, parameters, required, optional, deed, words(tool.name)) for shape in _SHAPES]
        worded = replace(tool, parameters=parameters, requests=phrases(texts, parameters, "requests"))
        fault = _fault(worded)
        if not fault:
            function = {"name": tool.name, "description": tool.description, "parameters": parameters}
            return {"type": "function", "function": function, "requests": texts}
    raise ValueError(f"its requests make calls that are not valid: {fault}")


def _fault(tool: Tool) -> str:
    schema = call_schema(tool.name, tool.parameters)
    for seed, optional in enumerate(_TRIALS):
        call = {"tool": tool.name, "parameters": Speaker(random.Random(seed), optional).request(tool).parameters}
        if broken := violations(schema, call):
            return f"{broken[0].path}: {broken[0].message[:200]}"
    return ""


def _sayable(schema: Schema, most: int, nested: int) -> tuple[Schema, list[str], list[str]]:
    """An object schema, its required parameters, and at most `most` optional ones that requests can mention."""
    properties = dict(schema.get("properties", {}))
    required = list(dict.fromkeys(schema.get("required", [])))
    optional: list[str] = []
    for name in required:
        if name not in properties:
            raise ValueError(f"required {name!r} is not among its properties")
        properties[name] = _said(properties[name], name, nested)
    for name in properties:
        if len(optional) == most:
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
    reason = ""
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
    if isinstance(schema, dict) and schema.get("type") == "boolean":
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
    shape: Shape, schema: Schema, required: list[str], optional: list[str], deed: str = "", name: str = ""
) -> str:
    def mention(parameter: str) -> str:
        return _mention(shape, parameter, schema["properties"][parameter])

    given = shape.lead + shape.link.join(map(mention, required)) + shape.tail if required else ""
    more = "".join(f"[{shape.link}{mention(parameter)}]" for parameter in optional)
    return shape.text.format(do=deed, Do=deed[:1].upper() + deed[1:], name=name, given=given, more=more)


def _mention(shape: Shape, name: str, schema: Any) -> str:
    said = _called(name, schema)
    if isinstance(schema, dict) and schema.get("type") == "boolean":
        verb = said.split()[0] in _VERBS
        return shape.flag.format(
            slot=f"{{{name}?{said}|do not {said}}}" if verb else f"{{{name}?with {said}|without {said}}}"
        )
    plain = not isinstance(schema, dict) or (one_type(schema) == "string" and not {"enum", "format"} & schema.keys())
    quote = shape.quote if plain else ""
    what, _, unit = said.rpartition(" ")
    if what and unit in _UNITS and isinstance(schema, dict) and one_type(schema) in ("integer", "number"):
        return shape.mention.format(words=what, slot=f"{{{name}}} {unit}")
    return shape.mention.format(words=said, slot=f"{quote}{{{name}}}{quote}")


def _called(name: str, schema: Any) -> str:
    """The words for a parameter: its name, or the first words of its description if the name has one or two letters."""
    if len(name) <= 2 and name.lower() != "id" and isinstance(schema, dict):
        described = words(_clean(schema.get("description")).partition(".")[0]).split()
        described = described[1:] if described[:1] in (["the"], ["a"], ["an"]) else described
        if described and described != ["value"]:
            return " ".join(described[:4])
    said = words(name)
    return said.removeprefix("is ").removeprefix("has ")


def _deed(tool: Tool) -> str:
    """What the tool does, as a command: from its description, otherwise from its name."""
    sentence = re.split(r"[.;:!(\n]", _clean(tool.description))[0].split()
    if 1 < len(sentence) <= _LONGEST_DEED and (verb := _verb(sentence[0])):
        return " ".join([verb, *sentence[1:]]).rstrip(",")
    name = words(tool.name).split()
    for index, one in enumerate(name):
        if verb := _verb(one):
            return " ".join([verb, *name[:index], *name[index + 1 :]])
    return f"use {' '.join(name)}"


def _verb(first: str) -> str:
    """The base form of a verb ("create" for "Creates"), "" for any other word."""
    low = first.lower()
    forms = (low, low.removesuffix("s"), low.removesuffix("es"), f"{low.removesuffix('ies')}y")
    return next((form for form in forms if form in _VERBS), "")


def _clean(text: Any) -> str:
    return " ".join(_NOT_IN_WORDS.sub(" ", str(text or "")).split())
