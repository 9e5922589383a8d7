"""Judge one answer. SSPR counts the strict passes: answers that are, as a whole, JSON calls valid for the schema."""

from dataclasses import dataclass

from tool_dpo.kinds import KINDS, WRONG_VALUE
from tool_dpo.schema.forms import read_form
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import faults

NO_CALL = "no_call"
"""The failure of an answer in words where a call is asked for: a wrong decision, so it is none of KINDS."""
FAILURES = (NO_CALL, *(kind for kind in KINDS if kind != WRONG_VALUE))


@dataclass(frozen=True)
class Verdict:
    """The judgement of one answer.

    failure: the most serious of the answer's FAILURES; None for a strict pass.
    keyword: the JSON Schema keyword of this failure, or `json` (see `Violation`); None for a strict pass, or no call.
    exact: the answer is the expected call, or calls in any order, including all values.
    extracted: the first call in the answer, taken alone, is a strict pass.
    """

    failure: str | None
    keyword: str | None
    exact: bool
    extracted: bool


def judge(schema: Schema, call: str, expected: str | None = None, found: str | None = None) -> Verdict:
    """Judge what an answer is (JSON text) by its schema and, if given, by the `expected` call. Never raises.

    The schema is that of one call, or of a list of several (see `several_schema`). `found` is the first call in the
    answer, whatever stands around it.
    """
    seen = faults(schema, call, expected)
    if not seen or seen[0].kind == WRONG_VALUE:
        return Verdict(None, None, exact=expected is not None and not seen, extracted=True)
    if read_form(call)[1] is not None:
        return Verdict(NO_CALL, None, exact=False, extracted=False)
    extracted = found not in (None, call) and not faults(schema, found)
    return Verdict(seen[0].kind, seen[0].keyword, exact=False, extracted=extracted)
