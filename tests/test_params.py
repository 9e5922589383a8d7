"""params.yaml: every value checked, every complaint exact."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

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


def test_no_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    assert complaint(path) == f"{path}: no such file (run from the project's top folder)"
