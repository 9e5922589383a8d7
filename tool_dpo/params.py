"""Read params.yaml into frozen dataclasses. Every value is checked, and every error names its key."""

import dataclasses
import math
import re
import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from reprlib import Repr
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from ruamel.yaml import YAML, ScalarNode
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from tool_dpo.aliases import written_length
from tool_dpo.errors import InputError
from tool_dpo.kinds import Kind

PARAMS = Path("params.yaml")
T = TypeVar("T")

_LARGEST = 50_000
"""Bytes of a params file."""
_LONGEST = 1_000_000
"""Characters that its values may come to where each alias is written out."""
_MOST_DIGITS = 1000
_MOST_TRIPLETS = 10_000_000
_SHOWN = 200
"""Characters of a value or a key that a complaint shows."""
_repr = Repr()
_repr.maxlevel = 3
_repr.maxstring = _repr.maxlong = _repr.maxother = 5000


@dataclass(frozen=True)
class Bound:
    """What a value must be beside its type, and its text for error messages."""

    text: str
    holds: Callable[[Any], bool]


Positive = Bound("> 0", lambda value: value > 0)
NotNegative = Bound(">= 0", lambda value: value >= 0)
Share = Bound("in [0, 1)", lambda value: 0 <= value < 1)
Part = Bound("in (0, 1)", lambda value: 0 < value < 1)
Chance = Bound("in [0, 1]", lambda value: 0 <= value <= 1)
Seed = Bound("in [0, 2**32)", lambda value: 0 <= value < 2**32)  # what NumPy takes

_URL = re.compile(r"https?://([\w.-]+|\[[0-9a-f:.]+\])(:\d+)?(/[^\s@]*)?", re.ASCII | re.IGNORECASE)


def _is_url(text: str) -> bool:
    try:
        return _URL.fullmatch(text) is not None and urlsplit(text).port != 0
    except ValueError:  # no such port, or no such IPv6 address
        return False


Below = Bound("< 2**32", lambda value: value < 2**32)
Few = Bound("in [1, 256]", lambda value: 1 <= value <= 256)
Seconds = Bound("in (0, 86400]", lambda value: 0 < value <= 86400)
Url = Bound("like https://host/v1, without user and password, which dvc.lock would keep", _is_url)

FormatName = Literal["plain", "native"]
Undecided = Literal["no_tool", "ask", "choose", "several"]
"""The kinds.DECISIONS other than to call the one tool that is listed."""
LossType = Literal["ipo", "ipo_differing", "sigmoid", "sigmoid_first", "sigmoid_norm", "hinge"]


@dataclass(frozen=True)
class TeacherParams:
    base_url: Annotated[str, Url]
    """URL of an OpenAI-compatible server. The key is read from OPENAI_API_KEY."""
    model: str
    temperature: Annotated[float, NotNegative]
    concurrency: Annotated[int, Few]
    """Number of questions sent at the same time."""
    timeout: Annotated[float, Seconds]
    """Longest time for one answer, in seconds, from the question to its last byte, all tries together."""
    dollars_in: Annotated[float, NotNegative]
    """Price of a million input tokens, in dollars."""
    dollars_out: Annotated[float, NotNegative]
    """Price of a million output tokens, in dollars."""


@dataclass(frozen=True)
class GenerateParams:
    source: Literal["catalog", "openai"]
    """Where requests come from. `catalog` fills the tools' own request templates, offline. With `openai`, the `teacher`
    writes them."""
    triplets: Annotated[int, Positive]
    """Number of triplets, spread evenly over the tools."""
    variants: Annotated[int, NotNegative]
    """Additional triplets with varied schemas, as a multiple of a tool's own triplets; for training only."""
    distractors: Annotated[float, Chance]
    """Probability that a prompt with a varied schema also lists other tools."""
    json_schema: Annotated[float, Chance]
    """Probability that such a prompt, if it lists only one tool, has it as JSON Schema instead of a signature."""
    room: Annotated[int, NotNegative]
    """Longest prompt, in characters, with other tools or JSON Schema. A longer one drops them, one tool at a time."""
    optional: Annotated[float, Chance]
    """Probability that a request mentions an optional part of its template."""
    mix: Mapping[Kind, Annotated[float, NotNegative]]
    """Relative weight of each kind of violation. If a kind is not possible in a call, another one is taken."""
    decisions: Mapping[Undecided, Annotated[float, NotNegative]]
    """Additional triplets of each decision, as a multiple of a tool's own triplets, and as often varied; none of a
    decision that is not named."""
    teacher: TeacherParams | None
    """The model that writes the requests if the source is `openai`."""


