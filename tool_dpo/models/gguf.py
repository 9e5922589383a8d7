"""Convert an exported model to GGUF, with the converter of llama.cpp, whose authors define the format.

The converter is a script in llama.cpp's source, and knows each family of models that llama.cpp runs.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, get_args

from tool_dpo.errors import InputError
from tool_dpo.files import made
from tool_dpo.models.weights import CONFIG, place_of, read_weights

_Converted = Literal["f32", "f16", "bf16", "q8_0"]
"""What the converter writes itself."""
_Quantised = Literal["q6_k", "q5_k_m", "q4_k_m"]
"""What llama-quantize makes of a converted bf16 file."""
GgufType = Literal["f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q4_k_m"]

_CONVERTER = "convert_hf_to_gguf.py"
_QUANTIZER = "llama-quantize"


def to_gguf(model: Path, out: Path, kind: GgufType, llama_cpp: Path | None) -> None:
    """Write an exported model as one GGUF file, with its chat template in it.

    `llama_cpp` is a folder of llama.cpp's source. The quantizer may be in its `build/bin`, or on the PATH.

    Raises:
        InputError: the folder is not an export, the converter or the quantizer is missing or fails, or the file cannot
            be written.
    """
    if not (model / CONFIG).is_file():
        raise InputError(f"{model / CONFIG}: no such file: expected an exported model, which `dvc repro export` makes")
    place_of(model, read_weights(model))  # the converter would run code that a model brings
    converter = _converter(llama_cpp)
    quantizer = _quantizer(converter.parent) if kind in get_args(_Quantised) else None
    with made(out) as temporary:
        if quantizer is None:
            _convert(converter, model, temporary, kind)
        else:
            with TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
                whole = Path(folder, "bf16.gguf")
                _convert(converter, model, whole, "bf16")
                _run(_QUANTIZER, [quantizer, str(whole), str(temporary), kind.upper()])
        if not _chat_template(temporary):
            raise InputError(f"{out}: not written: the converter left out the chat template of {model}")


def _converter(llama_cpp: Path | None) -> Path:
    if llama_cpp is None:
        raise InputError(
            "GGUF needs llama.cpp's converter: --llama-cpp or LLAMA_CPP must name a folder of its source, from "
            "`git clone --depth 1 https://github.com/ggml-org/llama.cpp`"
        )
    if not (llama_cpp / _CONVERTER).is_file():
        raise InputError(
            f"{llama_cpp / _CONVERTER}: no such file: --llama-cpp must name a folder of llama.cpp's source"
        )
    if find_spec("sentencepiece") is None:
        raise InputError("llama.cpp's converter needs sentencepiece, not installed: `make setup` installs it")
    return llama_cpp / _CONVERTER


def _quantizer(llama_cpp: Path) -> str:
    path = os.pathsep.join([str(llama_cpp / "build/bin"), os.environ.get("PATH", "")])
    found = shutil.which(_QUANTIZER, path=path)
    if found is None:
        types = ", ".join(get_args(_Converted))
        raise InputError(f"{_QUANTIZER}: not in {llama_cpp / 'build/bin'} nor on the PATH; without it: {types}")
    return found


def _convert(converter: Path, model: Path, out: Path, kind: str) -> None:
    _run(_CONVERTER, [sys.executable, str(converter), str(model), "--outtype", kind, "--outfile", str(out)])


def _run(name: str, command: Sequence[str]) -> None:
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode:
        last = (result.stdout.strip() or f"exit code {result.returncode}").splitlines()[-1]
        raise InputError(f"{name} failed: {last}")


def _chat_template(path: Path) -> str | None:
    from gguf import GGUFReader

    try:
        field = GGUFReader(path).get_field("tokenizer.chat_template")
    except ValueError as error:
        raise InputError(f"{_CONVERTER} wrote no GGUF file: {error}") from None
    return field.contents() if field else None
