"""params.yaml: every value checked, every complaint exact."""

import re
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.hydra import apply_overrides

from tests.helpers import CASES, ROOT, load, params_of
from tool_dpo.errors import InputError
from tool_dpo.params import load_params

TEXT = (CASES / "params.yaml").read_text(encoding="utf-8")


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "params.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def complaint(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_params(path)
    return str(caught.value)


def test_params_are_read_and_typed() -> None:
    params = load_params(CASES / "params.yaml")
    assert params.chosen is params.models["small"]
    assert params.generate.mix == {"type_mismatch": 1.0, "enum_violation": 0.5}
    assert params.chosen.weights.revision is None
    assert isinstance(params.split.preference, float)
    assert asdict(params.chosen.answer) == {"batch_size": 16}


@pytest.mark.parametrize("written", ["5e-06", "5e-6", "5.0e-06", "0.000005"])
def test_a_small_float_may_be_written_in_any_way(written: str, tmp_path: Path) -> None:
    path = write(tmp_path, TEXT.replace("learning_rate: 5e-06", f"learning_rate: {written}"))
    assert load_params(path).chosen.sft.learning_rate == 5e-6


def test_every_model_of_the_project_can_be_chosen(tmp_path: Path) -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    params = load_params(ROOT / "params.yaml")
    for name in params.models:
        path = write(tmp_path, text.replace(f"\nmodel: {params.model}", f"\nmodel: {name}"))
        assert load_params(path).chosen == params.models[name]


@pytest.mark.parametrize("case", params_of(load("params")))
def test_a_bad_value_is_named(case: dict[str, Any], tmp_path: Path) -> None:
    assert case["from"] in TEXT
    path = write(tmp_path, TEXT.replace(case["from"], case["to"], 1))
    assert complaint(path) == f"{path}{case['error']}"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the file must be a mapping, got None"),
        ("- 1", "the file must be a mapping, got [1]"),
        (b"seed: \xff", "not YAML: 'utf-8' codec can't decode byte 0xff in position 6: invalid start byte"),
    ],
)
def test_a_file_of_another_kind_is_named(content: str | bytes, reason: str, tmp_path: Path) -> None:
    path = write(tmp_path, content)
    assert complaint(path) == f"{path}: {reason}"


def _aliases(first: str, one: str, more: str) -> str:
    """Twenty lines, each of which stands for three of the line before."""
    lines = [f"{last}{more.format(before=before, last=last)}" for before, last in pairwise("abcdefghijklmnopqrstuvw")]
    return "\n".join([first, *lines, one])


LARGE = [
    ("aliases", _aliases("a: &a [x]", "", ": &{last} [*{before}, *{before}, *{before}]"), "1000000 characters"),
    (
        "merges",
        _aliases("a: &a {k: 1}", "", ": &{last} {{<<: [*{before}, *{before}, *{before}]}}"),
        "1000000 characters",
    ),
    ("a key of aliases", _aliases("a: &a [x]", "? *w\n: 1", ": &{last} [*{before}, *{before}]"), "1000000 characters"),
    ("a list in itself", "a: &a [*a]", "1000000 characters"),
    ("lists in lists", f"beta: {'[' * 500}{']' * 500}", "nested too deeply"),
    ("lists in lists without end", f"beta: {'[' * 10_000}", "nested too deeply"),
    ("keys in keys", f"beta: {'{a: ' * 500}1{'}' * 500}", "nested too deeply"),
    ("a large file", "#" * 50_001, "larger than 50000 bytes"),
    ("a number of 401 digits", f"beta: 1{'0' * 400}", "beta must be a float > 0, got 1000"),
    ("a number of 40,000 digits", f"beta: {'9' * 40_000}", "beta must be a float > 0, got '9999"),
    ("a hexadecimal number", f"beta: 0x{'f' * 40_000}", "beta must be a float > 0, got '0xff"),
    ("a long text", f"loss_type: {'x' * 40_000}", "loss_type must be one of ipo, ipo_differing, sigmoid"),
    ("a long list", f"beta: [{'1, ' * 999}1]", "beta must be a float > 0, got [1, 1, 1, 1, 1, 1, ...]"),
    ("a long key", f"{'x' * 1000}: 1\nbeta: 0.05", "xxx... is not a known key"),
    ("a key of two lines", '"a\\nb": 1\nbeta: 0.05', "a b is not a known key"),
    ("a key of many digits", f"? {'9' * 40_000}\n: 1\nbeta: 0.05", "999... is not a known key"),
    ("a long name of a model", f"model: {'m' * 40_000}", "model must be one of small, got 'mmm"),
    (
        "a long text twice",
        f"beta: {'x' * 20_000}\nbeta: {'y' * 20_000}",
        'not YAML: found duplicate key "beta" with value "y',
    ),
]


@pytest.mark.parametrize(("line", "reason"), [pytest.param(*case[1:], id=case[0]) for case in LARGE])
def test_a_large_value_is_one_short_line(line: str, reason: str, tmp_path: Path) -> None:
    key = line.partition(":")[0] if line.startswith(("loss_type", "model")) else "beta"
    said = complaint(write(tmp_path, re.sub(rf"^{key}: .*$", lambda _: line, TEXT, count=1, flags=re.MULTILINE)))
    assert reason in said
    assert "\n" not in said
    assert len(said) < len(str(tmp_path)) + 450


def test_a_mapping_may_be_shared(tmp_path: Path) -> None:
    text = TEXT.replace("    sft:\n", "    sft: &shared\n", 1)
    text = re.sub("    dpo:\n(      .*\n)+?(?=      loss_type)", "    dpo:\n      <<: *shared\n", text)
    text = text.replace("      lora_rank: 8\n      lora_alpha: 16\n", "")
    assert complaint(write(tmp_path, text)).endswith("models.small.sft.lora_rank is missing")


@pytest.mark.parametrize("setting", ["null", ""])
def test_what_dvc_writes_for_null_is_null(setting: str, tmp_path: Path) -> None:
    path = write(tmp_path, TEXT.replace("revision: null", "revision: abc"))
    apply_overrides(path, [f"models.small.weights.revision={setting}", f"generate.teacher={setting}"])
    params = load_params(path)
    assert (params.chosen.weights.revision, params.generate.teacher) == (None, None)


def test_no_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    assert complaint(path) == f"{path}: no such file (run from the project's top folder)"
