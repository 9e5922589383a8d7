"""Ask a trained model for one tool call, and check the call against the tool's schema."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.formats.format import Format, Question, as_text, function_tool
from tool_dpo.formats.plain import prompt
from tool_dpo.models.decode import decode
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import load_format, load_tokenizer
from tool_dpo.schema.calls import call_schema, strict
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import faults
from tool_dpo.tools.tool import Tool


@dataclass(frozen=True)
class Call:
    """A model's answer, and one line for each reason why it is not a valid call."""

    text: str
    problems: tuple[str, ...]


def make_call(request: str, tool: Tool, folder: Path, *, max_new_tokens: int = 256) -> Call:
    """Let the model in `folder` write a call of `tool` for a request, with greedy decoding.

    >>> make_call("Remind me to water the plants on 2026-05-01", tool, Path("models/dpo")).text
    '{"tool": "create_reminder", "parameters": {...}}'

    Raises:
        InputError: the folder holds no model, or the model cannot be loaded.
    """
    model, tokenizer, form = _loaded(folder)
    tools = as_text([function_tool(tool.name, tool.description, strict(tool.parameters))])
    asked = Question(prompt(request, (tool.name, tool.parameters)), request, tools)
    ((_, text),) = decode(model, tokenizer, [form.chat(asked)], max_new_tokens=max_new_tokens, batch_size=1)
    call = form.read(text).call
    return Call(call or text, tuple(problems(call_schema(tool.name, tool.parameters), call)))


@lru_cache(maxsize=1)
def _loaded(folder: Path) -> tuple[Any, Any, Format]:
    tokenizer = load_tokenizer(folder)
    return load_model(folder), tokenizer, load_format(folder, tokenizer)


def problems(schema: Schema, text: str) -> list[str]:
    """Every reason why a text is not a valid call, one line each."""
    return [f"{one.kind} at {one.path}: {one.message}" for one in faults(schema, text)]


def pick(tools: list[Tool], name: str | None) -> Tool:
    """The tool with this name, or the only tool if no name is given.

    Raises:
        InputError: there is no such tool, or there are several tools and no name.
    """
    found = [tool for tool in tools if name in (None, tool.name)]
    if len(found) != 1:
        names = ", ".join(tool.name for tool in tools)
        raise InputError(f"--tool must name one of the tools, got {name!r}: {names}")
    return found[0]
