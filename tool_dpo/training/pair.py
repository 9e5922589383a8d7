"""A pair for preference training, and the check of its fault."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.records import read_lines
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import faults


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt. `fault` is the kind of fault of `rejected`, which need not be JSON."""

    prompt: str
    chosen: str
    rejected: str
    schema: Schema
    fault: str
    mined: bool
    request: str
    tools: str

    def record(self) -> dict[str, Any]:
        return asdict(self)


def fault(schema: Schema, text: str, chosen: str) -> str | None:
    """The most serious fault of an answer, one of kinds.KINDS; None if it equals the correct call `chosen`."""
    found = faults(schema, text, chosen)
    return found[0].kind if found else None


def read_pairs(path: Path) -> list[Pair]:
    """Read every pair of a file. Check that `chosen` has no fault and that `rejected` has the stated one.

    Raises:
        InputError: a pair fails the check. The message names the file, the line and the reason.
    """
    pairs = []
    for number, record in read_lines(path):
        try:
            pair = Pair(**record)
        except TypeError:
            raise InputError(f"{path}:{number}: not a pair: keys {sorted(record)}") from None
        for name, text, expected in (("chosen", pair.chosen, None), ("rejected", pair.rejected, pair.fault)):
            if (actual := fault(pair.schema, text, pair.chosen)) != expected:
                raise InputError(f"{path}:{number}: {name} must have the fault {expected}, found {actual}")
        pairs.append(pair)
    return pairs
