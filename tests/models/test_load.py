"""Model folders: what is loaded, and the error for what is not."""

import json
import math
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.helpers import PARAMS, ROOT, changed, params_of
from tests.helpers import load as load_cases
from tool_dpo.errors import InputError
from tool_dpo.models import load
from tool_dpo.models.adapter import adapt
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import ADAPTER, TENSORS, WEIGHTS, base_of
from tool_dpo.params import ModelParams, WeightsParams

QWEN = PARAMS.models["qwen2_5-coder-7b"].weights


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"weights\.json: no such file"):
        load_model(tmp_path)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives freed memory back so early")
def test_freed_tensors_stay_with_the_process(base: Path) -> None:
    load_model(base)
    tensor = torch.ones(2**26)
    size, held = tensor.nbytes, _resident()
    del tensor
    assert held - _resident() < size / 4


def _resident() -> int:
    """The memory of this process that is in RAM, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_hub_model_without_network_is_reported_in_one_line(tmp_path: Path) -> None:
    """The same weights through transformers; only the network is missing."""
    _write_folder(replace(QWEN, backend="transformers", load_in_4bit=False), tmp_path / "base")
    result = _run(tmp_path / "base", tmp_path / "hub")
    assert result.returncode == 1
    *_, last = result.stderr.strip().splitlines()
    assert last.startswith("Qwen/Qwen2.5-Coder-7B-Instruct: cannot be loaded: ")
    assert last.endswith("(a hub model needs the network or a copy in HF_HOME)")
    assert "Traceback" not in result.stderr


def test_unsloth_gets_the_settings_in_the_params(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unsloth refuses to be imported without a GPU, so a recorder takes its place."""
    asked: list[tuple[str, dict[str, object]]] = []

    class FastLanguageModel:
        @staticmethod
        def from_pretrained(**settings: object) -> tuple[str, None]:
            asked.append(("from_pretrained", settings))
            return "model", None

        @staticmethod
        def get_peft_model(model: str, **settings: object) -> str:
            asked.append(("get_peft_model", settings))
            return model

        @staticmethod
        def for_inference(model: str) -> None:
            asked.append(("for_inference", {}))

    fake = type(sys)("unsloth")
    fake.FastLanguageModel = FastLanguageModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "unsloth", fake)
    monkeypatch.setattr(load, "require_backend", lambda weights: None)
    folder = tmp_path / "base"
    _write_folder(QWEN, folder)
    model = load_model(folder, trainable=True)
    adapt(model, folder, PARAMS.models["qwen2_5-coder-7b"].sft, seed=3)
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 16, "lora_alpha": 16, "target_modules": "(a|b)"}
    base_model = {"base_model_name_or_path": "Qwen/Qwen2.5-Coder-7B-Instruct", "revision": QWEN.revision}
    (folder / ADAPTER).write_text(json.dumps({**config, **base_model}))
    save_file({"a": torch.zeros(16)}, folder / TENSORS)
    load_model(folder)
    (_, first), (_, adapter), (_, second), (last, _) = asked
    assert first["model_name"] == "Qwen/Qwen2.5-Coder-7B-Instruct"
    assert first["revision"] == QWEN.revision
    assert (first["load_in_4bit"], first["max_seq_length"], first["trust_remote_code"]) == (True, 2048, False)
    assert (adapter["r"], adapter["lora_alpha"], adapter["random_state"]) == (16, 16, 3)
    assert second["model_name"] == str(folder)
    assert last == "for_inference"


def _run(folder: Path, hub: Path) -> subprocess.CompletedProcess[str]:
    """A program that loads a model folder, with `hub` as the only hub there is, and the answer to any question: y."""
    script = (
        "import sys; from pathlib import Path; from tool_dpo.errors import run\n"
        "from tool_dpo.models.load import load_model\n"
        "from tool_dpo.models.weights import load_tokenizer\n"
        "run(lambda: (load_tokenizer(Path(sys.argv[1])), load_model(Path(sys.argv[1]))))"
    )
    return subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(hub), "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        input="y\n" * 10,
        capture_output=True,
        text=True,
        check=False,
    )


