"""A model's answer, stored together with the expected call."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.kinds import DECISIONS, Decision
from tool_dpo.records import read_lines
from tool_dpo.schema.check import check_schema
from tool_dpo.schema.documents import parse


@dataclass(frozen=True)
class Answer:
    """A model's answer to a test prompt: its `text`, the right answer's `schema`, and the `expected` one as JSON text.

    `call` is what the whole text is, and `found` the first call in it: see `Reading` of the formats. The other fields
    are those of the triplet.
    """

    prompt: str
    tool: str
    schema: dict[str, Any]
    expected: str
    text: str
    call: str
    found: str | None
    decision: Decision | None = None
    missing: str | None = None
    tools: str | None = None

    def record(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None or name not in _LATER}


_NAMES = frozenset(field.name for field in fields(Answer))
_LATER = frozenset(field.name for field in fields(Answer) if field.default is None)
"""The fields that an answer may lack."""


def read_answers(path: Path) -> list[Answer]:
    """Read every answer of a file.

    Raises:
        InputError: the file is missing or has no answers, or a line does not have the fields of an answer, its schema
            is not valid, or its expected call is not JSON.
    """
    answers = []
    checked: set[str] = set()
    for number, record in read_lines(path):
        try:
            answers.append(_answer(record, checked))
        except ValueError as error:
            raise InputError(f"{path}:{number}: not an answer: {error}") from None
    if not answers:
        raise InputError(f"{path}: no answers")
    return answers


def _answer(record: dict[str, Any], checked: set[str]) -> Answer:
    """One answer; `checked` are the schemas, as JSON text, that are known to be right."""
    if not _NAMES - _LATER <= record.keys() <= _NAMES:
        raise ValueError(f"keys {sorted(record)}")
    if record["text"] is None:  # as servers write it if the model said nothing
        record = record | {"text": "", "call": ""}
    for name, value in record.items():
        kind, expected = (dict, "an object") if name == "schema" else (str, "text")
        if not isinstance(value, kind) and (value is not None or name not in ("found", *_LATER)):
            raise ValueError(f"{name} must be {expected}, got {value!r:.80}")
    answer = Answer(**record)
    if answer.decision not in (None, *DECISIONS):
        raise ValueError(f"decision must be one of {', '.join(DECISIONS)}, got {answer.decision!r:.80}")
    if answer.decision == "ask" and answer.missing is None:
        raise ValueError("missing must name the parameter that the request lacks, got None")
    if (text := json.dumps(answer.schema)) not in checked:
        check_schema(answer.schema)
        checked.add(text)
    try:
        parse(answer.expected)
    except ValueError as error:
        raise ValueError(f"expected is no JSON: {error}") from None
    return answer
