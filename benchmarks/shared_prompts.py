"""How much faster preference training is where each prompt is read once for both answers of its pair.

    python benchmarks/shared_prompts.py      # after the pipeline has made models/sft and data/pairs.jsonl

Forward and backward passes over the same pairs, two at a time, with the prompts shared and apart, in turn in this one
process; the medians are printed, and their ratio.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tool_dpo.params import load_params
from tool_dpo.training.dpo import make_trainer
from tool_dpo.training.pair import read_pairs

PAIRS = 32
ROUNDS = 5


def main() -> None:
    params = load_params()
    pairs = read_pairs(Path("data/pairs.jsonl"))
    some = pairs[:: max(1, len(pairs) // PAIRS)][:PAIRS]
    seconds: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder:
        dpo = params.models["smollm2-135m"].dpo
        trainers = {
            shares: make_trainer(some, Path("models/sft"), Path(folder), dpo, params.seed, share_prompts=shares)
            for shares in seconds
        }
        batches = list(trainers[True].get_train_dataloader())
        for _ in range(ROUNDS):
            for shares, found in seconds.items():
                found.append(_seconds(trainers[shares], batches) / len(some))
    shared, apart = statistics.median(seconds[True]), statistics.median(seconds[False])
    print(f"shared {shared:.2f} s a pair, apart {apart:.2f} s, ratio {apart / shared:.2f}")


def _seconds(trainer: Any, batches: list[Any]) -> float:
    start = time.perf_counter()
    for batch in batches:
        with trainer.accelerator.autocast():
            loss = trainer.compute_loss(trainer.model, batch)
        loss.backward()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