@dataclass(frozen=True)
class SplitParams:
    validation: Annotated[float, Part]
    """Share of the tools kept for choosing hyperparameters."""
    test: Annotated[float, Part]
    """Share of the tools kept for the reported figures."""
    preference: Annotated[float, Share]
    """Share of the training prompts that preference training uses and SFT does not; 0 = both use all of them."""


@dataclass(frozen=True)
class MineParams:
    samples: Annotated[int, NotNegative]
    """Answers drawn from the SFT model for each preference prompt; 0 mines nothing."""
    temperature: Annotated[float, NotNegative]
    """Sampling temperature; 0 always takes the likeliest token."""


@dataclass(frozen=True)
class PairsParams:
    typed: Literal["balanced", "triplets", "both", "none"]
    """Hard negatives of single calls. `balanced`: for each call that allows it, one leaves out a parameter and one adds
    one that nobody asked for. `triplets`: the triplets' own. `both`: all of these."""
    mined: Annotated[float, Chance]
    """Largest share of mined pairs beside the typed ones; 1 = no typed pairs, and all mined ones."""
    decisions: Annotated[float, Chance]
    """Share of the preference prompts that ask for a decision whose triplets' own pairs are used, beside the others."""


@dataclass(frozen=True)
class AnswerParams:
    split: Literal["test", "validation"]
    """Which tools are used: `test` for the reported figures, `validation` to choose hyperparameters."""
    max_new_tokens: Annotated[int, Positive]
    """Longest answer, in tokens."""
    constrained: bool
    """Whether decoding is constrained to the schema of the requested call."""


@dataclass(frozen=True)
class WeightsParams:
    source: str
    """`package:MODULE/FILE.gguf`, `random:MODULE/FILE.gguf` (two random layers, that file's tokenizer), or
    `hub:OWNER/NAME`."""
    revision: str | None
    """Commit of a hub model."""
    sha256: str | None
    """Checksum of a packaged file."""
    backend: Literal["transformers", "unsloth"]
    dtype: Literal["bfloat16", "float16", "float32"]
    load_in_4bit: bool
    """Quantise the base to 4-bit NF4 (QLoRA, arXiv 2305.14314)."""
    max_length: Annotated[int, Positive]
    """Longest prompt and answer together, in tokens."""


@dataclass(frozen=True)
class TrainParams:
    learning_rate: Annotated[float, Positive]
    """Highest learning rate of the schedule."""
    epochs: Annotated[int, Positive]
    batch_size: Annotated[int, Positive]
    """Examples (for DPO: pairs) on the device at once."""
    gradient_accumulation: Annotated[int, Positive]
    """Batches per optimizer step."""
    warmup_steps: Annotated[int, NotNegative]
    """Optimizer steps over which the learning rate rises linearly to its peak."""
    gradient_checkpointing: bool
    """Recompute activations in the backward pass: less memory, about a third slower."""


@dataclass(frozen=True)
class SftParams(TrainParams):
    decisions: Annotated[float, Chance]
    """Share of the training prompts that ask for a decision which are used."""
    lora_rank: Annotated[int, Positive]
    lora_alpha: Annotated[int, Positive]
    """The adapter's output is scaled by lora_alpha / lora_rank."""


