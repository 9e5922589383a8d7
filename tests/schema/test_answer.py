"""Files of answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from tool_dpo.errors import InputError
from tool_dpo.records import write_lines
from tool_dpo.schema.answer import Answer, read_answers
from tool_dpo.schema.verdict import judge


def test_answers_are_read_back(tmp_path: Path) -> None:
    said = ("text", "", None), ("a {}", "", "{}")
    answers = [Answer("p", "t", {"type": "object"}, "{}", *one) for one in said]
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


ANSWER = {"prompt": "p", "tool": "t", "schema": {}, "expected": "{}", "text": "x", "call": "x", "found": None}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"text": 5}, "text must be text, got 5"),
        ({"call": None}, "call must be text, got None"),
        ({"found": 5}, "found must be text, got 5"),
        ({"schema": []}, r"schema must be an object, got \[\]"),
        ({"schema": {"pattern": "["}}, ".* is not a regular expression"),
        ({"expected": "{"}, "expected is no JSON"),
        ({"more": 1}, "keys"),
    ],
)
def test_odd_answers_are_reported_in_a_line(changes: dict[str, Any], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(json.dumps(ANSWER | changes) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"answers.jsonl:1: not an answer: {reason}"):
        read_answers(path)


def test_an_answer_without_a_text_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(json.dumps(ANSWER | {"text": None}) + "\n", encoding="utf-8")
    (answer,) = read_answers(path)
    assert judge(answer.schema, answer.call, answer.expected).failure == "json_error"
