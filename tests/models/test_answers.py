"""Answers are complete and in order, and a killed run goes on."""

import json
from pathlib import Path

import pytest

from tool_dpo.models import answers
from tool_dpo.models.decode import decode
from tool_dpo.params import AnswerParams, BatchParams
from tool_dpo.schema.answer import read_answers
from tool_dpo.triplets.triplet import Triplet

ASK = AnswerParams(split="test", max_new_tokens=3, constrained=False)
BATCH = BatchParams(batch_size=8)


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
