"""Trainings of seven steps, each in a process of its own, which a signal may end at a chosen moment."""

import contextlib
import importlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import transformers.trainer  # noqa: F401  (imported once, by the server that the processes fork from)

from tests.helpers import TINY
from tool_dpo.errors import run
from tool_dpo.training import preference, trainer
from tool_dpo.training.dpo import train_dpo
from tool_dpo.training.sft import train_sft

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])

MOMENTS: dict[str, tuple[str, int]] = {
    "before the first step": ("transformers.trainer:Trainer.training_step", 1),
    "in a step before any checkpoint": ("transformers.trainer:Trainer.training_step", 2),
    "in a step after a checkpoint": ("transformers.trainer:Trainer.training_step", 4),
    "in the fifth step": ("transformers.trainer:Trainer.training_step", 5),
    "in the last step": ("transformers.trainer:Trainer.training_step", 7),
    "in a checkpoint, before its optimizer": ("transformers.trainer:Trainer._save_optimizer_and_scheduler", 2),
    "in a checkpoint, before its state": ("transformers.trainer_callback:TrainerState.save_to_json", 2),
    "in a checkpoint, before its checksums": ("tool_dpo.training.trainer:seal", 3),
    "while an old checkpoint is removed": ("shutil:rmtree", 1),
    "in the last checkpoint": ("transformers.trainer_callback:TrainerState.save_to_json", 4),
    "in the final save": ("shutil:copy", 1),
    "before the curve": ("tool_dpo.training.trainer:write_curve", 1),
    "while all checkpoints are removed": ("shutil:rmtree", 3),
}
"""A function, and which of its calls the signal comes before; of `rmtree`, among those that remove checkpoints."""


def finish(stage: str, data: Path, model: Path, folder: Path, moment: str = "", how: int = signal.SIGKILL) -> int:
    """Run a training in `folder`, its stderr appended to a file there, and return the exit code of its process."""
    folder.mkdir(exist_ok=True)
    process = CONTEXT.Process(target=_train, args=(stage, data, model, folder, moment, how))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _train(stage: str, data: Path, model: Path, folder: Path, moment: str, how: int) -> None:
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    trainer.CHECKPOINT_STEPS = preference.CHECKPOINT_STEPS = 2
    if moment:
        _arm(*MOMENTS[moment], how)
    outs = Path("out"), Path("curve.csv")

    def main() -> None:
        if stage == "sft":
            train_sft(data, model, *outs, replace(TINY.sft, batch_size=1), seed=3)
        else:
            train_dpo(data, model, *outs, replace(TINY.dpo, batch_size=1, beta=0.1, loss_type="sigmoid"), seed=3)

    with Path("stderr.txt").open("a", buffering=1) as file, contextlib.redirect_stderr(file):
        run(main)


def _arm(place: str, nth: int, how: int) -> None:
    module, _, path = place.partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for one in owners:
        owner = getattr(owner, one)
    real: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def armed(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        if name != "rmtree" or "checkpoint" in str(args[0]):
            calls += 1
            if calls == nth:
                if name == "rmtree":
                    next(path for path in sorted(Path(args[0]).rglob("*")) if path.is_file()).unlink()
                os.kill(os.getpid(), how)
        return real(*args, **kwargs)

    setattr(owner, name, armed)
