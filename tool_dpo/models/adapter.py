"""LoRA adapters: make a new one to train, and save a trained one."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tool_dpo.errors import InputError
from tool_dpo.files import replacing
from tool_dpo.models.weights import TEMPLATES, WEIGHTS, name_of, read_weights
from tool_dpo.params import SftParams

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def adapt(model: "PreTrainedModel", folder: Path, params: SftParams, seed: int) -> "PreTrainedModel":
    """Add a new LoRA adapter (arXiv 2106.09685) to every linear layer of the blocks. Only the adapter is trained."""
    weights = read_weights(folder)
    if weights.backend == "unsloth":
        from unsloth import FastLanguageModel

        return FastLanguageModel.get_peft_model(
            model,
            r=params.lora_rank,
            lora_alpha=params.lora_alpha,
            lora_dropout=0,
            random_state=seed,
            use_gradient_checkpointing="unsloth",
        )
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import set_seed

    set_seed(seed)
    if weights.load_in_4bit:
        model = prepare_model_for_kbit_training(model)
    config = LoraConfig(
        r=params.lora_rank, lora_alpha=params.lora_alpha, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return get_peft_model(model, config)


def save_model(model: "PreTrainedModel", source: Path, folder: Path) -> None:
    """Write the adapter (safetensors) and a copy of the base's description in `source`, completely or not at all.

    Raises:
        InputError: the adapter cannot be written, for example because the disk is full.
    """
    from safetensors import SafetensorError

    weights = read_weights(source)
    config = model.peft_config["default"]
    config.base_model_name_or_path, config.revision = name_of(weights), weights.revision
    if not isinstance(config.target_modules, str):  # a set, whose order would change the file's checksum
        config.target_modules = sorted(config.target_modules)
    with replacing(folder) as temporary:
        try:
            model.save_pretrained(str(temporary), selected_adapters=["default"], save_embedding_layers=False)
        except SafetensorError as error:
            raise InputError(f"{folder}: cannot be written: {error}") from None
        for name in (WEIGHTS, *TEMPLATES):
            if (source / name).exists():
                shutil.copy(source / name, temporary / name)
