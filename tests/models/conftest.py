"""A tiny model that has learnt one call by heart, as what is exported and served."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from tool_dpo.formats.format import Question, as_text, function_tool
from tool_dpo.models.adapter import adapt, save_model
from tool_dpo.models.export import export
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import load_format, load_tokenizer
from tool_dpo.params import ModelParams

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
    """Trained until it writes the call whole, which takes some seconds."""
    call = '{"tool": "create_task", "parameters": {"title": "Send the slides", "priority": "high"}}'
    question = Question(
        "", "Remind Ana to send the slides, high priority", as_text([function_tool("create_task", "", TASK)])
    )
    tokenizer = load_tokenizer(base)
    form = load_format(base, tokenizer)
    prompt = tokenizer.apply_chat_template(**form.chat(question), add_generation_prompt=True)["input_ids"]
    answer = tokenizer(form.write(call, call) + tokenizer.eos_token)["input_ids"]
    tokens, target = torch.tensor([prompt + answer]), torch.tensor(answer)
    model = adapt(load_model(base, trainable=True), base, replace(tiny.sft, lora_rank=16, lora_alpha=16), seed=3)
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=1e-2)
    for _ in range(300):
        scores = model(input_ids=tokens[:, :-1], logits_to_keep=len(answer)).logits[0]
        if (scores.argmax(-1) == target).all():
            break
        torch.nn.functional.cross_entropy(20 * scores, target).backward()  # tiny's scores are near zero
        optimizer.step()
        optimizer.zero_grad()
    folder = tmp_path_factory.mktemp("learnt") / "dpo"
    save_model(model, base, folder)
    return Learnt(folder, question, call)


@pytest.fixture(scope="session")
def exported(learnt: Learnt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "export"
    export(learnt.folder, folder, "# The card\n")
    return folder
