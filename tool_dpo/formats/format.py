"""What a format is: how a request to some tools is put to a model, and how its answer is read back."""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from tool_dpo.schema.keywords import Schema


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
    """What a format reads in an answer, as the JSON text of calls like `{"tool": name, "parameters": {...}}`.

    call: the call that the whole answer is. If it is no call, this is no JSON.
    found: the first call in the answer, whatever stands around it; None if there is none.
    """

    call: str
    found: str | None


class Format(Protocol):
    """Puts requests to a model, and writes and reads calls in the model's words."""

    def chat(self, asked: Asked) -> dict[str, Any]:
        """The arguments of `apply_chat_template`: the `conversation`, and its `tools`, None if the prompt has them."""

    def write(self, call: str, chosen: str) -> str:
        """The answer, without the end of its turn, that `read` reads as `call`. `chosen` is the right call.

        Both are JSON text, but `call` may have a fault that makes it no call.
        """

    def read(self, answer: str) -> Reading:
        """The call in an answer."""


def function_tool(name: str, description: str, parameters: Schema) -> dict[str, Any]:
    """A tool in the OpenAI function format."""
    described = {"description": description} if description else {}
    return {"type": "function", "function": {"name": name, **described, "parameters": parameters}}


def as_text(tools: list[dict[str, Any]]) -> str:
    """Tools as JSON text."""
    return json.dumps(tools, ensure_ascii=False)
