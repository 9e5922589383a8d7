"""Model folders: what is loaded, and the error for what is not."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers import PARAMS, ROOT
from tool_dpo.errors import InputError
from tool_dpo.models import load
from tool_dpo.models.adapter import adapt
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import ADAPTER, WEIGHTS
from tool_dpo.params import WeightsParams

QWEN = PARAMS.models["qwen2.5-coder-7b"].weights


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"weights\.json: no such file"):
        load_model(tmp_path)


def test_a_hub_model_without_network_is_reported_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same weights through transformers; only the network is missing."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    script = (
        "import sys; from pathlib import Path; from tool_dpo.errors import run\n"
        "from tool_dpo.models.load import load_model\n"
        "run(lambda: load_model(Path(sys.argv[1])))"
    )
    weights = replace(QWEN, backend="transformers", load_in_4bit=False)
    _write_folder(weights, tmp_path / "base")
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "base")],
        env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub"), "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
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
    adapt(model, folder, PARAMS.models["qwen2.5-coder-7b"].sft, seed=3)
    (folder / ADAPTER).write_text("{}")
    load_model(folder)
    (_, first), (_, adapter), (_, second), (last, _) = asked
    assert first["model_name"] == "Qwen/Qwen2.5-Coder-7B-Instruct"
    assert first["revision"] == QWEN.revision
    assert (first["load_in_4bit"], first["max_seq_length"]) == (True, 2048)
    assert (adapter["r"], adapter["lora_alpha"], adapter["random_state"]) == (16, 16, 3)
    assert second["model_name"] == str(folder)
    assert last == "for_inference"


def _write_folder(weights: WeightsParams, folder: Path) -> None:
    folder.mkdir()
    (folder / WEIGHTS).write_text(json.dumps(weights.__dict__))
