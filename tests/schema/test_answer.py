"""Files of answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from tool_dpo.errors import InputError
from tool_dpo.records import write_lines
from tool_dpo.schema.answer import Answer, read_answers
from tool_dpo.schema.calls import no_call_schema
from tool_dpo.schema.forms import no_call
from tool_dpo.schema.verdict import judge


def test_answers_are_read_back(tmp_path: Path) -> None:
    said = ("text", "", None), ("a {}", "", "{}")
    answers = [Answer("p", "t", {"type": "object"}, "{}", *one) for one in said]
    asks = no_call("Which n?")
    answers += [
        Answer("p", "t", no_call_schema(), asks, asks, asks, None, "ask", "n", "[]"),
        Answer("p", "t", no_call_schema(), asks, asks, asks, None, "no_tool", None, "[]"),
    ]
    write_lines(tmp_path / "a.jsonl", (answer.record() for answer in answers))
    assert read_answers(tmp_path / "a.jsonl") == answers


def test_answers_without_a_decision_have_no_more_fields() -> None:
    assert Answer("p", "t", {}, "{}", "a", "", None).record().keys() == ANSWER.keys()


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
        ({"decision": "wait"}, "decision must be one of call, no_tool, ask, choose, several, got 'wait'"),
        ({"decision": 1}, "decision must be text, got 1"),
        ({"decision": "ask"}, "missing must name the parameter that the request lacks, got None"),
        ({"decision": "ask", "missing": 1}, "missing must be text, got 1"),
        ({"tools": []}, r"tools must be text, got \[\]"),
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
