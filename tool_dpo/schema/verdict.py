"""Judge one answer. SSPR counts the strict passes: answers that are, as a whole, one JSON call valid for the schema."""

import json
from dataclasses import dataclass

from tool_dpo.kinds import KINDS, WRONG_VALUE
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import faults

FAILURES = tuple(kind for kind in KINDS if kind != WRONG_VALUE)


@dataclass(frozen=True)
class Verdict:
    """The judgement of one answer.

    failure: the most serious of the answer's FAILURES; None for a strict pass.
    keyword: the JSON Schema keyword of this failure, or `json` (see `Violation`); None for a strict pass.
    exact: the answer is the expected call, including its values.
    extracted: the first JSON object in the text, taken alone, is a strict pass.
    """

    failure: str | None
    keyword: str | None
    exact: bool
    extracted: bool


def judge(schema: Schema, text: str, expected: str | None = None) -> Verdict:
    """Judge an answer by its call schema and, if given, by the `expected` call (JSON text). No answer raises."""
    found = faults(schema, text, expected)
    if not found or found[0].kind == WRONG_VALUE:
        return Verdict(None, None, exact=expected is not None and not found, extracted=True)
    return Verdict(found[0].kind, found[0].keyword, exact=False, extracted=_extracted(schema, text))


def _extracted(schema: Schema, text: str) -> bool:
    start = text.find("{") if isinstance(text, str) else -1
    if start < 0:
        return False
    try:
        _, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return False
    return text[start:end] != text.strip(" \t\n\r") and not faults(schema, text[start:end])
