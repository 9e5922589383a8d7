"""A training that is killed, at whatever moment, and run again ends with the bits of one that was not."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.training.kills import MOMENTS, finish
from tool_dpo.files import MANIFEST, seal
from tool_dpo.models.checkpoints import last_checkpoint

FILES = ("trainer_state.json", "optimizer.pt", "scheduler.pt", "rng_state.pth", "adapter_model.safetensors", MANIFEST)
HARMS: dict[str, Callable[[Path], object]] = {
    "is missing": Path.unlink,
    "is empty": lambda path: path.write_bytes(b""),
    "is cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "has a changed byte": lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
}
STAGES = ("sft", "dpo")


@pytest.fixture(scope="module", params=STAGES)
def stage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def inputs(
    stage: str, base: Path, data: Path, sft: Path, pairs: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Seven rows to train on, and the model to train."""
    whole, model = (data, base) if stage == "sft" else (pairs, sft)
    rows = tmp_path_factory.mktemp("rows") / whole.name
    rows.write_text("".join(whole.read_text().splitlines(keepends=True)[:7]))
    return rows, model


def _outputs(folder: Path) -> dict[str, bytes]:
    assert not list((folder / ".checkpoints").iterdir())
    return {str(path.relative_to(folder)): path.read_bytes() for path in (folder / "out").iterdir()} | {
        "curve": (folder / "curve.csv").read_bytes()
    }


@pytest.fixture(scope="module")
def expected(stage: str, inputs: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    assert finish(stage, *inputs, folder) == 0
    return _outputs(folder)


@pytest.fixture(scope="module")
def killed(stage: str, inputs: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training killed in its fifth step, with two checkpoints."""
    folder = tmp_path_factory.mktemp("killed")
    assert finish(stage, *inputs, folder, "in the fifth step") == -signal.SIGKILL
    assert len(list(folder.glob(".checkpoints/*/checkpoint-*"))) == 2
    return folder


NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
STOPS = [(moment, signal.SIGKILL) for moment in MOMENTS]
STOPS += [
    (moment, signal.SIGINT) for moment in MOMENTS if NIGHTLY or moment in ("in the fifth step", "in the final save")
]


@pytest.mark.parametrize(("moment", "how"), STOPS, ids=lambda value: str(getattr(value, "name", value)))
def test_a_killed_training_ends_with_the_same_bits(
    moment: str, how: signal.Signals, stage: str, inputs: tuple[Path, Path], expected: dict[str, bytes], tmp_path: Path
) -> None:
    code = finish(stage, *inputs, tmp_path, moment, how)
    assert code == (130 if how == signal.SIGINT else -signal.SIGKILL)
    assert finish(stage, *inputs, tmp_path) == 0
    assert _outputs(tmp_path) == expected
    assert "Traceback" not in (tmp_path / "stderr.txt").read_text()


@pytest.mark.parametrize("harmed", [1, 2], ids=["the last checkpoint", "both checkpoints"])
@pytest.mark.parametrize("name", ["optimizer.pt", "trainer_state.json"])
def test_a_damaged_checkpoint_is_named_and_changes_nothing(
    name: str,
    harmed: int,
    stage: str,
    inputs: tuple[Path, Path],
    expected: dict[str, bytes],
    killed: Path,
    tmp_path: Path,
) -> None:
    shutil.copytree(killed, tmp_path, dirs_exist_ok=True)
    checkpoints = sorted(tmp_path.glob(".checkpoints/*/checkpoint-*"), reverse=True)[:harmed]
    for checkpoint in checkpoints:
        HARMS["is missing"](checkpoint / name)
    assert finish(stage, *inputs, tmp_path) == 0
    assert _outputs(tmp_path) == expected
    printed = (tmp_path / "stderr.txt").read_text()
    for checkpoint in checkpoints:
        line = f"{checkpoint.relative_to(tmp_path)}: {name} is missing: put aside as damaged-{checkpoint.name}"
        assert line in printed.splitlines()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", HARMS)
def test_only_a_whole_checkpoint_is_resumed(
    harm: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in (9, 10, 100):
        (tmp_path / f"checkpoint-{step}").mkdir()
        for file in FILES:
            (tmp_path / f"checkpoint-{step}" / file).write_text(f"{file} of {step}")
        seal(tmp_path / f"checkpoint-{step}")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-100"
    for step, before in ((100, 10), (10, 9), (9, None)):
        HARMS[harm](tmp_path / f"checkpoint-{step}" / name)
        assert last_checkpoint(tmp_path) == (before and tmp_path / f"checkpoint-{before}")
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"{tmp_path}/checkpoint-{step}: ")
        assert line.endswith(f": put aside as damaged-checkpoint-{step}")
    assert last_checkpoint(tmp_path / "none") is None
