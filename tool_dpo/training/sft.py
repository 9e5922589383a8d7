"""Stage one: supervised fine-tuning on the chosen answers. It teaches the format before preference training."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tool_dpo.formats.format import Format
from tool_dpo.models.adapter import adapt, save_model
from tool_dpo.models.checkpoints import CHECKPOINTS, fingerprint, model_files
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import load_format, load_tokenizer, read_weights
from tool_dpo.params import SftParams
from tool_dpo.triplets.triplet import Triplet, read_triplets

_CURVE = {"loss": "loss", "learning_rate": "learning_rate", "mean_token_accuracy": "token_accuracy"}


def train_sft(data: Path, base: Path, out: Path, curve: Path, params: SftParams, seed: int) -> None:
    """Train a LoRA adapter on the chosen answers of `data`. Write it to `out`, and the loss per step to `curve`.

    Of the triplets that ask for a decision, only a share is used (`params.decisions`).

    The loss (nats per token) covers the completion only. A killed run continues from its last checkpoint.

    Raises:
        InputError: a triplet is not valid, or the base model cannot be loaded.
    """
    triplets = [one for one in read_triplets(data) if not one.decides or one.is_among(params.decisions, seed)]
    weights = read_weights(base)
    key = fingerprint({"sft": asdict(params), "seed": seed}, [data, *model_files(base)])
    checkpoints = CHECKPOINTS / f"sft-{key}"
    model = load_model(base, trainable=True)  # before the imports: unsloth patches later imports
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    from tool_dpo.training.lm_head import patch_trl_lm_head
    from tool_dpo.training.trainer import train, trainer_settings, write_curve

    patch_trl_lm_head()
    tokenizer = load_tokenizer(base)
    form = load_format(base, tokenizer)
    trainer = SFTTrainer(
        model=adapt(model, base, params, seed),
        args=SFTConfig(**trainer_settings(params, weights, seed, checkpoints), completion_only_loss=True),
        train_dataset=Dataset.from_list([row_of(triplet, form) for triplet in triplets]),
        processing_class=tokenizer,
    )
    tokens = params.epochs * sum(map(len, trainer.train_dataset["input_ids"]))
    log = train(trainer, checkpoints, tokens)
    save_model(trainer.model, base, out)
    write_curve(curve, log, _CURVE)
    shutil.rmtree(checkpoints, ignore_errors=True)


def row_of(triplet: Triplet, form: Format) -> Mapping[str, Any]:
    """A triplet as TRL takes it, in a model's format."""
    chat = form.chat(triplet)
    return {
        "prompt": chat["conversation"],
        "completion": [{"role": "assistant", "content": form.write(triplet.chosen, triplet.chosen)}],
        "tools": chat["tools"] and triplet.tools,
    }
