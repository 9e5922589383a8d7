"""Calls to a tool that a request is not for: strict, with what the request says."""

import random
from typing import Any

import pytest

from tests.helpers import ROOT, task
from tool_dpo.schema.calls import call_schema
from tool_dpo.schema.violations import violations
from tool_dpo.tools.catalog import Request
from tool_dpo.tools.tool import Tool, read_tools
from tool_dpo.triplets.forced import forced, likeliest


def tool(**properties: Any) -> Tool:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return task(function__parameters=parameters, requests=[" ".join(f"{{{name}}}" for name in properties)])


FREE = {"type": "string"}


@pytest.mark.parametrize(
    ("request_", "properties", "expected"),
    [
        (Request("What is the capital of France?", {}), {"city": FREE}, {"city": "France"}),
        (Request("why is the sky blue?", {}), {"query": FREE}, {"query": "sky blue"}),
        (Request("Book 4 at Noma", {"place": "Noma", "size": 4}), {"seats": {"type": "integer"}}, {"seats": 4}),
        (Request("a b", {"one": "a", "two": "b"}), {"two": FREE, "other": FREE}, {"two": "b", "other": "a"}),
        (Request("Call 12 or 7", {}), {"n": {"type": "integer", "maximum": 9}}, {"n": 7}),
        (
            Request("go high", {"how": "high"}),
            {"level": {"enum": ["low", "high"], "type": "string"}},
            {"level": "high"},
        ),
        (Request("on", {"day": "2026-03-05"}), {"due": {"type": "string", "format": "date"}}, {"due": "2026-03-05"}),
        (Request("tell Ann", {}), {"who": {"type": "array", "items": FREE, "minItems": 1}}, {"who": ["Ann"]}),
    ],
)
def test_what_the_request_says_is_used_where_it_fits(
    request_: Request, properties: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = forced(tool(**properties), request_, random.Random(1))
    assert {name: value[:1] if isinstance(value, list) else value for name, value in found.items()} == expected


def test_the_call_is_always_strict() -> None:
    tools = read_tools(ROOT / "data/tools")[::5]
    values = {"name": "Ann", "n": 7, "day": "2026-03-05", "list": [1.5, "x"], "deep": {"on": True, "text": "ok go"}}
    for one in tools:
        call = {"tool": one.name, "parameters": forced(one, Request("Tell Ann 7 times", values), random.Random(2))}
        assert violations(call_schema(one.name, one.parameters), call) == []


def test_the_likeliest_tool_shares_the_most_words() -> None:
    names = {"book_table": "Book a table.", "get_menu": "Get the menu of a restaurant.", "pay": "Pay."}
    tools = [task(function__name=name, function__description=text) for name, text in names.items()]
    requests = {"Which restaurants have a vegan menu?": "get_menu", "table for two": "book_table", "hi": "book_table"}
    assert {request: likeliest(tools, request).name for request in requests} == requests
