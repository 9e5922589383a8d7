"""What SFT and DPO share: the trainer settings, resuming, the progress bar, and the training curve."""

import csv
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from peft.helpers import disable_input_dtype_casting
from transformers import ProgressCallback, Trainer, TrainerCallback

from tool_dpo.files import atomic, seal
from tool_dpo.models.checkpoints import last_checkpoint
from tool_dpo.models.load import compute_dtype
from tool_dpo.params import TrainParams, WeightsParams

CHECKPOINT_STEPS = 20
_WARM_UP_STEPS = 2
_TIMED_STEPS = 6


def trainer_settings(params: TrainParams, weights: WeightsParams, seed: int, checkpoints: Path) -> dict[str, Any]:
    """The arguments that TRL's SFTConfig and DPOConfig have in common."""
    dtype = compute_dtype(weights)
    return {
        "output_dir": str(checkpoints),
        "seed": seed,
        "learning_rate": params.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": params.warmup_steps,
        "num_train_epochs": params.epochs,
        "per_device_train_batch_size": params.batch_size,
        "gradient_accumulation_steps": params.gradient_accumulation,
        "gradient_checkpointing": params.gradient_checkpointing,
        "max_length": weights.max_length,
        "use_cpu": not torch.cuda.is_available(),
        "bf16": dtype is torch.bfloat16,
        "fp16": dtype is torch.float16,
        "train_sampling_strategy": "group_by_length",
        "remove_unused_columns": False,
        "include_num_input_tokens_seen": "non_padding",
        "logging_steps": 1,
        "save_steps": CHECKPOINT_STEPS,
        "save_total_limit": 2,  # the older one is for the case that the newer is damaged
        "report_to": "none",
        "dataloader_pin_memory": False,
    }


class Progress(ProgressCallback):
    """A progress bar with the loss and the time left. After the first steps it prints the expected time."""

    def __init__(self, examples: int, tokens: int) -> None:
        super().__init__()
        self._examples = examples
        self._tokens = tokens
        self._first_step = 0
        self._start = self._seen = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        super().on_train_begin(args, state, control, **kwargs)
        self._first_step = state.global_step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        super().on_step_end(args, state, control, **kwargs)
        steps = state.global_step - self._first_step
        if steps == _WARM_UP_STEPS:
            self._start, self._seen = time.perf_counter(), state.num_input_tokens_seen
        elif steps == _WARM_UP_STEPS + _TIMED_STEPS and self.training_bar is not None:
            rate = (state.num_input_tokens_seen - self._seen) / (time.perf_counter() - self._start)
            left = (self._tokens - state.num_input_tokens_seen) / rate
            self.training_bar.write(
                f"{self._examples:,} examples, {self._tokens:,} tokens, {rate:.0f} tokens/s: {left / 60:.0f} min left"
            )

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if self.training_bar is not None and logs and "loss" in logs:
            self.training_bar.set_postfix(loss=f"{float(logs['loss']):.4g}")


class Seal(TrainerCallback):
    """Writes the checksums of a checkpoint when it is complete. No run resumes from a checkpoint without them."""

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        seal(Path(args.output_dir, f"checkpoint-{state.global_step}"))


def train(trainer: Trainer, checkpoints: Path, tokens: int) -> list[dict[str, Any]]:
    """Train, and continue from the last whole checkpoint of the same run if there is one.

    `tokens` is the number of tokens in all epochs, without padding. Returns the log, one row per step.
    """
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(Progress(len(trainer.train_dataset), tokens))
    trainer.add_callback(Seal())
    last = last_checkpoint(checkpoints)
    if last:
        print(f"resuming from {last}")
    autocast = trainer.args.bf16 or trainer.args.fp16  # it casts the inputs of an adapter, so PEFT need not
    with disable_input_dtype_casting(trainer.model) if autocast else nullcontext():
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    return [row for row in trainer.state.log_history if "loss" in row]


def write_curve(path: Path, log: list[dict[str, Any]], columns: Mapping[str, str]) -> None:
    """Write the logged values as CSV. `columns` maps the trainer's names to the names in the CSV."""
    with atomic(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["step", *columns.values()])
        for row in log:
            writer.writerow([row["step"], *(f"{float(row[name]):.6g}" for name in columns)])
