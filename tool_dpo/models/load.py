"""Load the model of a model folder, with its adapter if it has one."""

import ctypes
import math
import platform
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tool_dpo.errors import InputError
from tool_dpo.models.weights import (
    ADAPTER,
    TENSORS,
    base_of,
    loading,
    name_of,
    place_of,
    read_weights,
    require_backend,
)
from tool_dpo.params import WeightsParams
from tool_dpo.records import read_json

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_Shapes = dict[str, list[int]]
_PICKLED = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
_KEYS = ("peft_type", "task_type", "base_model_name_or_path", "revision", "r", "lora_alpha")
_SET: dict[str, Callable[[Any], bool]] = {
    "r": lambda value: type(value) is int and value > 0,
    "lora_alpha": lambda value: type(value) in (int, float) and 0 < value < math.inf,
    "target_modules": lambda value: (
        isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)
    ),
    "inference_mode": lambda value: isinstance(value, bool),
    "peft_version": lambda value: isinstance(value, str),
}
"""Fields of an adapter's config that differ between adapters, and what they may be."""

_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
"""PyTorch's names for the CPU features that multiply bfloat16: two on x86, one on ARM."""
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of mallopt(3)


def load_model(folder: Path, *, trainable: bool = False) -> "PreTrainedModel":
    """Load the base model of a folder, and the folder's adapter if it has one.

    On Linux without a GPU, the process keeps freed memory from then on.

    Raises:
        InputError: the folder, the weights, or the GPU or network that they need is missing, or the adapter is bad.
    """
    import torch

    weights = read_weights(folder)
    require_backend(weights)
    shapes = _adapter_shapes(folder, weights)
    if not torch.cuda.is_available():
        _keep_freed_memory()
    if weights.backend == "unsloth":
        with loading(folder, weights):
            return _load_unsloth(weights, folder if shapes is not None else None, trainable)
    if shapes is not None and not trainable and not weights.load_in_4bit:
        # a separate adapter makes decoding more than twice as slow
        model = _merged(folder, weights, shapes)
        if model.dtype != compute_dtype(weights):
            model = model.to(compute_dtype(weights))
    else:
        model = _load_base(folder, weights, compute_dtype(weights))
        if shapes is not None:
            model = _adapt(model, folder, shapes, trainable=trainable)
    model.get_output_embeddings().register_forward_pre_hook(_contiguous)
    return model


