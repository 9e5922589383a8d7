"""What a format is: how a request to some tools is put to a model, and how its answer is read back."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from tool_dpo.schema.calls import strict
from tool_dpo.schema.forms import read_form
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import faults


class Asked(Protocol):
    """A request to some tools, in the forms that the formats need."""

    @property
    def prompt(self) -> str:
        """The request with the tools below it, as in the plain format."""

    @property
    def request(self) -> str:
        """The request alone."""

    @property
    def tools(self) -> str:
        """The tools alone: a list in the OpenAI function format, as JSON text."""


@dataclass(frozen=True)
class Question:
    """See `Asked`."""

    prompt: str
    request: str
    tools: str


@dataclass(frozen=True)
class Reading:
    """What a format reads in an answer, as JSON text.

    call: what the whole answer is: one call `{"tool": name, "parameters": {...}}`, a list of several calls, or words
        without a call, `{"tool": null, "message": words}`. If it is none of these, this is "", or as broken as it is.
    found: the first call in the answer, whatever stands around it; None if there is none.
    """

    call: str
    found: str | None


class Format(Protocol):
    """Puts requests to a model, and writes and reads answers (see `Reading`) in the model's words."""

    def chat(self, asked: Asked) -> dict[str, Any]:
        """The arguments of `apply_chat_template`: the `conversation`, and its `tools`, None if the prompt has them."""

    def write(self, call: str, chosen: str) -> str:
        """The answer, without the end of its turn, that `read` reads as `call`. `chosen` is the right answer.

        Both are JSON text, as in `Reading`, but `call` may have a fault that makes it no call. What the format cannot
        write is not read as it was: see `agrees`.
        """

    def read(self, answer: str) -> Reading:
        """The call or calls in an answer, or its words."""

    def around(self, tool: str) -> tuple[str, str]:
        """What stands before and after the arguments in an answer that calls a tool.

        Raises:
            ValueError: the format does not write arguments as JSON.
        """


def agrees(form: Format, schema: Schema, call: str, chosen: str, fault: str | None) -> bool:
    """Whether an answer is the same when it is written and read in a format.

    Calls and words must be read as they were. Of anything else, it is enough to have the same most serious fault.
    """
    read = form.read(form.write(call, chosen)).call
    if any(read_form(call)):
        return not faults({}, read, call)
    found = faults(schema, read, chosen)
    return (found[0].kind if found else None) == fault


def function_tool(name: str, description: str, parameters: Schema) -> dict[str, Any]:
    """A tool in the OpenAI function format."""
    described = {"description": description} if description else {}
    return {"type": "function", "function": {"name": name, **described, "parameters": parameters}}


def tools_text(tools: Iterable[tuple[str, str, Schema]]) -> str:
    """Tools as the `tools` of a request: a list in the OpenAI function format, as JSON text, with strict parameters.

    A tool is its name, its description, and the schema of its parameters.
    """
    return as_text([function_tool(name, description, strict(parameters)) for name, description, parameters in tools])


def as_text(document: Any) -> str:
    """A document as JSON text, spaced as chat templates write it."""
    return json.dumps(document, ensure_ascii=False)
