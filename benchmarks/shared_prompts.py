"""How much faster preference training is where each prompt is read once for both answers of its pair.

    python benchmarks/shared_prompts.py      # after the pipeline has made models/sft and data/pairs.jsonl

Forward and backward passes over the same pairs, two at a time, with the prompts shared and apart, in turn in this one
process; the medians are printed, and their ratio.
"""

import statistics
import tempfile
import time
from pathlib import Path

from tool_dpo.params import load_params
from tool_dpo.training.dpo import make_trainer
from tool_dpo.training.pair import read_pairs

PAIRS = 32
ROUNDS = 5


def main() -> None:
    params = load_params()
    pairs = read_pairs(Path("data/pairs.jsonl"))
    some = pairs[:: max(1, len(pairs) // PAIRS)][:PAIRS]
    with tempfile.TemporaryDirectory() as folder:
        dpo = params.models["smollm2-135m"].dpo
        trainer = make_trainer(some, Path("models/sft"), Path(folder), dpo, params.beta, params.loss_type, params.seed)
        batches = list(trainer.get_train_dataloader())
        seconds: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(ROUNDS):
            for shares, found in seconds.items():
                trainer._shares = shares
                start = time.perf_counter()
                for batch in batches:
                    with trainer.accelerator.autocast():
                        loss = trainer.compute_loss(trainer.model, batch)
                    loss.backward()
                found.append((time.perf_counter() - start) / len(some))
    shared, apart = statistics.median(seconds[True]), statistics.median(seconds[False])
    print(f"shared {shared:.2f} s a pair, apart {apart:.2f} s, ratio {apart / shared:.2f}")


if __name__ == "__main__":
    main()
