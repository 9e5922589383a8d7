"""Training speed on a CPU with PyTorch's fused attention and with the plain form, which the project uses there.

    python benchmarks/attention.py

Forward and backward pass of the default model with its LoRA adapter over four examples of 215 tokens, both forms in
turn in this one process, eight times; the medians and their ratio are printed.
"""

import statistics
import time
from pathlib import Path
from typing import Any

import torch

from tool_dpo import model as models
from tool_dpo.params import load_params

BATCH, LENGTH = 4, 215


def main() -> None:
    params = load_params().models["smollm2-135m"]
    base = Path("models/base")
    models.prepare(params.weights, base)
    model = models.adapt(models.load(base, trainable=True), base, params.sft, seed=0)
    seconds: dict[str, list[float]] = {"sdpa": [], "eager": []}
    for _ in range(9):
        for form, times in seconds.items():
            times.append(step(model, form))
    medians = {form: statistics.median(times[1:]) for form, times in seconds.items()}
    for form, median in medians.items():
        print(f"{form}: {BATCH * LENGTH / median:.0f} tokens/s")
    print(f"ratio {medians['sdpa'] / medians['eager']:.2f}")


def step(model: Any, form: str) -> float:
    """Seconds of one forward and backward pass."""
    model.get_base_model().set_attn_implementation(form)
    tokens = torch.randint(1000, 40000, (BATCH, LENGTH))
    start = time.perf_counter()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = model.get_base_model().model(input_ids=tokens).last_hidden_state
    states.float().square().mean().backward()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
