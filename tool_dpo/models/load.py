"""A model folder as a model in memory, with its adapter if it has one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tool_dpo.models.weights import ADAPTER, base_of, loading, name_of, read_weights, require_backend
from tool_dpo.params import WeightsParams

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
"""What PyTorch calls the CPU features that multiply bfloat16: on x86 two, on ARM one."""


def load_model(folder: Path, *, trainable: bool = False) -> "PreTrainedModel":
    """The base model of a folder, with the folder's adapter on it if it has one.

    Raises:
        InputError: the folder, the weights, the GPU or the network that it takes is missing.
    """
    weights = read_weights(folder)
    require_backend(weights)
    with loading(weights):
        if weights.backend == "unsloth":
            return _load_unsloth(weights, folder, trainable)
        return _load_transformers(weights, base_of(weights), folder, trainable)


def compute_dtype(weights: WeightsParams) -> "torch.dtype":
    """The type that this machine computes in: the weights' own on a GPU, or on a CPU that multiplies it; else float32.

    A CPU without bfloat16 products emulates them, ten times slower than float32 (benchmarks/train.md).
    """
    import torch

    capabilities = torch.cpu.get_capabilities()
    native = torch.cuda.is_available() or (
        weights.dtype == "bfloat16" and any(capabilities.get(name) for name in _BFLOAT16)
    )
    return getattr(torch, weights.dtype) if native else torch.float32


def _load_transformers(weights: WeightsParams, base: str, folder: Path, trainable: bool) -> "PreTrainedModel":
    import torch
    from peft import PeftModel
    from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig

    from tool_dpo.models.attention import GROUPED, MODEL_TYPES

    config = AutoConfig.from_pretrained(base, revision=weights.revision)
    on_cpu = GROUPED if config.model_type in MODEL_TYPES else "eager"  # benchmarks/attention.py
    dtype = compute_dtype(weights)
    quantization = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
    model = AutoModelForCausalLM.from_pretrained(
        base,
        revision=weights.revision,
        config=config,
        dtype=dtype,
        device_map="auto" if torch.cuda.is_available() else None,
        quantization_config=quantization if weights.load_in_4bit else None,
        attn_implementation=None if torch.cuda.is_available() else on_cpu,
        use_safetensors=True,
    )
    if (folder / ADAPTER).exists():
        model = PeftModel.from_pretrained(model, str(folder), is_trainable=trainable)
        model.peft_config["default"].base_model_name_or_path = base  # local, so that no checkpoint asks the hub
        if not trainable and not weights.load_in_4bit:
            model = model.merge_and_unload()  # the separate adapter more than halves the speed of decoding
    model.get_output_embeddings().register_forward_pre_hook(_contiguous)
    return model


def _contiguous(_: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Multiply a slice of the hidden states as it is; PyTorch would copy the whole vocabulary's weights for it."""
    return (inputs[0].contiguous(), *inputs[1:])


def _load_unsloth(weights: WeightsParams, folder: Path, trainable: bool) -> "PreTrainedModel":
    from unsloth import FastLanguageModel  # isort: skip (it patches what is imported after it)

    adapted = (folder / ADAPTER).exists()
    model, _ = FastLanguageModel.from_pretrained(
        model_name=str(folder) if adapted else name_of(weights),
        revision=None if adapted else weights.revision,
        max_seq_length=weights.max_length,
        load_in_4bit=weights.load_in_4bit,
        dtype=compute_dtype(weights),
    )
    if not trainable:
        FastLanguageModel.for_inference(model)
    return model
