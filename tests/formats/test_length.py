"""The estimate of tokens is never lower than what a tokenizer counts, and not much higher."""

import json
import random
from pathlib import Path
from statistics import median

import pytest

from tests.helpers import ROOT
from tool_dpo.formats.format import Question
from tool_dpo.formats.length import Limit, most_tokens
from tool_dpo.formats.native import Native, templates_for
from tool_dpo.formats.plain import definition, messages, signature
from tool_dpo.models.weights import load_tokenizer
from tool_dpo.tools.patterns import text_of
from tool_dpo.tools.tool import read_tools
from tool_dpo.triplets.triplet import Triplet


def test_tools_have_no_more_tokens_than_estimated(base: Path) -> None:
    tools = read_tools(ROOT / "data/tools")[:100]
    texts = [write(tool.name, tool.parameters) for tool in tools for write in (signature, definition)]
    counts = [len(ids) for ids in load_tokenizer(base)(texts)["input_ids"]]
    ratios = [most_tokens(text) / count for text, count in zip(texts, counts, strict=True)]
    assert min(ratios) >= 1
    assert median(ratios) < 1.6


@pytest.mark.parametrize(
    "pattern",
    [
        "[a-z]{60}", "[A-Z]{40}", "[A-Z]{2}-[A-Z]{3}", "[A-Za-z0-9_-]{80}", "[A-Za-z0-9+/]{400}", "0x[a-fA-F0-9]{40}",
        "[0-9a-f]{64}", "cus_[A-Za-z0-9]{24}", "[0-9A-HJKMNP-TV-Z]{26}", "[aeiou]{50}", "[a-z]{4}( [a-z]{4}){9}",
        "[!-~]{60}", "[ ab]{60}", "[0-9]{30}", "[\\u0430-\\u044f]{30}", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    ],
)  # fmt: skip
def test_texts_that_are_no_words_have_no_more_tokens_than_estimated(pattern: str, base: Path) -> None:
    rng, tokenizer = random.Random(1), load_tokenizer(base)
    for _ in range(20):
        call = {"tool": "set_keys", "parameters": {f"key{n}": text_of(f"^{pattern}$", rng) for n in range(10)}}
        text = json.dumps(call, ensure_ascii=False)
        assert most_tokens(text) >= len(tokenizer(text)["input_ids"])


def test_other_scripts_count_by_bytes() -> None:
    assert most_tokens("日本") == 6
    assert most_tokens("é") == 2


def test_a_chat_fits_if_its_template_and_system_prompt_do_too(base: Path) -> None:
    asked, answer = Question("Go home.", "Go home.", "[]"), '{"tool": "go"}'
    chat = [*messages("Go home."), {"role": "assistant", "content": answer}]
    count = len(load_tokenizer(base).apply_chat_template([chat], return_dict=True)["input_ids"][0])
    assert not Limit(count - 1).holds(asked, answer)
    assert Limit(2 * count).holds(asked, answer)


@pytest.mark.parametrize("tools_as", ["signatures", "json"])
@pytest.mark.parametrize("descriptions", ["none", "all"])
def test_native_prompts_have_no_more_tokens_than_estimated(
    tools_as: str, descriptions: str, base: Path, triplets: list[Triplet]
) -> None:
    tokenizer = load_tokenizer(base)
    variables = {"tools_as": tools_as, "descriptions": descriptions}
    tokenizer.chat_template, response = templates_for(tokenizer, {})
    tokenizer.response_template = json.loads(response)
    form = Native(tokenizer)
    for triplet in triplets:
        prompt = tokenizer.apply_chat_template(**form.chat(triplet), **variables, add_generation_prompt=True)
        answer = tokenizer(form.write(triplet.chosen, triplet.chosen))["input_ids"]
        count = len(prompt["input_ids"]) + len(answer)
        assert not Limit(count, "native", variables).holds(triplet, triplet.chosen)
        assert Limit(4 * count, "native", variables).holds(triplet, triplet.chosen)
