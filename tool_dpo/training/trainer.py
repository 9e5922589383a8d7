"""What SFT and DPO share: trainer settings, resuming, progress, and the training curve."""

import csv
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import ProgressCallback, Trainer
from transformers.trainer_utils import get_last_checkpoint

from tool_dpo.params import TrainParams, WeightsParams
from tool_dpo.records import atomic
from tool_dpo.training.lm_head import use_torch_without_gpu

_CHECKPOINT_STEPS = 20


def trainer_settings(params: TrainParams, weights: WeightsParams, seed: int, checkpoints: Path) -> dict[str, Any]:
    """Arguments that TRL's SFTConfig and DPOConfig have in common."""
    use_torch_without_gpu()
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
        "bf16": weights.dtype == "bfloat16",
        "fp16": weights.dtype == "float16",
        "train_sampling_strategy": "group_by_length",
        "remove_unused_columns": False,
        "logging_steps": 1,
        "save_steps": _CHECKPOINT_STEPS,
        "save_total_limit": 1,
        "report_to": "none",
        "dataloader_pin_memory": False,
    }


class Bar(ProgressCallback):
    """A progress bar with the loss beside the time left, instead of a printed line per step."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if self.training_bar is not None and logs and "loss" in logs:
            self.training_bar.set_postfix(loss=f"{float(logs['loss']):.4g}")


def train(trainer: Trainer, checkpoints: Path) -> list[dict[str, Any]]:
    """Train, from the last complete checkpoint of the same run if there is one; return the log, a row per step."""
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(Bar)
    last = get_last_checkpoint(str(checkpoints)) if checkpoints.exists() else None
    if last and not Path(last, "trainer_state.json").exists():  # written last: killed while saving
        shutil.rmtree(last)
        last = get_last_checkpoint(str(checkpoints))
    if last:
        print(f"resuming from {last}")
    trainer.train(resume_from_checkpoint=last)
    return [row for row in trainer.state.log_history if "loss" in row]


def write_curve(path: Path, log: list[dict[str, Any]], columns: Mapping[str, str]) -> None:
    """A CSV of the logged values, `columns` giving the CSV's names for the trainer's."""
    with atomic(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["step", *columns.values()])
        for row in log:
            writer.writerow([row["step"], *(f"{float(row[name]):.6g}" for name in columns)])
