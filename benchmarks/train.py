"""Training and answering against stock TRL and transformers, on the machine at hand.

    python -m benchmarks.train            # after `dvc repro pairs`; about 20 minutes on two cores

Each row runs in a process of its own, so that its peak memory is its own, with the same model, examples, loss and
number of examples a step. Stock TRL runs with its defaults: random batches, PyTorch's attention, both answers of a pair
with a prompt of their own, freed memory returned to the kernel. It has no LM head for a CPU: there it gets the
project's (`tool_dpo/training/lm_head.py`). Stock TRL does not measure displacement, so the time for that is taken off
and printed: this benchmark measures it twice for 32 pairs, a real training once for every 80.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from datasets import Dataset
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from tool_dpo.models import load
from tool_dpo.models.adapter import adapt, save_model
from tool_dpo.models.decode import decode
from tool_dpo.models.load import compute_dtype, load_model
from tool_dpo.models.weights import load_format, load_tokenizer, read_weights
from tool_dpo.params import DpoParams, LossType, TrainParams, load_params
from tool_dpo.training.dpo import make_trainer, row_of
from tool_dpo.training.lm_head import patch_trl_lm_head
from tool_dpo.training.pair import Pair, read_pairs
from tool_dpo.training.preference import PreferenceTrainer
from tool_dpo.training.sft import row_of as sft_row
from tool_dpo.training.trainer import trainer_settings
from tool_dpo.triplets.triplet import read_triplets

BASE = Path("models/base")
MODEL = "smollm2-135m"
EXAMPLES, PAIRS, PROMPTS, NEW_TOKENS = 64, 32, 24, 64
RETURNED = "memory returned"
ROWS = (
    "sft stock",
    f"sft {RETURNED}",
    "sft",
    "dpo stock",
    "dpo",
    "dpo without a reference",
    "answers one by one",
    f"answers {RETURNED}",
    "answers",
)


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(_measure(" ".join(sys.argv[1:]))))
        return
    print(f"{_cpu()}, {_matrix_rate():.0f} GFLOP/s in products of 1024 x 576 by 576 x 1536")
    results = {}
    for row in ROWS:
        command = [sys.executable, "-m", "benchmarks.train", row]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        results[row] = json.loads(output.splitlines()[-1])
    print("| | seconds | a second | peak GB | times as fast | of its memory |\n|:--|--:|--:|--:|--:|--:|")
    stock = {"sft": "sft stock", "dpo": "dpo stock", "answers": "answers one by one"}
    for row, found in results.items():
        base = results[stock[row.split()[0]]]
        faster, memory = base["seconds"] / found["seconds"], found["peak"] / base["peak"]
        rate = f"{found['count'] / found['seconds']:.1f} {found['unit']}"
        print(f"| {row} | {found['seconds']:.0f} | {rate} | {found['peak']:.1f} | {faster:.2f} | {memory:.2f} |")
    measures = results["dpo"]["measures"]
    print(f"One measure of displacement: {sum(measures) / len(measures):.0f} s")


def _measure(row: str) -> dict[str, Any]:
    stock = "stock" in row or "one by one" in row
    if stock or RETURNED in row:
        mock.patch.object(load, "_keep_freed_memory").start()
    work, count, unit = WORK[row.split()[0]](stock, row)
    start = time.perf_counter()
    with _displacement_timed() as measures:
        work()
    seconds = time.perf_counter() - start - sum(measures)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return {"seconds": seconds, "measures": measures, "count": count, "unit": unit, "peak": peak}


@contextmanager
def _displacement_timed() -> Iterator[list[float]]:
    """The seconds of each measure of displacement inside the block."""
    measure, seconds = PreferenceTrainer.log_prob_of_sample, list[float]()

    def timed(trainer: PreferenceTrainer) -> float:
        start = time.perf_counter()
        value = measure(trainer)
        seconds.append(time.perf_counter() - start)
        return value

    with mock.patch.object(PreferenceTrainer, "log_prob_of_sample", timed):
        yield seconds


Work = tuple[Callable[[], object], int, str]
"""What is timed, how many it does, and of what."""


def _sft(stock: bool, _: str) -> Work:
    triplets = list(read_triplets(Path("data/sft.jsonl")))
    tokenizer = load_tokenizer(BASE)
    form = load_format(BASE, tokenizer)
    rows = [sft_row(one, form) for one in triplets[:: len(triplets) // EXAMPLES][:EXAMPLES]]
    params = load_params().models[MODEL].sft
    size = params.batch_size * params.gradient_accumulation
    if stock:
        params = replace(params, batch_size=size, gradient_accumulation=1)
    patch_trl_lm_head()
    trainer = SFTTrainer(
        model=_loaded(adapt(load_model(BASE, trainable=True), BASE, params, seed=1), stock),
        args=SFTConfig(**_settings(params, stock), completion_only_loss=True),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    return trainer.train, sum(map(len, trainer.train_dataset["input_ids"])), "tokens"


def _dpo(stock: bool, row: str) -> Work:
    pairs = read_pairs(Path("data/pairs.jsonl"))
    some = pairs[:: max(1, len(pairs) // PAIRS)][:PAIRS]
    params = load_params().models[MODEL]
    loss: LossType = "sigmoid_first" if "without" in row else "sigmoid"
    dpo = replace(params.dpo, loss_type=loss, beta=0.1)
    sft = Path(tempfile.mkdtemp()) / "sft"  # an untrained adapter is as much work as a trained one
    save_model(adapt(load_model(BASE, trainable=True), BASE, params.sft, seed=1), BASE, sft)
    make = _stock_dpo if stock else _own_dpo
    return lambda: make(some, sft, dpo).train(), len(some), "pairs"


def _own_dpo(pairs: list[Pair], sft: Path, params: DpoParams) -> Any:
    return make_trainer(pairs, sft, Path(tempfile.mkdtemp()), params, seed=1)


def _stock_dpo(pairs: list[Pair], sft: Path, params: DpoParams) -> Any:
    patch_trl_lm_head()
    args = DPOConfig(
        **_settings(params, stock=True),
        beta=params.beta,
        loss_type=[params.loss_type, "sft"],
        loss_weights=[1.0, params.sft_weight],
        precompute_ref_log_probs=True,
    )
    tokenizer = load_tokenizer(sft)
    form = load_format(sft, tokenizer)
    return DPOTrainer(
        model=_loaded(load_model(sft, trainable=True), stock=True),
        args=args,
        train_dataset=Dataset.from_list([row_of(pair, form) for pair in pairs]),
        processing_class=tokenizer,
    )


def _loaded(model: Any, stock: bool) -> Any:
    if stock:
        model.set_attn_implementation("sdpa")
    return model


def _settings(params: TrainParams, stock: bool) -> dict[str, Any]:
    settings = trainer_settings(params, read_weights(BASE), 1, Path(tempfile.mkdtemp()))
    return settings | {"train_sampling_strategy": "random"} if stock else settings


def _answers(one_by_one: bool, _: str) -> Work:
    triplets = list(read_triplets(Path("data/test.jsonl")))[:PROMPTS]
    model, tokenizer = load_model(BASE), load_tokenizer(BASE)
    form = load_format(BASE, tokenizer)
    chats, expected = [form.chat(one) for one in triplets], [form.write(one.chosen, one.chosen) for one in triplets]
    size = 1 if one_by_one else load_params().models[MODEL].answer.batch_size

    def ask() -> list[tuple[int, str]]:
        return list(decode(model, tokenizer, chats, max_new_tokens=NEW_TOKENS, batch_size=size, expected=expected))

    return ask, len(chats), "answers"


WORK: dict[str, Callable[[bool, str], Work]] = {"sft": _sft, "dpo": _dpo, "answers": _answers}


def _matrix_rate() -> float:
    """What this machine gives in matrix products, GFLOP/s, in the type that the project computes in here."""
    dtype = compute_dtype(load_params().models[MODEL].weights)
    rows, inner, columns = 1024, 576, 1536
    left, right = torch.randn(rows, inner).to(dtype), torch.randn(inner, columns).to(dtype)
    left @ right
    start, rounds = time.perf_counter(), 50
    for _ in range(rounds):
        left @ right
    return 2 * rows * inner * columns * rounds / (time.perf_counter() - start) / 1e9


def _cpu() -> str:
    capabilities = torch.cpu.get_capabilities()
    features = [name for name in ("avx2", "avx512_f", "avx512_bf16", "amx_bf16") if capabilities.get(name)]
    return f"{capabilities.get('cpu_name', 'CPU')}, {torch.get_num_threads()} cores, {', '.join(features)}"


if __name__ == "__main__":
    main()
