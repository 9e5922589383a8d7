"""Load the model of a model folder, with its adapter if it has one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tool_dpo.models.weights import ADAPTER, base_of, loading, name_of, read_weights, require_backend
from tool_dpo.params import WeightsParams

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
"""PyTorch's names for the CPU features that multiply bfloat16: two on x86, one on ARM."""


def load_model(folder: Path, *, trainable: bool = False) -> "PreTrainedModel":
    """Load the base model of a folder, and the folder's adapter if it has one.

    Raises:
        InputError: the folder, the weights, or the GPU or network that they need is missing.
    """
    weights = read_weights(folder)
    require_backend(weights)
    with loading(weights):
        if weights.backend == "unsloth":
            return _load_unsloth(weights, folder, trainable)
        return _load_transformers(weights, base_of(weights), folder, trainable)


def compute_dtype(weights: WeightsParams) -> "torch.dtype":
    """The data type that this machine computes in.

    On a GPU this is the type of the weights. On a CPU it is bfloat16 if the weights have it and the CPU can multiply
    it, otherwise float32. Other CPUs emulate bfloat16, ten times slower than float32 (benchmarks/train.md).
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
        model.peft_config["default"].base_model_name_or_path = base  # a local path, so checkpoints never ask the hub
        if not trainable and not weights.load_in_4bit:
            model = model.merge_and_unload()  # a separate adapter makes decoding more than twice as slow
    model.get_output_embeddings().register_forward_pre_hook(_contiguous)
    return model


def _contiguous(_: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Make the hidden states contiguous. For a slice, PyTorch would copy the weights of the whole vocabulary."""
    return (inputs[0].contiguous(), *inputs[1:])


def _load_unsloth(weights: WeightsParams, folder: Path, trainable: bool) -> "PreTrainedModel":
    from unsloth import FastLanguageModel  # isort: skip (it patches modules that are imported after it)

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
