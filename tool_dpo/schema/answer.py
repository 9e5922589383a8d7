"""A model's answer, stored together with the expected call."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.records import read_lines


@dataclass(frozen=True)
class Answer:
    """A model's answer to a test prompt: its `text`, the call `schema`, and the `expected` call as JSON text."""

    prompt: str
    tool: str
    schema: dict[str, Any]
    expected: str
    text: str

    def record(self) -> dict[str, Any]:
        return asdict(self)


def read_answers(path: Path) -> list[Answer]:
    """Read every answer of a file.

    Raises:
        InputError: the file is missing or has no answers, or a line does not have the fields of an answer.
    """
    answers = []
    for number, record in read_lines(path):
        try:
            answers.append(Answer(**record))
        except TypeError:
            raise InputError(f"{path}:{number}: not an answer: keys {sorted(record)}") from None
    if not answers:
        raise InputError(f"{path}: no answers")
    return answers
