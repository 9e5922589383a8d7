"""The verdict on one answer. SSPR counts those that are, whole, one JSON call valid for the schema."""

import json
from dataclasses import dataclass

from tool_dpo.kinds import KINDS, WRONG_VALUE
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import faults

FAILURES = tuple(kind for kind in KINDS if kind != WRONG_VALUE)


@dataclass(frozen=True)
class Verdict:
    """What an answer comes to.

    `failure` is None for a strict pass, else the first of FAILURES that the answer has; `exact` says that the
    call is the expected one, values and all; `extracted` that the first JSON object in the text would pass.
    """

    failure: str | None
    keyword: str | None
    exact: bool
    extracted: bool


def judge(schema: Schema, text: str, expected: str | None = None) -> Verdict:
    """The verdict on one answer."""
    found = faults(schema, text, expected)
    if not found or found[0].kind == WRONG_VALUE:
        return Verdict(None, None, exact=expected is not None and not found, extracted=True)
    return Verdict(found[0].kind, found[0].keyword, exact=False, extracted=_extracted(schema, text))


def _extracted(schema: Schema, text: str) -> bool:
    start = text.find("{")
    if start < 0:
        return False
    try:
        _, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return False
    return not faults(schema, text[start:end])
