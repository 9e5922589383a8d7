"""Judge one answer. SSPR counts the strict passes: answers that are, as a whole, one JSON call valid for the schema."""

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
    extracted: the first call in the answer, taken alone, is a strict pass.
    """

    failure: str | None
    keyword: str | None
    exact: bool
    extracted: bool


def judge(schema: Schema, call: str, expected: str | None = None, found: str | None = None) -> Verdict:
    """Judge the call that an answer is (JSON text) by its schema and, if given, by the `expected` call. Never raises.

    `found` is the first call in the answer, whatever stands around it.
    """
    seen = faults(schema, call, expected)
    if not seen or seen[0].kind == WRONG_VALUE:
        return Verdict(None, None, exact=expected is not None and not seen, extracted=True)
    extracted = found not in (None, call) and not faults(schema, found)
    return Verdict(seen[0].kind, seen[0].keyword, exact=False, extracted=extracted)
