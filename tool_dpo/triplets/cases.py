"""Cases as text: the prompt that lists their tools, the question to a model, and the call of each."""

import random
import re
from collections.abc import Callable, Sequence
from typing import Any

from tool_dpo.formats.format import Question, tools_text
from tool_dpo.formats.plain import prompt
from tool_dpo.schema.keywords import Schema
from tool_dpo.triplets.augment import Case

Write = Callable[[str, Schema], str]
"""Writes a tool, given its name and its parameters: `formats.plain.signature` or `definition`."""


def call_of(case: Case) -> dict[str, Any]:
    """The call of a case."""
    return {"tool": case.tool, "parameters": case.values}


def question_of(request: str, cases: Sequence[Case], write: Write) -> Question:
    """A request to the tools of the cases, in the forms that the formats need."""
    return Question(prompt_of(request, cases, write), request, tools_of(cases))


def prompt_of(request: str, cases: Sequence[Case], write: Write) -> str:
    """A request with the tools of the cases below it."""
    return prompt(request, *((case.tool, case.parameters) for case in cases), written=write)


def tools_of(cases: Sequence[Case]) -> str:
    """The tools of the cases in the OpenAI function format, as JSON text."""
    return tools_text((one.tool, one.description, one.parameters) for one in cases)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text. Near-duplicates have the same words and differ in case, punctuation and spaces."""
    return tuple(re.findall(r"\w+", text.lower()))


def ended(request: str, rng: random.Random) -> str:
    """The request, half the time with a full stop after its last value. It is not part of the value."""
    return f"{request}." if request[-1:].isalnum() and rng.random() < 0.5 else request