@dataclass(frozen=True)
class DpoParams(TrainParams):
    loss_type: LossType
    """Which of training.losses.LOSSES."""
    beta: Annotated[float, Positive]
    """Of a loss with a reference, the strength of the pull towards it: IPO aims at 1 / (2 beta) nats a token.
    Of `sigmoid_first` the slope: 1 for the plain log-odds of a choice."""
    sft_weight: Annotated[float, NotNegative]
    """Weight of the chosen answer's SFT loss beside the preference loss (RPO, arXiv 2404.19733); 0 leaves it out."""
    max_displacement: Annotated[float, Positive]
    """Most that the chosen calls may lose against the SFT model, in nats a call, before the stage fails."""


@dataclass(frozen=True)
class BatchParams:
    batch_size: Annotated[int, Positive]
    """Prompts answered at once."""


@dataclass(frozen=True)
class ModelParams:
    license: str
    """Of the base, as the Hugging Face Hub names it; an exported model's card says it."""
    format: FormatName
    """`native`: the model's own tool format; `plain`: `{"tool": name, "parameters": {...}}`, for any model."""
    template: Mapping[str, str | bool]
    """Values of variables of the chat template. They are set in the template that is trained with and saved."""
    weights: WeightsParams
    sft: SftParams
    dpo: DpoParams
    answer: BatchParams


@dataclass(frozen=True)
class Params:
    seed: Annotated[int, Seed]
    beta: Annotated[float, Positive] | None
    """In place of the chosen model's own `dpo.beta`, where it is given."""
    loss_type: LossType | None
    """In place of the chosen model's own `dpo.loss_type`, where it is given."""
    model: str
    """Which of `models` to use."""
    generate: GenerateParams
    split: SplitParams
    mine: MineParams
    pairs: PairsParams
    answer: AnswerParams
    models: Mapping[str, ModelParams]

    @property
    def chosen(self) -> ModelParams:
        return self.models[self.model]


def overridden(params: DpoParams, **values: Any) -> DpoParams:
    """The params with those of the values that are not None."""
    return dataclasses.replace(params, **{name: value for name, value in values.items() if value is not None})


def load_params(path: Path = PARAMS) -> Params:
    """Read and check a params file (YAML 1.2, as DVC writes it: `5e-06` is a number).

    Raises:
        InputError: `params.yaml: dpo.learning_rate must be a float > 0, got '5e-6'`.
    """
    document = _read_yaml(path)
    try:
        params = read_section(Params, document)
        if params.model not in params.models:
            raise ValueError(f"model must be one of {_cut(', '.join(params.models))}, got {_shown(params.model)}")
        if dotted := next((name for name in params.models if "." in name), None):
            raise ValueError(
                f"models: a name must have no dot, which DVC takes for the next level, got {_shown(dotted)}"
            )
        each = (1 + params.generate.variants) * (1 + sum(params.generate.decisions.values()))
        if (count := params.generate.triplets * each) > _MOST_TRIPLETS:
            factors = "generate.triplets * (1 + generate.variants) * (1 + all generate.decisions)"
            raise ValueError(f"{factors} must be at most {_MOST_TRIPLETS}, got {count:g}")
        if params.split.validation + params.split.test >= 1:
            raise ValueError("split.validation + split.test must leave tools to train on, got a sum >= 1")
        if not any(params.generate.mix.values()):
            raise ValueError("generate.mix must give some kind a weight > 0")
        if params.pairs.mined and not params.mine.samples:
            raise ValueError(f"mine.samples must be > 0 where pairs.mined is {params.pairs.mined:g}, got 0")
        if params.generate.source == "openai" and params.generate.teacher is None:
            raise ValueError(
                "generate.teacher must say who writes the requests where generate.source is openai, got None"
            )
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
    return params


class _Constructor(SafeConstructor):
    """Reads a number of too many digits as text, which no number's place takes."""

    def construct_yaml_int(self, node: ScalarNode) -> Any:
        return super().construct_yaml_int(node) if len(node.value) <= _MOST_DIGITS else node.value


_Constructor.add_constructor("tag:yaml.org,2002:int", _Constructor.construct_yaml_int)


