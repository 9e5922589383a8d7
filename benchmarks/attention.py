"""Speed on a CPU with three forms of attention: PyTorch's fused one, transformers' plain one, and the project's.

    python benchmarks/attention.py

The default model with its LoRA adapter trains on four examples of 215 tokens (forward and backward pass), and without
it goes on from 32 prompts of 200 tokens by 60. The forms take turns in this one process; the medians are printed, and
each as a ratio to the plain form.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tool_dpo.models.adapter import adapt
from tool_dpo.models.attention import GROUPED
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import prepare
from tool_dpo.params import load_params

FORMS = ("sdpa", "eager", GROUPED)
TRAINING = 4, 215
PROMPTS, NEW = (32, 200), 60


def main() -> None:
    params = load_params().models["smollm2-135m"]
    base = Path("models/base")
    prepare(params.weights, base)
    compare("decoding", load_model(base), decode, rounds=3)
    compare("training", adapt(load_model(base, trainable=True), base, params.sft, seed=0), train, rounds=9)


def compare(name: str, model: Any, step: Callable[[Any], float], rounds: int) -> None:
    """Print a step's tokens a second in each form; the first round is not counted."""
    rates: dict[str, list[float]] = {form: [] for form in FORMS}
    for _ in range(rounds):
        for form, found in rates.items():
            model.set_attn_implementation(form)
            found.append(step(model))
    medians = {form: statistics.median(found[1:]) for form, found in rates.items()}
    for form, median in medians.items():
        print(f"{name}, {form}: {median:.0f} tokens/s, ratio {median / medians['eager']:.2f}")


def train(model: Any) -> float:
    tokens = torch.randint(1000, 40000, TRAINING)
    start = time.perf_counter()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = model.get_base_model().model(input_ids=tokens).last_hidden_state
    states.float().square().mean().backward()
    return tokens.numel() / (time.perf_counter() - start)


def decode(model: Any) -> float:
    tokens = torch.randint(1000, 40000, PROMPTS)
    start = time.perf_counter()
    with torch.inference_mode():
        model.generate(tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=NEW, min_new_tokens=NEW)
    return PROMPTS[0] * NEW / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