def _on_hub(hub: Path, base: Path, commit: str) -> Path:
    """A hub model at a commit, in the hub's cache, with the files of a folder."""
    snapshot = hub / "hub/models--some--model/snapshots" / commit
    shutil.copytree(base, snapshot)
    return snapshot


@pytest.mark.parametrize("model_type", ["llama", "unheard_of"])
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_of_a_base_is_never_run(name: str, model_type: str, tiny: ModelParams, tmp_path: Path) -> None:
    """Whether or not transformers has code of its own for such a model, and whoever answers y."""
    commit = "0123456789" * 4
    snapshot = _on_hub(tmp_path / "hub", Path(base_of(tiny.weights)), commit)
    mapping = dict.fromkeys(("AutoConfig", "AutoModelForCausalLM", "AutoTokenizer"), "evil.Evil")
    settings = json.loads((snapshot / name).read_text())
    (snapshot / name).write_text(json.dumps({**settings, "model_type": model_type, "auto_map": mapping}))
    (snapshot / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    _write_folder(replace(tiny.weights, source="hub:some/model", revision=commit, sha256=None), tmp_path / "base")
    result = _run(tmp_path / "base", tmp_path / "hub")
    assert result.stderr.strip().splitlines()[-1] == (
        "some/model: brings code of its own (auto_map), which is never run"
    )
    assert result.returncode == 1
    assert "[y/N]" not in result.stdout
    assert not (tmp_path / "ran").exists()


def test_a_pickled_base_is_refused(tiny: ModelParams, tmp_path: Path) -> None:
    commit = "0123456789" * 4
    snapshot = _on_hub(tmp_path / "hub", Path(base_of(tiny.weights)), commit)
    (snapshot / "model.safetensors").unlink()
    torch.save({"a": torch.zeros(1)}, snapshot / "pytorch_model.bin")
    _write_folder(replace(tiny.weights, source="hub:some/model", revision=commit, sha256=None), tmp_path / "base")
    result = _run(tmp_path / "base", tmp_path / "hub")
    assert result.returncode == 1
    assert result.stderr.strip().splitlines()[-1].startswith("some/model: cannot be loaded: ")
    assert "Traceback" not in result.stderr


ADAPTERS = load_cases("adapters")


@pytest.mark.parametrize("case", params_of(ADAPTERS))
@pytest.mark.parametrize("trainable", [True, False])
def test_a_bad_adapter_is_one_line_that_names_the_file(
    case: dict[str, Any], trainable: bool, sft: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file is asked of the hub: any connection fails the test."""
    folder = tmp_path / "model"
    shutil.copytree(sft, folder)
    _harm(folder, case)
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("asked the network"))
    with pytest.raises(InputError) as caught:
        load_model(folder, trainable=trainable)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{folder}/{case['message']}")


def _harm(folder: Path, case: dict[str, Any]) -> None:
    for name in case.get("remove", []):
        (folder / name).unlink()
    for name, text in case.get("files", {}).items():
        (folder / name).write_text(text)
    if "config" in case:
        config = json.loads((folder / ADAPTER).read_text())
        (folder / ADAPTER).write_text(json.dumps(changed(config, case["config"])))
    if "tensor" in case:
        tensors = load_file(folder / TENSORS)
        first = sorted(tensors)[0]
        changes: dict[str, Callable[[], Any]] = {
            "nan": lambda: tensors[first].view(-1)[0].fill_(math.nan),
            "infinite": lambda: tensors[first].view(-1)[0].fill_(-math.inf),
            "integers": lambda: tensors.update({first: tensors[first].int()}),
            "shape": lambda: tensors.update({first: tensors[first][:-1].clone()}),
            "missing": lambda: tensors.pop(first),
            "unknown": lambda: tensors.update({"a.b": torch.zeros(1)}),
            "none": lambda: tensors.clear(),
        }
        changes[case["tensor"]]()
        save_file(tensors, folder / TENSORS)
    if size := case.get("cut"):
        data = (folder / TENSORS).read_bytes()
        (folder / TENSORS).write_bytes(data[: int(len(data) * size)])


def _write_folder(weights: WeightsParams, folder: Path) -> None:
    folder.mkdir()
    (folder / WEIGHTS).write_text(json.dumps({"format": "plain", **weights.__dict__}))