def _read_yaml(path: Path) -> Any:
    """The document of a YAML file, in time and memory that do not depend on what it holds.

    Raises:
        InputError: there is no such file, or it holds something else or too much.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise InputError(f"{path}: larger than {_LARGEST} bytes")
        node = yaml.compose(content.decode("utf-8"))
        if node is None:
            return None
        if written_length(node) > _LONGEST:
            raise InputError(f"{path}: its aliases stand for more than {_LONGEST} characters")
        return yaml.constructor.construct_document(node)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file (run from the project's top folder)") from None
    except RecursionError:
        raise InputError(f"{path}: nested too deeply") from None
    except MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InputError(f"{path}{line}: not YAML: {_cut(str(error.problem))}") from None
    except (YAMLError, ValueError) as error:
        raise InputError(f"{path}: not YAML: {_cut(str(error).splitlines()[0])}") from None
    except (LookupError, AttributeError, TypeError):  # of a tag and a text that do not fit, as in `!!bool perhaps`
        raise InputError(f"{path}: not YAML: a tag that its value does not fit") from None


def _shown(value: Any) -> str:
    """A value for a complaint."""
    return _cut(_repr.repr(value))


def _cut(text: str) -> str:
    """A text for a complaint: one line, not long, without a password that stands in a URL."""
    text = re.sub(r"//.*@", "//***@", re.sub(r"\s+", " ", text))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def read_section(kind: type[T], value: Any, key: str = "") -> T:
    """Make a dataclass from a mapping, field by field.

    Raises:
        ValueError: a key or a value is wrong. The message names the key, what was expected and what was found.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"{key or 'the file'} must be a mapping, got {_shown(value)}")
    hints = get_type_hints(kind, include_extras=True)
    prefix = f"{key}." if key else ""
    if unknown := sorted(str(name) for name in value if name not in hints):
        raise ValueError(f"{prefix}{_cut(unknown[0])} is not a known key, expected one of {', '.join(hints)}")
    if missing := [name for name in hints if name not in value]:
        raise ValueError(f"{prefix}{missing[0]} is missing")
    return kind(**{name: _read(hint, value[name], prefix + name) for name, hint in hints.items()})


def _read(hint: Any, value: Any, key: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        kind, bound = args
        return _scalar(kind, value, key, bound)
    if origin is Literal:
        if value not in args:
            raise ValueError(f"{key} must be one of {', '.join(map(str, args))}, got {_shown(value)}")
        return value
    if origin in (Union, types.UnionType):
        if type(None) in args:
            return None if value in (None, "") else _read(args[0], value, key)  # "" is what `-S key=` writes
        if type(value) not in args:
            raise ValueError(f"{key} must be a {' or a '.join(one.__name__ for one in args)}, got {_shown(value)}")
        return value
    if origin is Mapping:
        return _mapping(args[0], args[1], value, key)
    if dataclasses.is_dataclass(hint):
        return read_section(cast("type[Any]", hint), value, key)
    return _scalar(hint, value, key)


def _mapping(names: Any, hint: Any, value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} must be a mapping, got {_shown(value)}")
    known = get_args(names)
    if unknown := [name for name in value if known and name not in known]:
        raise ValueError(f"{key}.{_cut(str(unknown[0]))} is not a known key, expected one of {', '.join(known)}")
    return {str(name): _read(hint, item, f"{key}.{_cut(str(name))}") for name, item in value.items()}


def _scalar(kind: type, value: Any, key: str, bound: Bound | None = None) -> Any:
    accepted = (int, float) if kind is float else (kind,)
    fits = isinstance(value, accepted) and (kind is bool or not isinstance(value, bool))
    if fits and kind is float:
        with suppress(OverflowError):
            value = float(value)
        fits = isinstance(value, float) and math.isfinite(value)
    if fits and kind is int and not -(2**32) < value < 2**32:
        bound, fits = bound if bound and not bound.holds(value) else Below, False
    if not fits or (bound and not bound.holds(value)):
        article = "an" if kind is int else "a"
        words = f" {bound.text}" if bound else ""
        raise ValueError(f"{key} must be {article} {kind.__name__}{words}, got {_shown(value)}")
    return value
