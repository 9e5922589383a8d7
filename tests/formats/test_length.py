"""The estimate of tokens is hardly ever lower than what a tokenizer counts, and not much higher."""

from pathlib import Path
from statistics import median

from tests.helpers import ROOT
from tool_dpo.formats.format import Question
from tool_dpo.formats.length import Limit, most_tokens
from tool_dpo.formats.plain import definition, messages, signature
from tool_dpo.models.weights import load_tokenizer
from tool_dpo.tools.tool import read_tools


def test_tools_have_no_more_tokens_than_estimated(base: Path) -> None:
    tools = read_tools(ROOT / "data/tools")[:100]
    texts = [write(tool.name, tool.parameters) for tool in tools for write in (signature, definition)]
    counts = [len(ids) for ids in load_tokenizer(base)(texts)["input_ids"]]
    ratios = [most_tokens(text) / count for text, count in zip(texts, counts, strict=True)]
    assert min(ratios) >= 0.95
    assert sum(ratio < 1 for ratio in ratios) <= len(ratios) / 100
    assert median(ratios) < 1.5


def test_other_scripts_count_by_bytes() -> None:
    assert most_tokens("日本") == 6
    assert most_tokens("é") == 2


def test_a_chat_fits_if_its_template_and_system_prompt_do_too(base: Path) -> None:
    asked, answer = Question("Go home.", "Go home.", "[]"), '{"tool": "go"}'
    chat = [*messages("Go home."), {"role": "assistant", "content": answer}]
    count = len(load_tokenizer(base).apply_chat_template([chat], return_dict=True)["input_ids"][0])
    assert not Limit(count - 1).holds(asked, answer)
    assert Limit(2 * count).holds(asked, answer)
