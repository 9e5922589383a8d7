"""The prompt: what is asked, and the tool's signature."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from tests.helpers import load, params_of
from tests.strategies import parameters
from tool_dpo.formats.format import Reading
from tool_dpo.formats.plain import Plain, definition, messages, prompt, request_of, signature
from tool_dpo.models.weights import load_format, load_tokenizer
from tool_dpo.schema.calls import strict
from tool_dpo.schema.keywords import Schema
from tool_dpo.training.dpo import row_of as dpo_row
from tool_dpo.training.pairs import typed
from tool_dpo.training.sft import row_of as sft_row
from tool_dpo.triplets.triplet import Triplet


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


CALL = '{"tool": "t", "parameters": {"n": 1}}'


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (CALL, CALL),
        (f"[{CALL}, {CALL}]", CALL),
        (f"Sure! {CALL}", CALL),
        ('{"tool": "t"}', '{"tool": "t"}'),
        ('{"tool": null, "message": "Which \\"n\\"?"}', None),
        ('{"n": 1}', None),
        ("[1]", None),
        ("Sure!", None),
        ('{"tool": "t"', None),
    ],
)
def test_an_answer_is_read_as_it_is_and_the_first_call_is_found(answer: str, found: str | None) -> None:
    assert Plain().read(Plain().write(answer, CALL)) == Reading(answer, found)


def test_models_get_the_inputs_that_they_always_got(plain_base: Path) -> None:
    """What is trained and asked stands on these: cases/plain_inputs.json changes only where that is wanted."""
    tokenizer = load_tokenizer(plain_base)
    form = load_format(plain_base)
    inputs = []
    for case in load("signatures"):
        tool = case.get("tool", "t")
        chosen = json.dumps({"tool": tool, "parameters": {"a": "é", "n": [1.5, None]}}, ensure_ascii=False)
        asked = prompt("Please do it, Zoë: 'now'.", (tool, case["parameters"]))
        triplet = Triplet(asked, chosen, chosen[:-1], {}, tool, "json_error", "json", "$", "", "[]")
        row, pair = sft_row(triplet, form), dpo_row(typed(triplet), form)
        assert (row["tools"], pair["tools"]) == (None, None)
        assert row["prompt"] == pair["prompt"] == form.chat(triplet)["conversation"]
        chats = [row["prompt"] + answer for answer in (row["completion"], pair["chosen"], pair["rejected"])]
        prompted = tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True)["input_ids"]
        inputs.append([prompted, *tokenizer.apply_chat_template(chats)["input_ids"]])
    last = tokenizer.apply_chat_template(chats[0], tokenize=False)
    found = {"sha256": hashlib.sha256(json.dumps(inputs).encode()).hexdigest(), "last": last}
    assert found == load("plain_inputs")
