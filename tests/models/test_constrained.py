"""Constrained decoding: even a model of random weights writes valid calls."""

import json
import random
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, get_args

import pytest
import torch
from llguidance import LLTokenizer

from tests.helpers import PARAMS, ROOT
from tool_dpo.errors import InputError
from tool_dpo.formats.format import Question, as_text, function_tool
from tool_dpo.formats.plain import Plain
from tool_dpo.models import answers
from tool_dpo.models.constrained import Constrained, grammar, guide
from tool_dpo.models.weights import load_format, load_tokenizer
from tool_dpo.params import AnswerParams, BatchParams, Undecided
from tool_dpo.records import read_texts, write_lines
from tool_dpo.schema.answer import read_answers
from tool_dpo.schema.calls import call_schema
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.verdict import judge
from tool_dpo.schema.violations import faults
from tool_dpo.tools.catalog import Speaker
from tool_dpo.tools.tool import read_tools
from tool_dpo.triplets.generate import generate
from tool_dpo.triplets.triplet import Triplet


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def closed(**properties: Schema) -> Schema:
    return call_schema("set", {"type": "object", "properties": properties, "required": list(properties)})


SCHEMAS = [
    closed(level={"type": "string", "enum": ["low", "high"]}),
    closed(on={"type": "boolean"}, count={"type": "integer", "minimum": 3, "maximum": 12}),
    closed(at={"type": "object", "properties": {"day": {"const": "monday"}}, "required": ["day"]}),
    closed(),
]


def test_answers_of_a_random_model_fit_their_schemas(base: Path, plain_base: Path) -> None:
    tools = as_text([function_tool("set", "Sets.", {"type": "object", "properties": {}})])
    asked = [Question(f"request {index}", f"request {index}", tools) for index in range(len(SCHEMAS))]
    for folder in (base, plain_base):
        held = answers.ask(asked, folder, max_new_tokens=80, batch_size=3, schemas=[[one] for one in SCHEMAS])
        assert [faults(schema, read.call) for schema, (_, read) in zip(SCHEMAS, held, strict=True)] == [[]] * 4
        free = answers.ask(asked, folder, max_new_tokens=20, batch_size=3)
        assert all(judge(schema, read.call).failure for schema, (_, read) in zip(SCHEMAS, free, strict=True))


def test_the_param_turns_it_on(base: Path, triplets: list[Triplet], tmp_path: Path) -> None:
    write_lines(tmp_path / "data.jsonl", (triplet.record() for triplet in triplets[:4]))
    for constrained in (True, False):
        params = AnswerParams(split="test", max_new_tokens=3, constrained=constrained)
        answers.answer(tmp_path / "data.jsonl", base, tmp_path / "out.jsonl", params, BatchParams(batch_size=8))
        found = read_answers(tmp_path / "out.jsonl")
        assert all(answer.text.startswith("<tool") for answer in found) is constrained


def test_a_request_for_a_decision_is_held_to_a_call_of_any_listed_tool(base: Path, tmp_path: Path) -> None:
    """Even where the right answer is no call, or several: the way of decoding does not tell what is right."""
    tools, small_talk = read_tools(ROOT / "data/tools")[::90], read_texts(ROOT / "data/small_talk.txt")
    each = dict.fromkeys(get_args(Undecided), 0.5)
    params = replace(PARAMS.generate, triplets=2 * len(tools), variants=0, decisions=each)
    made = generate(tools, params, seed=2, small_talk=small_talk)
    triplets = {one.decision: one for one in made if one.decides}
    assert len(triplets) == 4
    write_lines(tmp_path / "data.jsonl", (one.record() for one in triplets.values()))
    ask = AnswerParams(split="test", max_new_tokens=40, constrained=True)
    answers.answer(tmp_path / "data.jsonl", base, tmp_path / "out.jsonl", ask, BatchParams(batch_size=4))
    found = read_answers(tmp_path / "out.jsonl")
    assert [one.decision for one in found] == list(triplets)
    for one in found:
        begun = re.match(r'<tool_call>\n{"name": "([^"]+)", "arguments": {', one.text)
        assert begun, one.text
        assert begun[1] in [tool["function"]["name"] for tool in json.loads(one.tools or "")]


