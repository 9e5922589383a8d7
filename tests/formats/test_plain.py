"""The prompt: what is asked, and the tool's signature."""

import json
from typing import Any

import pytest
from hypothesis import given

from tests.helpers import load, params_of
from tests.strategies import parameters
from tool_dpo.formats.plain import definition, messages, prompt, request_of, signature
from tool_dpo.schema.calls import strict
from tool_dpo.schema.keywords import Schema


@pytest.mark.parametrize("case", params_of(load("signatures")))
def test_signatures(case: dict[str, Any]) -> None:
    assert signature(case.get("tool", "t"), case["parameters"]) == case["signature"]


@given(parameters)
def test_a_signature_names_every_parameter_and_is_the_same_for_a_strict_schema(schema: Schema) -> None:
    text = signature("t", schema)
    assert text == signature("t", strict(schema))
    for name in schema["properties"]:
        assert f"{'' if name in schema['required'] else 'optional '}{json.dumps(name, ensure_ascii=False)}: " in text


def test_a_prompt_is_the_request_and_the_signature() -> None:
    triplet = load("triplets")["triplet"]
    request = "Create a task with title 'Review PR' and priority high."
    assert prompt(request, ("create_task", triplet["schema"]["properties"]["parameters"])) == triplet["prompt"]
    assert request_of(triplet["prompt"]) == request


def test_a_prompt_may_list_several_tools_as_json_schema() -> None:
    tools: list[tuple[str, Schema]] = [
        ("a", {"type": "object", "properties": {"x": {"type": "integer", "examples": [1]}}}),
        ("b", {"type": "object"}),
    ]
    text = prompt("Do\nit.", *tools, written=definition)
    assert request_of(text) == "Do\nit."
    assert [json.loads(line.removeprefix("Tool: ")) for line in text.split("\n")[2:]] == [
        {"name": name, "parameters": strict(schema)} for name, schema in tools
    ]


def test_the_chat_ends_with_the_prompt() -> None:
    system, user = messages("Do it.")
    assert (system["role"], user) == ("system", {"role": "user", "content": "Do it."})
    assert '{"tool": name, "parameters": {...}}' in system["content"]
