"""Ask a trained model to call tools, and check each call against the schema of its tool."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from tool_dpo.errors import InputError, one_line
from tool_dpo.formats.format import Format, Question, tools_text
from tool_dpo.formats.plain import prompt
from tool_dpo.models.decode import decode
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import load_format, load_tokenizer, read_weights
from tool_dpo.schema.calls import call_schema, calls_schema, several_schema
from tool_dpo.schema.forms import read_form
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import Violation, faults
from tool_dpo.tools.given import Tools, given_tools

if TYPE_CHECKING:
    from transformers import LogitsProcessor, PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class ToolCall:
    """A call to one tool: its name, as it was given, and the arguments, None if they are no JSON object."""

    name: str
    arguments: dict[str, Any] | None


@dataclass(frozen=True)
class Call:
    """What a model answered: one tool call, several, or words without a call.

    calls: the calls, in order; of a broken answer only the first; none if the model did not call.
    message: the words of a model that did not call, such as a question for a missing value; else None.
    violations: what is wrong with the answer, most serious first; empty if it is valid calls and nothing else, or words
        and nothing else. The `path` of a violation is a JSON path in `{"name": ..., "arguments": {...}}`, or, if there
        are several calls, in a list of these.
    text: the whole answer, as the model wrote it.
    """

    calls: tuple[ToolCall, ...]
    message: str | None
    violations: tuple[Violation, ...]
    text: str

    @property
    def name(self) -> str | None:
        """The name of the tool of the first or only call; None if there is no call."""
        return self.calls[0].name if self.calls else None

    @property
    def arguments(self) -> dict[str, Any] | None:
        """The arguments of the first or only call; None if it has none that are a JSON object."""
        return self.calls[0].arguments if self.calls else None

    def record(self) -> dict[str, Any]:
        """The answer as JSON."""
        told = [
            {"kind": one.kind, "path": one.path, "keyword": one.keyword, "message": one.message}
            for one in self.violations
        ]
        return {
            "name": self.name,
            "arguments": self.arguments,
            "calls": [asdict(one) for one in self.calls],
            "message": self.message,
            "violations": told,
            "text": self.text,
        }

    def line(self) -> str:
        """The answer as one line for people: the call, a list of several, or the words."""
        if not self.calls or any(one.arguments is None for one in self.calls):
            return one_line(self.message or self.text)
        made = [asdict(one) for one in self.calls]
        return json.dumps(made if len(made) > 1 else made[0], ensure_ascii=False)


class ToolCaller:
    """A trained model that answers requests with calls to tools, or in words if no tool fits or a value is missing.

    >>> caller = ToolCaller.load("models/dpo")
    >>> def remind(who: Literal["Ana", "Bo"], urgent: bool) -> None:
    ...     '''Remind a person of something.'''
    >>> call = caller("Remind Ana, it is urgent", tools=[remind], constrained=True)
    >>> call.name, sorted(call.arguments), call.violations
    ('remind', ['urgent', 'who'], ())
    """

    def __init__(
        self, model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", form: Format, max_length: int
    ) -> None:
        """Use a model that is loaded. A prompt must have fewer than `max_length` tokens."""
        self._model, self._tokenizer, self._form, self._max_length = model, tokenizer, form, max_length

    @classmethod
    def load(cls, folder: Path | str) -> "ToolCaller":
        """Load the model of a folder, such as `models/dpo`.

        Raises:
            InputError: the folder holds no model, or the model cannot be loaded.
        """
        folder = Path(folder)
        weights, tokenizer = read_weights(folder), load_tokenizer(folder)
        return cls(load_model(folder), tokenizer, load_format(folder, tokenizer), weights.max_length)

    @overload
    def __call__(
        self,
        request: str,
        tools: Tools,
        *,
        constrained: bool = ...,
        max_new_tokens: int = ...,
        batch_size: int = ...,
    ) -> Call: ...
    @overload
    def __call__(
        self,
        request: list[str],
        tools: Tools,
        *,
        constrained: bool = ...,
        max_new_tokens: int = ...,
        batch_size: int = ...,
    ) -> list[Call]: ...
    def __call__(
        self,
        request: str | list[str],
        tools: Tools,
        *,
        constrained: bool = False,
        max_new_tokens: int = 256,
        batch_size: int = 16,
    ) -> Call | list[Call]:
        """The model's answer to a request, or to each request of a list. It may call any of the tools, or none.

        A tool is a dict (OpenAI, MCP, Anthropic, ...), a tool of the MCP client, or a Python function with type hints
        and a docstring: see `given_tools`. Decoding is greedy. If it is `constrained`, the model can write nothing but
        one valid call. An answer has at most `max_new_tokens`, and `batch_size` requests are answered together.

        Raises:
            InputError: there are no tools, one cannot be used, two have the same name, or a request with its tools is
                too long for the model; or the answer is to be constrained, and that needs llguidance or is not possible
                for these tools.
        """
        asked = ((one, tools) for one in ([request] if isinstance(request, str) else request))
        calls = []
        for call in self.calls(asked, constrained=constrained, max_new_tokens=max_new_tokens, batch_size=batch_size):
            if isinstance(call, InputError):
                raise call
            calls.append(call)
        return calls[0] if isinstance(request, str) else calls

    def calls(
        self,
        asked: Iterable[tuple[str, Tools]],
        *,
        constrained: bool = False,
        max_new_tokens: int = 256,
        batch_size: int = 16,
    ) -> Iterator[Call | InputError]:
        """Yield the call for each request, with tools of its own, in order. What cannot be asked gives an InputError.

        Only `batch_size` requests are read at a time, so they may come from a stream without end.

        Raises:
            InputError: `max_new_tokens` or `batch_size` is not positive.
        """
        for name, value in (("max_new_tokens", max_new_tokens), ("batch_size", batch_size)):
            if value < 1:
                raise InputError(f"{name} must be positive, got {value}")
        rest = iter(self._questions(asked, constrained=constrained))
        while batch := list(islice(rest, batch_size)):
            questions = [one for one in batch if isinstance(one, _Question)]
            answers = iter(self._answers(questions, constrained, max_new_tokens))
            yield from (next(answers) if isinstance(one, _Question) else one for one in batch)

    def _questions(
        self, asked: Iterable[tuple[str, Tools]], *, constrained: bool
    ) -> "Iterator[_Question | InputError]":
        last: Any = None  # most requests have the same tools as the one before
        for request, tools in asked:
            try:
                if last is None or tools is not last:
                    offer, last = self._offer(tools, constrained=constrained), tools
                yield self._question(request, offer)
            except InputError as error:
                yield error

    def _offer(self, tools: Tools, *, constrained: bool) -> "_Offer":
        given = given_tools(tools)
        parameters = {tool.name: tool.parameters for tool in given.values()}
        return _Offer(
            parameters,
            tools_text((tool.name, tool.description, tool.parameters) for tool in given.values()),
            {tool.name: name for name, tool in given.items()},
            calls_schema(parameters),
            self._grammar(parameters) if constrained else "",
        )

    def _grammar(self, parameters: dict[str, Schema]) -> str:
        from tool_dpo.models.constrained import grammar

        calls = [call_schema(name, schema) for name, schema in parameters.items()]
        try:
            made = grammar(calls, self._form, self._tokenizer)
            self._held_to([made])
        except ValueError as error:
            reason = " ".join(str(error).partition("\n   1 |")[0].split())
            raise InputError(f"tools: their calls cannot be constrained: {reason}") from None
        return made

    def _held_to(self, grammars: list[str]) -> "LogitsProcessor":
        from tool_dpo.models.constrained import Constrained

        return Constrained(grammars, self._guide)

    @cached_property
    def _guide(self) -> Any:
        from tool_dpo.models.constrained import guide

        return guide(self._tokenizer)

    def _question(self, request: str, offer: "_Offer") -> "_Question":
        if not request.strip():
            raise InputError("the request is empty")
        question = _Question(prompt(request, *offer.parameters.items()), request, offer.tools, offer)
        chat = self._form.chat(question)
        length = len(self._tokenizer.apply_chat_template(**chat, add_generation_prompt=True)["input_ids"])
        if length >= self._max_length:
            raise InputError(
                f"the request with its tools is too long: {length} tokens, expected fewer than {self._max_length}"
            )
        return question

    def _answers(self, questions: "list[_Question]", constrained: bool, max_new_tokens: int) -> Iterator[Call]:
        def held_to(batch: list[int]) -> "LogitsProcessor":
            return self._held_to([questions[index].offer.grammar for index in batch])

        chats = [self._form.chat(question) for question in questions]
        texts = dict(
            decode(
                self._model,
                self._tokenizer,
                chats,
                max_new_tokens=max_new_tokens,
                batch_size=len(questions) or 1,
                processor=held_to if constrained else None,
            )
        )
        for index, question in enumerate(questions):
            yield self._call(texts[index], question.offer)

    def _call(self, text: str, offer: "_Offer") -> Call:
        reading = self._form.read(text)
        calls, message = read_form(reading.call)
        if message is not None:
            return Call((), message, (), text)
        schema = several_schema(offer.parameters, len(calls)) if len(calls) > 1 else offer.schema
        violations = [_named(one) for one in faults(schema, reading.call)]
        if not reading.call:
            violations = [replace(violations[0], message="the answer is not calls alone, nor words alone")]
        made = calls or read_form(reading.found or "")[0]
        return Call(tuple(offer.made(one) for one in made), None, tuple(violations), text)


@dataclass(frozen=True)
class _Offer:
    """Tools as a model gets them.

    parameters: the schemas of their parameters, by the names that the model sees.
    tools: the tools in the OpenAI function format, as JSON text.
    names: the names that the tools were given, by those that the model sees.
    schema: the schema of one call to any of them.
    grammar: the answers that are such a call; "" if decoding is not constrained.
    """

    parameters: dict[str, Schema]
    tools: str
    names: dict[str, str]
    schema: Schema
    grammar: str

    def made(self, call: dict[str, Any]) -> ToolCall:
        """A call of the model, with the name that its tool was given."""
        name, arguments = call["tool"], call.get("parameters")
        return ToolCall(self.names.get(name, name), arguments if isinstance(arguments, dict) else None)


@dataclass(frozen=True)
class _Question(Question):
    offer: _Offer


def _named(violation: Violation) -> Violation:
    """The violation with its path in the words of `Call`."""
    inside = re.sub(r"^(\$(?:\[\d+\])?)\.parameters\b", r"\1.arguments", violation.path)
    return replace(violation, path=re.sub(r"^(\$(?:\[\d+\])?)\.tool\b", r"\1.name", inside))