class NoSpecial:
    """As much of a tokenizer as a grammar needs: here it has no special tokens."""

    added_tokens_decoder: ClassVar[dict[int, object]] = {}


def test_the_right_call_of_every_tool_may_be_written() -> None:
    """But for multiples of 0.25 and the like: llguidance writes two decimals there, 9.50 where the call has 9.5."""
    tools = read_tools(ROOT / "data/tools")
    schemas = [call_schema(tool.name, tool.parameters) for tool in tools]
    byte = LLTokenizer("byte")
    grammars = [grammar([schema], Plain(), NoSpecial()) for schema in schemas]  # type: ignore[arg-type]
    calls = []
    for tool, schema in zip(tools, schemas, strict=True):
        call = {"tool": tool.name, "parameters": Speaker(random.Random(1), optional=1).request(tool).parameters}
        known = re.search(r'"multipleOf": 0\.\d\d', json.dumps(schema))
        calls.append([] if known else [*byte.tokenize_str(json.dumps(call, ensure_ascii=False)), byte.eos_token])
    assert sum(map(bool, calls)) > 0.9 * len(tools)
    allow = Constrained(grammars, byte)
    before = torch.zeros(len(tools), 1, dtype=torch.long)  # the prompt, which is not read
    for place in range(max(map(len, calls))):
        scores = allow(before, torch.zeros(len(tools), byte.vocab_size))
        following = [call[place] if place < len(call) else byte.eos_token for call in calls]
        of_each = zip(calls, scores, following, strict=True)
        refused = [call for call, row, token in of_each if place < len(call) and row[token] != 0]
        assert [byte.decode_str(call) for call in refused] == []
        before = torch.tensor([following]).T


def test_a_missing_extra_is_reported_in_one_line(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llguidance", None)
    monkeypatch.delitem(sys.modules, "tool_dpo.models.constrained", raising=False)
    with pytest.raises(InputError, match=r"constrained answers need llguidance: `make setup`"):
        answers.ask([Question("hi", "hi", "[]")], base, max_new_tokens=1, batch_size=1, schemas=[[closed()]])


def test_a_format_without_json_cannot_be_constrained(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoJson(Plain):
        def around(self, tool: str) -> tuple[str, str]:
            raise ValueError("it writes no JSON")

    monkeypatch.setattr(answers, "load_format", lambda *_: NoJson())
    with pytest.raises(InputError, match=r"^constrained answers need a format that writes calls as JSON: it writes no"):
        answers.ask([Question("hi", "hi", "[]")], base, max_new_tokens=1, batch_size=1, schemas=[[closed()]])


def test_one_of_several_tools_may_be_called(base: Path) -> None:
    """And special tokens around a call are tokens, not text."""
    tokenizer = load_tokenizer(base)
    form = load_format(base, tokenizer)
    special = tokenizer.convert_ids_to_tokens(tokenizer.all_special_ids[0])

    class Marked(Plain):
        def around(self, tool: str) -> tuple[str, str]:
            before, after = form.around(tool)
            return special + before, after

    schemas = [call_schema("on", {"type": "object"}), call_schema("off", {"type": "object"})]
    guided = guide(tokenizer)
    for schema in schemas:
        tool = schema["properties"]["tool"]["const"]
        text = special + form.write(json.dumps({"tool": tool, "parameters": {"a": 1}}), "")
        ids = [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        allow = Constrained([grammar(schemas, Marked(), tokenizer)], guided)
        seen = torch.zeros(1, 1, dtype=torch.long)
        for token in ids:
            assert allow(seen, torch.zeros(1, len(tokenizer)))[0, token] == 0, tokenizer.decode(token)
            seen = torch.tensor([[token]])
