"""Files of answers."""

from pathlib import Path

import pytest

from tool_dpo.errors import InputError
from tool_dpo.records import write_lines
from tool_dpo.schema.answer import Answer, read_answers


def test_answers_are_read_back(tmp_path: Path) -> None:
    answers = [Answer("p", "t", {"type": "object"}, "{}", "text")] * 2
    write_lines(tmp_path / "a.jsonl", (answer.record() for answer in answers))
    assert read_answers(tmp_path / "a.jsonl") == answers


@pytest.mark.parametrize(
    ("content", "reason"), [("", ": no answers"), ('{"b": 1, "a": 2}', ":1: not an answer: keys ['a', 'b']")]
)
def test_a_file_without_answers_is_reported(content: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_answers(path)
    assert str(caught.value) == f"{path}{reason}"
