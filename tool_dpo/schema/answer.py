"""An answer of a model, beside the call that was asked for."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.records import read_lines


@dataclass(frozen=True)
class Answer:
    """What a model said to a test prompt; `expected` is the call asked for, as JSON text."""

    prompt: str
    tool: str
    schema: dict[str, Any]
    expected: str
    text: str

    def record(self) -> dict[str, Any]:
        return asdict(self)


def read_answers(path: Path) -> list[Answer]:
    """Every answer of a file.

    Raises:
        InputError: no answers, or a line without the fields of one.
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
