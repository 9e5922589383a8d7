"""What a model is asked, in the forms that the formats need, and the two ways between a call and a model's text."""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from tool_dpo.schema.keywords import Schema


class Asked(Protocol):
    """What a model is asked. `prompt` is the request with the tools below it, as in the plain format. `request` is the
    request alone, and `tools` the tools alone: a list in the OpenAI function format, as JSON text.
    """

    @property
    def prompt(self) -> str: ...
    @property
    def request(self) -> str: ...
    @property
    def tools(self) -> str: ...


@dataclass(frozen=True)
class Question:
    """A request to some tools, as `Asked` describes it."""

    prompt: str
    request: str
    tools: str


class Format(Protocol):
    """How a request is put to a model, and how a call is written in the model's words."""

    def chat(self, asked: Asked) -> dict[str, Any]:
        """The arguments of `apply_chat_template`: `conversation`, and `tools` if the template gets them."""

    def write(self, call: str, chosen: str) -> str:
        """An answer in the model's words. `call` is JSON text, or not JSON; `chosen` is the right call, JSON text."""

    def read(self, text: str) -> str | None:
        """The call in a model's answer, as JSON text; None if the whole answer is not exactly one call."""


def function_tool(name: str, description: str, parameters: Schema) -> dict[str, Any]:
    """A tool in the OpenAI function format."""
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": {key: value for key, value in function.items() if value != ""}}


def as_text(tools: list[dict[str, Any]]) -> str:
    """Tools as JSON text."""
    return json.dumps(tools, ensure_ascii=False)
