"""The model's own tool format. Its chat template writes prompts and answers; its response template reads them back."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, TemplateError, meta

from tool_dpo.formats.format import Asked, Reading, as_text
from tool_dpo.schema.documents import alike, parse
from tool_dpo.schema.forms import calls_in, is_message, message_in, no_call

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_HERMES = Path(__file__).with_name("hermes.jinja")
"""The chat template of a ChatML model whose own template has no tools."""
_RESPONSES = Path(__file__).with_name("responses")
"""Response templates for chat templates that come without one."""
_CHATML = "<|im_end|>"

_ALWAYS_SET = {"messages", "tools", "add_generation_prompt"}
_GENERATION = re.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")
"""Tags of transformers, which Jinja itself does not know."""

_MARK = "@@"
_TOOL = {
    "type": "function",
    "function": {"name": "look_up", "description": "Looks up.", "parameters": {"type": "object", "properties": {}}},
}
_CALL = {
    "tool": "look_up",
    "parameters": {"text": 'a "b" é', "digits": "10", "on": True, "deep": [{"n": -1.5, "on": False}, "x"]},
}
"""Some families lose what is not here, such as null. `agrees` finds the calls with which that happens."""
_TAG = re.compile(r"<[^<>\s]+>")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\S', re.DOTALL)


def templates_for(tokenizer: "PreTrainedTokenizerBase", variables: Mapping[str, Any]) -> tuple[str, str]:
    """The chat template, with the values of `variables` set in it, and the response template (JSON text).

    The chat template is the tokenizer's own if it has tools. A ChatML model without gets one with Hermes calls,
    `<tool_call>{"name": ..., "arguments": ...}</tool_call>`. The response template is the first that reads what the
    chat template writes: the tokenizer's own, TRL's for this chat template, or one of this project.

    Raises:
        ValueError: there is no such pair, or the chat template does not use one of the variables.
    """
    own = copy(tokenizer)
    tools, reason = False, "its chat template leaves out the tools" if own.chat_template else "no chat template"
    with suppress(TemplateError, ValueError, TypeError):  # there is no chat template, or it takes no such chat
        tools = _shows_tools(own)
    if tools:
        own.chat_template = own.get_chat_template(tools=[_TOOL])
    elif _CHATML in own.get_vocab():
        own.chat_template = _HERMES.read_text(encoding="utf-8")
        own.eos_token = own.pad_token = _CHATML
    else:
        raise ValueError(f"{reason}, and without {_CHATML} in its vocabulary it cannot have that of this project")
    responses = list(_responses(own))
    for name in variables.keys() - _variables(own.chat_template):
        raise ValueError(f"the chat template has no variable {name!r}")
    own.chat_template = "".join(
        f"{{%- set {name} = {json.dumps(value, ensure_ascii=False)} -%}}\n" for name, value in variables.items()
    ) + str(own.chat_template)
    reasons = []
    for response in responses:
        own.response_template = response
        try:
            Native(own)
        except ValueError as error:
            reasons.append(str(error))
        else:
            return str(own.chat_template), json.dumps(response)
    raise ValueError(reasons[0])


def _variables(chat_template: str) -> set[str]:
    """The variables of a chat template that can be set, beside those that every engine sets."""
    environment = Environment(extensions=["jinja2.ext.loopcontrols"])
    source = _GENERATION.sub("", chat_template)
    return meta.find_undeclared_variables(environment.parse(source)) - _ALWAYS_SET - environment.globals.keys()


def _shows_tools(tokenizer: "PreTrainedTokenizerBase") -> bool:
    shown = tokenizer.apply_chat_template([{"role": "user", "content": "?"}], tools=[_TOOL], tokenize=False)
    return _TOOL["function"]["name"] in shown  # type: ignore[index]


def _responses(tokenizer: "PreTrainedTokenizerBase") -> Iterator[dict[str, Any]]:
    from trl.chat_template_utils import add_response_schema

    known = copy(tokenizer)
    if not getattr(known, "response_template", None):
        with suppress(ValueError):  # TRL knows no response template for this chat template
            known = add_response_schema(known)
    if getattr(known, "response_template", None):
        yield known.response_template
    for path in sorted(_RESPONSES.iterdir()):
        yield json.loads(path.read_text(encoding="utf-8"))


class Native:
    """The format of a tokenizer with a chat template that takes tools and a response template.

    An answer is what the chat template writes for a call, or for several, between the start and the end of the
    assistant's turn. It is trained as the content of a message, because a broken call cannot be put into `tool_calls`.
    Words without a call are the content itself; they have no piece of a call in them: no brace, and no tag.

    Raises:
        ValueError: the tokenizer has no response template, or its templates lose tools, calls or values.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._tokenizer = tokenizer
        if not getattr(tokenizer, "response_template", None):
            raise ValueError("the tokenizer has no response template, which reads a call back")
        self._around: dict[tuple[str, ...], list[str]] = {}
        special = (token.content for token in tokenizer.added_tokens_decoder.values() if token.special)
        self._marks = {"{", "}", *filter(str.strip, special)}
        try:
            self._check()
        except (TemplateError, TypeError) as error:
            raise ValueError(f"the chat template cannot write a call: {error}") from None

    def _check(self) -> None:
        if not _shows_tools(self._tokenizer):
            raise ValueError("the chat template leaves out the tools")
        self._start = self._render([], add_generation_prompt=True)
        before, _, self._end = self._render([{"role": "assistant", "content": _MARK}]).partition(_MARK)
        if before != self._start:
            extra = before.removeprefix(self._start)
            raise ValueError(
                f"the chat template starts an answer with {extra!r}, but does not ask for one with it: "
                "expected variables under template that make both alike, such as enable_thinking: false"
            )
        if not self._end.startswith(str(self._tokenizer.eos_token)):
            raise ValueError(f"the chat template ends an answer with {self._end!r}, which is no token to stop at")
        text = self._written([_CALL])
        self._marks |= {*_TAG.findall(text)}
        if self._render([{"role": "assistant", "content": text}]) != self._start + text + self._end:
            raise ValueError("the chat template does not write a call as content")
        texts = [self._start, self._start + text]
        asked, whole = self._tokenizer(texts, add_special_tokens=False)["input_ids"]
        if whole[: len(asked)] != asked:
            raise ValueError("the tokenizer joins the end of a prompt with the answer")
        call = self.read(text).call
        if not call or not alike(json.loads(call), _CALL):
            raise ValueError("the response template does not read the call that the chat template writes")

    def chat(self, asked: Asked) -> dict[str, Any]:
        return {"conversation": [{"role": "user", "content": asked.request}], "tools": json.loads(asked.tools)}

    def write(self, call: str, chosen: str) -> str:
        made, right = _parsed(call), _parsed(chosen)
        if isinstance(made, str):
            return made
        with suppress(ValueError, TypeError, TemplateError):  # not every template takes several calls, or any arguments
            if made:
                return self._written(made)
            if isinstance(right, list):
                return _with_fault(call, chosen, right, self._written(right))
        return call

    def read(self, answer: str) -> Reading:
        try:
            message = self._tokenizer.parse_response(answer + self._end, prefix=self._start)
            answer.encode()  # half a surrogate pair is no text
            if "tool_calls" not in message:
                return Reading(self._words(answer.strip(), message), None)
            functions = [one["function"] for one in message["tool_calls"]]
            calls = [{"tool": one["name"], "parameters": one["arguments"]} for one in functions]
            text, found = as_text(calls if len(calls) > 1 else calls[0]), as_text(calls[0])
            text.encode()  # nor is one that JSON escapes
            whole = all(map(calls_in, calls)) and self._is_written(calls, answer)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError, TemplateError):
            return Reading("", None)
        return Reading(text if whole else "", found)

    def _is_written(self, calls: Sequence[Mapping[str, Any]], answer: str) -> bool:
        """Whether an answer is what the chat template writes for these calls."""
        with suppress(ValueError, TypeError, TemplateError):
            return _tokens(self._written(calls)) == _tokens(answer)
        return False

    def _words(self, text: str, message: Mapping[str, Any]) -> str:
        """The JSON text of an answer in words; "" if a piece of a call is in them, or the template changes them."""
        if message != {"role": "assistant", "content": text} or not is_message(text):
            return ""
        if any(mark in text for mark in self._marks):
            return ""
        written = self._render([{"role": "assistant", "content": text}])
        return no_call(text) if written == self._start + text + self._end else ""

    def around(self, tool: str) -> tuple[str, str]:
        before, after = self._between((tool,))
        return before, after

    def _between(self, tools: tuple[str, ...]) -> list[str]:
        """What stands before, between and after the arguments of calls to these tools.

        Raises:
            ValueError: the chat template does not write arguments as JSON.
            TemplateError: it does not write several calls.
        """
        if tools not in self._around:
            marked = {_MARK: 1}
            rendered = self._rendered([{"tool": tool, "parameters": marked} for tool in tools])
            parts = rendered.split(as_text(marked))
            if len(parts) != len(tools) + 1:
                raise ValueError("the chat template does not write the arguments of a call as JSON")
            self._around[tools] = parts
        return self._around[tools]

    def _written(self, calls: Sequence[Mapping[str, Any]]) -> str:
        """Calls as the chat template writes them. Their arguments may be other than objects, which it may not take."""
        try:
            first, *rest = self._between(tuple(call["tool"] for call in calls))
        except ValueError:
            return self._rendered(calls)
        arguments = [as_text(call["parameters"]) for call in calls]
        return first + "".join(one + after for one, after in zip(arguments, rest, strict=True))

    def _rendered(self, calls: Sequence[Mapping[str, Any]]) -> str:
        """Calls written by the chat template itself."""
        from transformers.utils.chat_parsing.response_templates import load_response_template

        functions = [{"name": call["tool"], "arguments": call["parameters"]} for call in calls]
        made = [{"type": "function", "function": function} for function in functions]
        message = {"role": "assistant", "content": "", "tool_calls": made}
        text = self._render([message])
        if not text.startswith(self._start):
            raise ValueError("the chat template starts a call otherwise than it asks for an answer")
        text = text.removeprefix(self._start)
        if text.endswith(self._end):
            return text.removesuffix(self._end)
        field = load_response_template(self._tokenizer.response_template).fields["tool_calls"]
        *_, last = [0, *(found.end() for found in field.close_re.finditer(text))]
        return text[:last]  # after a call some templates ask for the tool's answer, and do not end the turn

    def _render(self, answer: list[dict[str, Any]], **settings: Any) -> str:
        conversation = [{"role": "user", "content": "?"}, *answer]
        return str(self._tokenizer.apply_chat_template(conversation, tools=[_TOOL], tokenize=False, **settings))


def _with_fault(call: str, chosen: str, right: Sequence[Mapping[str, Any]], written: str) -> str:
    """What is no call, written as the right answer is, with the same fault. `right` are the calls of `chosen`."""
    if chosen in call:
        return call.replace(chosen, written)
    arguments = as_text(right[0]["parameters"])
    head, _, tail = chosen.partition(arguments)
    before, _, after = written.partition(arguments)
    found = call.find(head)
    if found < 0 or not after or len(right) > 1:
        return call
    inside = call[found + len(head) :]
    if inside.endswith(tail):
        return call[:found] + before + inside.removesuffix(tail) + after
    return call[:found] + before + inside


def _parsed(call: str) -> list[dict[str, Any]] | str | None:
    """The calls in JSON text, if each has a name and parameters and nothing else; or the words of an answer without."""
    try:
        document = parse(call)
    except ValueError:
        return None
    made = calls_in(document)
    if made:
        return made if all(one.keys() == {"tool", "parameters"} for one in made) else None
    return message_in(document)


def _tokens(text: str) -> list[Any]:
    """A text without white space outside of strings. Strings and numbers are values: `1e2` is `100.0`."""
    return [_value(one) if one[0] in '"-0123456789' else one for one in _TOKEN.findall(text)]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
