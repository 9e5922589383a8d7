"""Answers are complete and in order, and a killed run goes on."""

import contextlib
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tool_dpo.models import answers
from tool_dpo.models.decode import decode
from tool_dpo.params import AnswerParams, BatchParams
from tool_dpo.schema.answer import read_answers
from tool_dpo.triplets.triplet import Triplet

ASK = AnswerParams(split="test", max_new_tokens=3, constrained=False)
BATCH = BatchParams(batch_size=8)


@pytest.fixture(scope="module")
def whole_answers(base: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    with contextlib.chdir(folder):
        answers.answer(data, base, folder / "out.jsonl", ASK, BATCH)
    return (folder / "out.jsonl").read_bytes()


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_prompt_is_answered_in_order(base: Path, data: Path, triplets: list[Triplet], tmp_path: Path) -> None:
    answers.answer(data, base, tmp_path / "out.jsonl", ASK, BATCH)
    found = read_answers(tmp_path / "out.jsonl")
    assert [(one.prompt, one.expected, one.schema) for one in found] == [
        (triplet.prompt, triplet.chosen, triplet.schema) for triplet in triplets
    ]
    assert not list(Path(".checkpoints").iterdir())


def test_a_killed_run_asks_only_what_is_left(
    base: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers.answer(data, base, tmp_path / "whole.jsonl", ASK, BATCH)
    real, asked = decode, []

    def stop_after_two_batches(*args, **settings):  # type: ignore[no-untyped-def]
        for count, answer in enumerate(real(*args, **settings)):
            if count == 2 * BATCH.batch_size:
                raise KeyboardInterrupt
            yield answer

    def record(*args, **settings):  # type: ignore[no-untyped-def]
        for answer in real(*args, **settings):
            asked.append(answer)
            yield answer

    monkeypatch.setattr(answers, "decode", stop_after_two_batches)
    with pytest.raises(KeyboardInterrupt):
        answers.answer(data, base, tmp_path / "out.jsonl", ASK, BATCH)
    assert not (tmp_path / "out.jsonl").exists()
    (partial,) = Path(".checkpoints").glob("answers-*.jsonl")
    partial.write_text(partial.read_text() + json.dumps([0, "cut in half"])[:-4])
    monkeypatch.setattr(answers, "decode", record)
    answers.answer(data, base, tmp_path / "out.jsonl", ASK, BATCH)
    assert len(asked) == 40 - 2 * BATCH.batch_size
    assert (tmp_path / "out.jsonl").read_text() == (tmp_path / "whole.jsonl").read_text()


def test_right_answers_that_cannot_be_written_whole_are_counted(
    base: Path, data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    answers.answer(data, base, tmp_path / "out.jsonl", ASK, BATCH)
    answers.answer(data, base, tmp_path / "out.jsonl", replace(ASK, max_new_tokens=400), BATCH)
    (warning,) = (record.getMessage() for record in caplog.records)
    assert warning.startswith("40 of 40 right answers are too long for max_new_tokens (3); the longest has ")


@pytest.mark.parametrize(
    "harm",
    [
        lambda lines: [lines[0], b"no answer\n", *lines[2:]],
        lambda lines: [lines[0], lines[1].replace(b'"', b"'"), *lines[2:]],
        lambda lines: [lines[0], lines[1][:-3] + b"\xff" + lines[1][-2:], *lines[2:]],
        lambda lines: [lines[0], b"\0" * len(lines[1]) + b"\n"],
        lambda lines: [lines[0], lines[1][:9] + b"[]\n"],
        lambda lines: [lines[0], b"\n"],
    ],
)
def test_damaged_answers_are_named_and_asked_again(
    harm: Callable[[list[bytes]], list[bytes]],
    base: Path,
    data: Path,
    whole_answers: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    real = decode

    def stop_after_a_batch(*args, **settings):  # type: ignore[no-untyped-def]
        yield from itertools.islice(real(*args, **settings), BATCH.batch_size)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(answers, "decode", stop_after_a_batch)
        with pytest.raises(KeyboardInterrupt):
            answers.answer(data, base, tmp_path / "out.jsonl", ASK, BATCH)
    (partial,) = Path(".checkpoints").glob("answers-*.jsonl")
    partial.write_bytes(b"".join(harm(partial.read_bytes().splitlines(keepends=True))))
    capsys.readouterr()
    answers.answer(data, base, tmp_path / "out.jsonl", ASK, BATCH)
    assert (tmp_path / "out.jsonl").read_bytes() == whole_answers
    named = f"{partial}: line 2 is not as it was written: put aside as damaged-{partial.name}"
    assert named in capsys.readouterr().err.splitlines()
    assert [path.name for path in Path(".checkpoints").iterdir()] == [f"damaged-{partial.name}"]