def _keep_freed_memory() -> None:
    """Let glibc keep the memory of freed tensors for the next ones (mallopt(3)).

    Else it returns that of large ones to the kernel, which has to clear it again before the next use
    (benchmarks/train.md).
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, -1)


def load_merged(folder: Path) -> "PreTrainedModel":
    """Load the trained model of a folder as one: its adapter is added to the weights of the base, in their data type.

    A base that was quantised for the training is loaded whole.

    Raises:
        InputError: the folder has no adapter, or as for `load_model`.
    """
    weights = read_weights(folder)
    shapes = _adapter_shapes(folder, weights)
    if shapes is None:
        raise InputError(f"{folder}: no {TENSORS}: expected the folder of a trained model")
    return _merged(folder, replace(weights, load_in_4bit=False), shapes)


def _merged(folder: Path, weights: WeightsParams, shapes: _Shapes) -> "PreTrainedModel":
    """Merged in the data type of the weights, whatever this machine computes in: so the same numbers on each."""
    import torch

    model = _load_base(folder, weights, getattr(torch, weights.dtype))
    return _adapt(model, folder, shapes, trainable=False).merge_and_unload()


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


def _load_base(folder: Path, weights: WeightsParams, dtype: "torch.dtype") -> "PreTrainedModel":
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig

    from tool_dpo.models.attention import GROUPED, MODEL_TYPES

    quantization = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
    with loading(folder, weights):
        place = place_of(folder, weights)
        config = AutoConfig.from_pretrained(**place)
        on_cpu = GROUPED if config.model_type in MODEL_TYPES else "eager"  # benchmarks/attention.py
        return AutoModelForCausalLM.from_pretrained(
            **place,
            config=config,
            dtype=dtype,
            device_map="auto" if torch.cuda.is_available() else None,
            quantization_config=quantization if weights.load_in_4bit else None,
            attn_implementation=None if torch.cuda.is_available() else on_cpu,
            use_safetensors=True,
        )


def _adapter_shapes(folder: Path, weights: WeightsParams) -> _Shapes | None:
    """Check the adapter of a folder, and return the shapes of its tensors. None if the folder has no adapter.

    Raises:
        InputError: it is not as `save_model` writes one for this base, or part of it is missing. Names the file.
    """
    for path in sorted(folder.iterdir()):
        if path.suffix in _PICKLED:
            raise InputError(f"{path}: pickled weights are never loaded, expected {TENSORS}")
    if not (folder / ADAPTER).exists() and not (folder / TENSORS).exists():
        return None
    rank = _checked_rank(folder / ADAPTER, weights)
    if not (folder / TENSORS).is_file():
        raise InputError(f"{folder / TENSORS}: no such file")
    tensors = _tensors(folder)
    for name, tensor in tensors.items():
        if not (tensor.is_floating_point() and tensor.float().isfinite().all()):
            raise InputError(f"{folder / TENSORS}: {name}: expected finite numbers")
    shapes = _shapes(tensors)
    if rank > max((size for shape in shapes.values() for size in shape), default=0):
        raise InputError(f"{folder / ADAPTER}: r cannot be {rank!r}: no tensor of the adapter is as large")
    return shapes


def _checked_rank(path: Path, weights: WeightsParams) -> int:
    """Check an adapter's config, and return its rank.

    Only what `adapt` sets may differ from PEFT's defaults: other fields import modules, or mean another method. Unsloth
    sets more, so there only what names the method and the base is held to.

    Raises:
        InputError: another field differs, or one is missing or has a wrong value.
    """
    from peft import LoraConfig

    found = read_json(path)
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected an object, got {type(found).__name__}")
    expected = LoraConfig(task_type="CAUSAL_LM").to_dict()
    expected |= {"base_model_name_or_path": name_of(weights), "revision": weights.revision}
    names = _KEYS if weights.backend == "unsloth" else dict.fromkeys((*_KEYS, "target_modules", *found))
    for name in names:
        if name not in found or name not in expected:
            raise InputError(f"{path}: {name} is {'not a known key' if name in found else 'missing'}")
        value = found[name]
        if name in _SET:
            if not _SET[name](value):
                raise InputError(f"{path}: {name} cannot be {value!r}")
        elif value != expected[name]:
            raise InputError(f"{path}: {name} must be {_plain(expected[name])!r}, got {value!r}")
    return int(found["r"])


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)  # of an enum


def _tensors(folder: Path) -> dict[str, "torch.Tensor"]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(folder / TENSORS)
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{folder / TENSORS}: not safetensors: {str(error).splitlines()[0]}") from None


def _adapt(model: "PreTrainedModel", folder: Path, found: _Shapes, *, trainable: bool) -> "PreTrainedModel":
    """Add the folder's adapter to the model. Its tensors must be exactly those that the model takes.

    Raises:
        InputError: the adapter is of another model; names the file.
    """
    from peft import PeftModel, get_peft_model_state_dict

    base = model.name_or_path
    settings = {"is_trainable": trainable, "local_files_only": True, "ignore_mismatched_sizes": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what does not fit: it is refused below
        try:
            adapted = PeftModel.from_pretrained(model, str(folder), **settings)
        except (RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{folder / ADAPTER}: does not fit the base: {reason}") from None
    adapted.peft_config["default"].base_model_name_or_path = base  # a local path, so checkpoints never ask the hub
    expected = _shapes(get_peft_model_state_dict(adapted, save_embedding_layers=False))
    for name in sorted({*found, *expected}):
        if found.get(name) != expected.get(name):
            has, needs = (one.get(name, "no such tensor") for one in (found, expected))
            raise InputError(f"{folder / TENSORS}: {name}: the base takes {needs}, found {has}")
    return adapted


def _shapes(tensors: dict[str, "torch.Tensor"]) -> _Shapes:
    return {name: list(tensor.shape) for name, tensor in tensors.items()}


def _contiguous(_: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Make the hidden states contiguous. For a slice, PyTorch would copy the weights of the whole vocabulary."""
    return (inputs[0].contiguous(), *inputs[1:])


def _load_unsloth(weights: WeightsParams, adapted: Path | None, trainable: bool) -> "PreTrainedModel":
    from unsloth import FastLanguageModel  # isort: skip (it patches modules that are imported after it)

    model, _ = FastLanguageModel.from_pretrained(
        model_name=str(adapted or base_of(weights)),
        revision=None if adapted else weights.revision,
        max_seq_length=weights.max_length,
        load_in_4bit=weights.load_in_4bit,
        dtype=compute_dtype(weights),
        trust_remote_code=False,
    )
    if not trainable:
        FastLanguageModel.for_inference(model)
    return model
