"""GGUF files of an export, made by llama.cpp's own converter where there is one, and what goes wrong without."""

import json
import os
from pathlib import Path

import pytest
from gguf import GGUFReader

from tests.helpers import command
from tests.models.conftest import Learnt
from tool_dpo.errors import InputError
from tool_dpo.models.gguf import to_gguf

LLAMA_CPP = os.environ.get("LLAMA_CPP")
LEAVES_OUT = """
import sys
from gguf import GGUFWriter
writer = GGUFWriter(sys.argv[sys.argv.index("--outfile") + 1], "llama")
writer.write_header_to_file(); writer.write_kv_data_to_file(); writer.write_tensors_to_file(); writer.close()
"""


@pytest.mark.skipif(not LLAMA_CPP, reason="LLAMA_CPP does not name a folder of llama.cpp's source")
def test_the_file_has_the_chat_template_and_the_end_of_turn(exported: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.gguf"
    done = command("export", "--gguf", "q8_0", "--model", exported, "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{out}: ")
    reader = GGUFReader(out)
    found = {
        name: field.contents() for name in ("chat_template", "ggml.eos_token_id", "ggml.model", "ggml.pre")
        if (field := reader.get_field(f"tokenizer.{name}"))
    }  # fmt: skip
    assert found == {
        "chat_template": (exported / "chat_template.jinja").read_text(),
        "ggml.eos_token_id": json.loads((exported / "generation_config.json").read_text())["eos_token_id"],
        "ggml.model": "gpt2",
        "ggml.pre": "smollm",
    }
    assert list(tmp_path.iterdir()) == [out]


def _llama_cpp(folder: Path, converter: str) -> Path:
    """A folder like llama.cpp's, whose converter is this Python text."""
    (folder / "llama.cpp").mkdir()
    (folder / "llama.cpp/convert_hf_to_gguf.py").write_text(converter)
    return folder / "llama.cpp"


@pytest.mark.parametrize(
    ("converter", "reason"),
    [
        ("raise NotImplementedError('Architecture \"X\" not supported!')", 'NotImplementedError: Architecture "X" not'),
        ("import sys; sys.exit(3)", "convert_hf_to_gguf.py failed: exit code 3"),
        (LEAVES_OUT, "not written: the converter left out the chat template"),
        ("", "cannot be written: No such file or directory"),
    ],
)
def test_a_failed_conversion_is_one_line_and_leaves_the_earlier_file(
    converter: str, reason: str, exported: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.gguf").write_text("earlier")
    with pytest.raises(InputError) as caught:
        to_gguf(exported, tmp_path / "out.gguf", "q8_0", _llama_cpp(tmp_path, converter))
    assert reason in str(caught.value)
    assert (tmp_path / "out.gguf").read_text() == "earlier"
    assert {path.name for path in tmp_path.iterdir()} == {"out.gguf", "llama.cpp"}


def test_a_missing_converter_is_one_line(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLAMA_CPP", raising=False)
    done = command("export", "--gguf", "q8_0", "--model", exported)
    assert done.returncode == 1
    assert done.stderr.startswith("GGUF needs llama.cpp's converter: --llama-cpp or LLAMA_CPP must name a folder")
    assert len(done.stderr.splitlines()) == 1
    with pytest.raises(InputError, match=r"convert_hf_to_gguf\.py: no such file: --llama-cpp must name a folder"):
        to_gguf(exported, tmp_path / "out.gguf", "q8_0", tmp_path)


def test_a_missing_quantizer_is_told_before_anything_is_converted(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    llama_cpp = _llama_cpp(tmp_path, "raise SystemExit('converted')")
    with pytest.raises(
        InputError, match=r"^llama-quantize: not in .* nor on the PATH; without it: f32, f16, bf16, q8_0$"
    ):
        to_gguf(exported, tmp_path / "out.gguf", "q4_k_m", llama_cpp)


def test_only_an_export_is_converted(learnt: Learnt, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"^{learnt.folder}/config\.json: no such file: expected an exported model"):
        to_gguf(learnt.folder, tmp_path / "out.gguf", "q8_0", _llama_cpp(tmp_path, ""))


@pytest.mark.parametrize(("out", "reason"), [("folder", "Is a directory"), ("file/out.gguf", "Not a directory")])
def test_an_unwritable_place_is_one_line(out: str, reason: str, exported: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"{out}: cannot be written: ({reason}|File exists)"):
        to_gguf(exported, tmp_path / out, "q8_0", _llama_cpp(tmp_path, ""))
