"""The model's own tool format. Its chat template writes prompts and calls; its response template reads answers back."""

import json
import re
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tool_dpo.formats.format import Asked, Reading

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_HERMES = tuple(Path(__file__).with_name(name) for name in ("hermes.jinja", "hermes.json"))
"""The chat template and the response template of a ChatML model whose own template has no tools."""

_MARK = "@@"
_TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
_CALL = json.dumps({"tool": "look_up", "parameters": {"text": "a \"b\" é", "deep": [{"n": -1.5, "on": True}, None]}})
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\S', re.DOTALL)


def templates_for(tokenizer: "PreTrainedTokenizerBase") -> tuple[str, str]:
    """The chat template and the response template (JSON text) that `Native` needs: the tokenizer's own, if it has
    tools; otherwise those of ChatML with Hermes calls, `<tool_call>{"name": ..., "arguments": ...}</tool_call>`.

    Raises:
        ValueError: neither write and read calls with this tokenizer.
    """
    from trl.chat_template_utils import add_response_schema

    own = copy(tokenizer)
    with suppress(ValueError):  # it knows the templates of the common families
        if not getattr(own, "response_template", None):
            own = add_response_schema(own)
        Native(own)
        return str(own.chat_template), json.dumps(own.response_template)
    chat, response = (path.read_text(encoding="utf-8") for path in _HERMES)
    own.chat_template, own.response_template = chat, json.loads(response)
    Native(own)
    return chat, response


class Native:
    """The format of a tokenizer with a chat template that takes tools and a response template.

    An answer is the content of an assistant's message: what the template writes for `tool_calls` between the start and
    the end of the turn. So a broken call, which `tool_calls` cannot hold, is written as content.

    Raises:
        ValueError: the tokenizer has no response template, or its templates lose tools or calls.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._tokenizer = tokenizer
        if not getattr(tokenizer, "response_template", None):
            raise ValueError("the tokenizer has no response template, which reads a call back")
        bare = self._render([])
        if _TOOL["function"]["name"] not in self._render([], tools=[_TOOL]):
            raise ValueError("the chat template leaves out the tools")
        written = self._render([{"role": "assistant", "content": _MARK}])
        self._before, _, self._after = written.removeprefix(bare).partition(_MARK)
        if self.read(self.write(_CALL, _CALL)).call != _canonical(_CALL):
            raise ValueError("the response template does not read what the chat template writes for a call")

    def chat(self, asked: Asked) -> dict[str, Any]:
        return {"conversation": [{"role": "user", "content": asked.request}], "tools": json.loads(asked.tools)}

    def write(self, call: str, chosen: str) -> str:
        """A call as the template writes it. What is no call gets the fault of `call` into the text of `chosen`."""
        made = _parsed(call)
        if made is not None:
            return self._written(made)
        right = _parsed(chosen)
        assert right is not None
        arguments = json.dumps(right["parameters"], ensure_ascii=False)
        head, _, tail = chosen.partition(arguments)
        before, _, after = self._written(right).partition(arguments)
        found = call.find(head)
        if found < 0 or not before:
            return call
        inside = call[found + len(head) :]
        if inside.endswith(tail):
            return call[:found] + before + inside.removesuffix(tail) + after
        return call[:found] + before + inside

    def read(self, answer: str) -> Reading:
        found = self._found(answer)
        if found is None:
            return Reading("", None)
        text = json.dumps(found, ensure_ascii=False)
        whole = _tokens(self._written(found)) == _tokens(answer)
        return Reading(text if whole else "", text)

    def _found(self, answer: str) -> dict[str, Any] | None:
        """The first call in an answer."""
        try:
            function = self._tokenizer.parse_response(answer, prefix="")["tool_calls"][0]["function"]
            return {"tool": function["name"], "parameters": function["arguments"]}
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None

    def _written(self, call: dict[str, Any]) -> str:
        function = {"name": call["tool"], "arguments": call["parameters"]}
        message = {"role": "assistant", "tool_calls": [{"type": "function", "function": function}]}
        text = self._render([message]).removeprefix(self._render([]))
        return text.removeprefix(self._before).removesuffix(self._after)

    def _render(self, answer: list[dict[str, Any]], tools: list[dict[str, Any]] | None = None) -> str:
        conversation = [{"role": "user", "content": "?"}, *answer]
        return str(self._tokenizer.apply_chat_template(conversation, tools=tools, tokenize=False))


def _parsed(call: str) -> dict[str, Any] | None:
    """A call of the plain format, if it is a JSON object with a name and parameters and nothing else."""
    try:
        made = json.loads(call)
    except (ValueError, RecursionError):
        return None
    fits = isinstance(made, dict) and made.keys() == {"tool", "parameters"} and isinstance(made["tool"], str)
    return made if fits else None


def _canonical(call: str) -> str:
    return json.dumps(json.loads(call), ensure_ascii=False)


def _tokens(text: str) -> list[Any]:
    """A text without white space outside of strings. Strings and numbers are values: `1e2` is `100.0`."""
    return [json.loads(one) if one[0] in '"-0123456789' and len(one) > 1 else one for one in _TOKEN.findall(text)]
