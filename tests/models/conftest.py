"""Tiny models that have learnt answers by heart: one call, as what is exported and served; and each form of answer."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tool_dpo.formats.format import Question, as_text, function_tool
from tool_dpo.models.adapter import adapt, save_model
from tool_dpo.models.export import export
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import load_format, load_tokenizer
from tool_dpo.params import ModelParams
from tool_dpo.schema.calls import strict
from tool_dpo.schema.forms import no_call

TASK = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "priority": {"enum": ["low", "high"]}},
    "required": ["title", "priority"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Learnt:
    """A trained model folder, the question that it was trained on, and the call that it answers."""

    folder: Path
    question: Question
    call: str


@pytest.fixture(scope="session")
def learnt(tiny: ModelParams, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Learnt:
    call = '{"tool": "create_task", "parameters": {"title": "Send the slides", "priority": "high"}}'
    question = Question(
        "", "Remind Ana to send the slides, high priority", as_text([function_tool("create_task", "", TASK)])
    )
    folder = tmp_path_factory.mktemp("learnt") / "dpo"
    _learn([(question, call)], tiny, base, folder)
    return Learnt(folder, question, call)


def _learn(answers: list[tuple[Question, str]], tiny: ModelParams, base: Path, folder: Path) -> None:
    """Train until the model writes each answer whole, which takes some seconds."""
    tokenizer = load_tokenizer(base)
    form = load_format(base, tokenizer)
    asked = [
        (
            tokenizer.apply_chat_template(**form.chat(question), add_generation_prompt=True)["input_ids"],
            tokenizer(form.write(answer, answer) + tokenizer.eos_token)["input_ids"],
        )
        for question, answer in answers
    ]
    model = adapt(load_model(base, trainable=True), base, replace(tiny.sft, lora_rank=16, lora_alpha=16), seed=3)
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=1e-2)
    for _ in range(300):
        known = True
        for prompt, answer in asked:
            tokens, target = torch.tensor([prompt + answer]), torch.tensor(answer)
            scores = model(input_ids=tokens[:, :-1], logits_to_keep=len(answer)).logits[0]
            known = known and bool((scores.argmax(-1) == target).all())
            torch.nn.functional.cross_entropy(20 * scores, target).backward()  # tiny's scores are near zero
        if known:
            break
        optimizer.step()
        optimizer.zero_grad()
    save_model(model, base, folder)


@dataclass(frozen=True)
class Deciding:
    """A trained model folder, a file of tools, and requests: each asks for another form of answer."""

    folder: Path
    tools: Path
    call: str = "Ping once"
    several: str = "Ping twice, 3 and 4"
    words: str = "What is the capital of France?"
    invalid: str = "Ping ten times"


@pytest.fixture(scope="session")
def deciding(tiny: ModelParams, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Deciding:
    """Its answers are one call, two calls, words, and a call that is not valid."""
    ping: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}}
    folder = tmp_path_factory.mktemp("deciding")
    model = Deciding(folder / "dpo", folder / "tools.json")
    model.tools.write_text(json.dumps([{"name": "ping", "description": "Ping.", "inputSchema": ping}]))
    tools = as_text([function_tool("ping", "Ping.", strict(ping))])
    one, two = (f'{{"tool": "ping", "parameters": {{"n": {n}}}}}' for n in (3, 4))
    answers = {
        model.call: one,
        model.several: f"[{one}, {two}]",
        model.words: no_call("No tool does that."),
        model.invalid: one.replace("3", "10"),
    }
    _learn([(Question("", asked, tools), answer) for asked, answer in answers.items()], tiny, base, model.folder)
    return model


@pytest.fixture(scope="session")
def exported(learnt: Learnt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "export"
    export(learnt.folder, folder, "# The card\n")
    return folder
