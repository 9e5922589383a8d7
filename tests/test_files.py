"""Files and folders: written whole or not at all, and sealed against damage."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import ROOT
from tool_dpo import files
from tool_dpo.errors import InputError
from tool_dpo.files import MANIFEST, atomic, damage, put_aside, replacing, seal
from tool_dpo.records import read_json, write_json, write_lines

RECORDS = [{"text": "naïve €\n\u2028"}, {"n": 1.5, "deep": {"list": [None, True]}}]


def test_a_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_lines(path, RECORDS)
    before = path.read_bytes()

    def half() -> None:
        with atomic(path) as file:
            file.write("half a line")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("size", [1, 1_000_000])
def test_a_full_disk_is_reported_in_one_line(size: int, tmp_path: Path) -> None:
    """A limit to the size of a file stands for it: the same write fails in the same place."""
    path = tmp_path / "a.jsonl"
    path.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(InputError) as caught:
            write_lines(path, [{"text": "x" * size}])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(caught.value) == f"{path}: cannot be written: File too large"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


PLACES: dict[str, tuple[Callable[[Path], None], str | None, str | None]] = {
    "nothing": (lambda path: None, None, None),
    "a file": (lambda path: path.write_text("old"), None, "Not a directory"),
    "a folder": (lambda path: path.mkdir(), "Is a directory", None),
    "a symbolic link": (lambda path: path.symlink_to(path.parent / "target"), *["Is a symbolic link"] * 2),
    "a link to a device": (lambda path: path.symlink_to("/dev/null"), *["Is a symbolic link"] * 2),
    "a pipe": (lambda path: os.mkfifo(path), "Not a file", "Not a directory"),
}
"""What may be in the place of an output, and why a file, and a folder, is not written there."""


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("place", PLACES)
def test_only_a_file_replaces_a_file_and_a_folder_a_folder(place: str, folder: bool, tmp_path: Path) -> None:
    path = tmp_path / "a"
    put, *reasons = PLACES[place]
    put(path)

    def write() -> None:
        if folder:
            with replacing(path) as temporary:
                (temporary / "new").write_text("new")
        else:
            write_json(path, "new")

    if reason := reasons[folder]:
        before = os.lstat(path)
        with pytest.raises(InputError) as caught:
            write()
        assert str(caught.value) == f"{path}: cannot be written: {reason}"
        assert os.path.samestat(os.lstat(path), before)
    else:
        write()
        assert [(one.name, one.is_dir()) for one in path.parent.rglob("*")] == (
            [("a", True), ("new", False)] if folder else [("a", False)]
        )
    assert list(tmp_path.iterdir()) == [path]


def test_a_device_is_no_place_for_an_output() -> None:
    with pytest.raises(InputError, match=r"^/dev/null: cannot be written: Not a file$"):
        write_json(Path("/dev/null"), {})


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a"

    def write(name: str, *, fail: bool = False) -> None:
        with replacing(path) as temporary:
            (temporary / name).write_text(name)
            if fail:
                raise KeyboardInterrupt

    write("old")
    with pytest.raises(KeyboardInterrupt):
        write("half", fail=True)
    assert [one.name for one in tmp_path.rglob("*")] == ["a", "old"]
    write("new")
    assert [one.name for one in tmp_path.rglob("*")] == ["a", "new"]


def test_ctrl_c_between_two_renames_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "old").write_text("old")
    rename, calls = Path.rename, []

    def stop_at_the_second(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt), replacing(folder) as temporary:
        (temporary / "new").write_text("new")
    assert [path.name for path in folder.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [folder]


def test_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    """Four processes write one file, and a folder each beside it, over and over."""
    program = """
import sys
from pathlib import Path
from tool_dpo.files import replacing
from tool_dpo.records import write_json
me, file, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
for _ in range(10):
    write_json(file, [me] * 5000)
    with replacing(folder.with_name(f"folder{me}")) as temporary:
        write_json(temporary / "me.json", me)
"""
    file = tmp_path / "a.json"
    arguments = [str(file), str(tmp_path / "folder")]
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(one), *arguments], cwd=ROOT, stderr=subprocess.PIPE)
        for one in range(4)
    ]
    for writer in writers:
        assert writer.communicate()[1] == b""
        assert writer.returncode == 0
    assert len(set(read_json(file))) == 1
    assert len(list(tmp_path.iterdir())) == 5


def test_what_a_killed_process_left_is_swept_at_the_next_write(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from tool_dpo.files import atomic, replacing
place = Path(sys.argv[1])
with atomic(place / "a.json") as file, replacing(place / "b") as folder:
    (folder / "half").mkdir()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    (tmp_path / "a.json").write_text("old")
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    kept = [
        tmp_path / name
        for name in (
            f".a.json.{files._HOST}-{os.getppid()}.{'1' * 19}.tmp",  # of a process that runs
            f".a.json.another-{2**22 + 1}.{'1' * 19}.tmp",  # of another machine
            ".a.json.tmp",
            ".a.2024",
            "a.json",
        )
    ]
    for path in kept:
        path.touch()
    assert len(list(tmp_path.iterdir())) == len(kept) + 2
    write_json(tmp_path / "another.json", {})
    assert sorted(tmp_path.iterdir()) == sorted([*kept, tmp_path / "another.json"])


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda folder: None, None),
        (lambda folder: (folder / "in/b").write_text("B"), "in/b is not as it was written"),
        (lambda folder: (folder / "a").write_text(""), "a is not as it was written"),
        (lambda folder: (folder / "a").unlink(), "a is missing"),
        (lambda folder: (folder / "c").touch(), "c is not as it was written"),
        (lambda folder: (folder / MANIFEST).unlink(), "never finished"),
        (lambda folder: (folder / MANIFEST).write_text("{"), "never finished"),
        (lambda folder: (folder / MANIFEST).write_text("[1]"), "never finished"),
        (lambda folder: (folder / MANIFEST).write_text("[[1, 2]]"), "1 is missing"),
        (lambda folder: shutil.rmtree(folder), "never finished"),
    ],
)
def test_damage_to_a_sealed_folder_is_named(harm: Callable[[Path], None], reason: str | None, tmp_path: Path) -> None:
    folder = tmp_path / "sealed"
    (folder / "in").mkdir(parents=True)
    for name in ("a", "in/b"):
        (folder / name).write_text("b")
    seal(folder)
    harm(folder)
    assert damage(folder) == reason


def test_what_is_put_aside_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a"
    for text in ("first", "second"):
        path.write_text(text)
        put_aside(path, "it is old")
        assert capsys.readouterr().err == f"{path}: it is old: put aside as damaged-a\n"
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"damaged-a": "second"}
