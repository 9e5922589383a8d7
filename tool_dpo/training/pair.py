"""A pair for preference training, and the check of its fault."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.kinds import Decision
from tool_dpo.records import read_lines
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import fault


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt. `fault` is the kind of fault of `rejected`, which need not be JSON.

    `decision` is what the prompt asks to decide, None or `call` for one call to the one tool that fits. With another
    one, `fault` is what the schema of the right answer says of the rejected one, which is calls that are strict.
    """

    prompt: str
    chosen: str
    rejected: str
    schema: Schema
    fault: str
    mined: bool
    request: str
    tools: str
    decision: Decision | None = None

    def record(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


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
