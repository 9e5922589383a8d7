"""What training cost in general ability: each model's loss on ordinary chat, which has no tools in it."""

import math
from pathlib import Path
from typing import Any

import torch

from tool_dpo.errors import run
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import load_tokenizer
from tool_dpo.records import read_lines, write_json
from tool_dpo.report.metrics import MODELS
from tool_dpo.stage import paths


def main() -> None:
    chats, folder, out = paths("chats", "models", "out", description=__doc__)
    pairs = [(record["user"], record["assistant"]) for _, record in read_lines(chats)]
    losses = {name: loss(folder / name, pairs) for name in MODELS}
    write_json(
        out,
        {
            "chats": len(pairs),
            **{
                name: {"loss": round(one, 4), "perplexity_ratio": round(math.exp(one - losses["base"]), 3)}
                for name, one in losses.items()
            },
        },
    )


def loss(folder: Path, pairs: list[tuple[str, str]]) -> float:
    """Mean negative log-likelihood of the assistant's tokens, in nats."""
    model: Any = load_model(folder)
    tokenizer = load_tokenizer(folder)
    total, count = 0.0, 0
    for user, assistant in pairs:
        asked = [{"role": "user", "content": user}]
        start = len(tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=True)["input_ids"])
        chat = [*asked, {"role": "assistant", "content": assistant}]
        ids = torch.tensor([tokenizer.apply_chat_template(chat, return_dict=True)["input_ids"]], device=model.device)
        with torch.inference_mode():
            log_probs = model(ids).logits[0, :-1].float().log_softmax(-1)
        answer = ids[0, 1:]
        total -= float(log_probs.gather(1, answer[:, None])[start - 1 :].sum())
        count += len(answer) - (start - 1)
    return total / count


if __name__ == "__main__":
    run(main)
