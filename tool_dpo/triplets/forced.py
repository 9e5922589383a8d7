"""The likeliest call to a tool that a request is not for: valid, with what the request says wherever that fits."""

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tool_dpo.schema.calls import call_schema, strict
from tool_dpo.schema.violations import Validator, violations
from tool_dpo.tools.catalog import Request, Speaker, one_type
from tool_dpo.tools.names import split_words, word_set
from tool_dpo.tools.tool import Tool
from tool_dpo.triplets.edits import Edit, Site, sites_of

_EMPTY = word_set(
    """
    a about all am an and any are as at be by can could did do does for from get give had has have help hey hi how i id
    if in is it its let like me my need new no not of on one or our please pls set show so some tell than that the their
    them then there these they this to up us use user want was we were what when where which who whose why will with
    would you your
    """
)
"""Words that say little of what a request is about."""
_NAME = re.compile(r"(?<=\w )[A-Z][\w'-]*(?: [A-Z][\w'-]*)*")
_WORD = re.compile(r"[\w'-]+")
_NUMBER = re.compile(r"(?<![\w.-])\d+(?![\w.-])")
_LONGEST_TEXT = 60
_FIXED = {"enum", "const", "format", "pattern", "x-faker"}


def topic(text: str) -> set[str]:
    """The words of a text that say what it is about, without the plural's s."""
    return {word.removesuffix("s") for word in split_words(text)} - _EMPTY


def topic_of(tool: Tool) -> set[str]:
    """The words of a tool's name and description that say what it does."""
    return topic(tool.name) | topic(tool.description)


def likeliest(tools: Sequence[Tool], request: str) -> Tool:
    """The tool whose words are most like those of the request; the first of several."""
    asked = topic(request)
    return max(tools, key=lambda tool: len(topic_of(tool) & asked))


def forced(tool: Tool, request: Request, rng: random.Random) -> dict[str, Any]:
    """The required parameters of a tool. They have the values of the request where these fit, first those of the same
    name. Texts may have words of the request. All others are drawn.

    Raises:
        ValueError: no valid values are found.
    """
    speaker = Speaker(rng, 0)
    properties = tool.parameters.get("properties", {})
    drawn = {name: speaker.say(properties[name], name).value for name in tool.parameters.get("required", [])}
    schema = call_schema(tool.name, tool.parameters)
    if broken := violations(schema, {"tool": tool.name, "parameters": drawn}):
        raise ValueError(f"its call is not valid: {broken[0].path}: {broken[0].message}")
    left = [*_leaves(request.parameters.values()), *map(int, _NUMBER.findall(request.text))]
    words = list(_words(request.text))
    for site in list(sites_of(Site((), tool.parameters, drawn))):
        if isinstance(site.value, dict | list | bool):
            continue
        fits = Validator(strict(site.schema))
        same = [value for name, value in request.parameters.items() if name == site.path[-1]]
        for value in [*same, *left, *(words if _takes_words(site) else [])]:
            if type(value) is not type(site.value) or not fits.is_valid(value):
                continue
            changed = Edit(site.path, value).applied(drawn)
            if violations(schema, {"tool": tool.name, "parameters": changed}):
                continue
            drawn = changed
            left, words = ([one for one in some if one != value] for some in (left, words))
            break
    return drawn


def _takes_words(site: Site) -> bool:
    """Whether a place takes any text. Of the items of a list, only the first is filled with words of a request."""
    if not isinstance(site.value, str) or one_type(site.schema) != "string" or _FIXED & site.schema.keys():
        return False
    return isinstance(site.path[-1], str) or site.path[-1] == 0


def _leaves(values: Iterable[Any]) -> Iterator[Any]:
    """The values that are no lists and no objects, also those inside."""
    for value in values:
        if isinstance(value, dict | list):
            yield from _leaves(value.values() if isinstance(value, dict) else value)
        elif not isinstance(value, bool) and value is not None:
            yield value


def _words(request: str) -> Iterator[str]:
    """Words of a request that may fill a text: names in it, what it is about, and the request itself."""
    yield from dict.fromkeys(_NAME.findall(request))
    words = _WORD.findall(request)
    while words and words[0].lower() in _EMPTY:
        words = words[1:]
    phrase = " ".join(words)
    if len(phrase) <= _LONGEST_TEXT:
        yield phrase
    yield request[:_LONGEST_TEXT].rpartition(" ")[0] if len(request) > _LONGEST_TEXT else request
