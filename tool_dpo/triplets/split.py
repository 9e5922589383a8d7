"""Split triplets by tool, so that validation and test tools are never trained on."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from tool_dpo.chance import fraction
from tool_dpo.errors import InputError
from tool_dpo.formats.format import Format, agrees
from tool_dpo.params import SplitParams
from tool_dpo.schema.violations import fault
from tool_dpo.triplets.triplet import Triplet


@dataclass(frozen=True)
class Split:
    """The triplets of each part. `sft` and `preference` are the same if none are kept for preference training."""

    sft: list[Triplet] = field(default_factory=list)
    preference: list[Triplet] = field(default_factory=list)
    validation: list[Triplet] = field(default_factory=list)
    test: list[Triplet] = field(default_factory=list)


def held_out(tool: str, params: SplitParams, seed: int) -> Literal["test", "validation"] | None:
    """The part that a tool, given its name, is held out for; None for a training tool."""
    place = fraction(f"{seed}/tool/{tool}")
    return "test" if place < params.test else "validation" if place < params.test + params.validation else None


def sayable(triplets: Iterable[Triplet], form: Format) -> Iterator[Triplet]:
    """The triplets whose answers keep their faults when they are written and read in a format. The others are counted
    in a warning. JSON formats can say everything; others may have no null, or only some signs in names."""
    left_out, count = "", 0
    for triplet in triplets:
        schema, chosen = triplet.schema, triplet.chosen
        wrong = [
            one
            for one in (chosen, triplet.rejected)
            if not agrees(form, schema, one, chosen, fault(schema, one, chosen))
        ]
        if wrong:
            left_out, count = left_out or wrong[0], count + 1
        else:
            yield triplet
    if count:
        told = "split: %d triplets left out, which the model's tool format cannot write, such as %s"
        logging.getLogger(__name__).warning(told, count, left_out)


def split(triplets: Iterable[Triplet], params: SplitParams, seed: int) -> Split:
    """Assign each triplet to a part by the hash of its tool's name (and, in training, of its prompt).

    The part of a tool depends only on its name and the seed, so adding tools does not move other tools. Varied triplets
    of held-out tools are dropped.

    Raises:
        InputError: a part is left without triplets.
    """
    parts = Split()
    tools = set()
    for triplet in triplets:
        tool = triplet.varied_from or triplet.tool
        tools.add(tool)
        part = held_out(tool, params, seed)
        if part and triplet.varied_from:
            continue
        if part:
            getattr(parts, part).append(triplet)
        elif params.preference == 0:
            parts.sft.append(triplet)
            parts.preference.append(triplet)
        elif fraction(f"{seed}/prompt/{triplet.prompt}") < params.preference:
            parts.preference.append(triplet)
        else:
            parts.sft.append(triplet)
    empty = [name for name in ("sft", "preference", "validation", "test") if not getattr(parts, name)]
    if empty:
        raise InputError(
            f"split: {len(tools)} tools leave nothing for {' and '.join(empty)}: "
            "add tools, or change split in params.yaml"
        )
    return parts
