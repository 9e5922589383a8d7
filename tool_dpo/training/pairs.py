"""Make pairs for preference training, from typed hard negatives and from the model's own verified mistakes."""

import random
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.params import PairsParams
from tool_dpo.records import write_json, write_lines
from tool_dpo.schema.documents import parse
from tool_dpo.schema.forms import read_form
from tool_dpo.schema.violations import fault
from tool_dpo.training.pair import Pair, read_pairs
from tool_dpo.triplets.mistakes import isolated, too_little, too_much
from tool_dpo.triplets.triplet import Triplet, proved, read_triplets


def typed(triplet: Triplet) -> Pair:
    """The pair with the triplet's own hard negative."""
    return _pair(triplet, triplet.rejected, triplet.violation)


def decided(triplet: Triplet) -> Pair:
    """The pair of a triplet that asks for a decision."""
    found = fault(triplet.schema, triplet.rejected, triplet.chosen)
    return replace(_pair(triplet, triplet.rejected, str(found)), decision=triplet.decision)


def balanced(triplet: Triplet, rng: random.Random) -> list[Pair]:
    """Two pairs: one rejected call leaves out a parameter, the other adds an optional one that nobody asked for.

    Training first learns what all rejected answers have in common. With only one of the two, this would be to write
    longer calls, or shorter ones. The list is empty if the call does not allow both.
    """
    parameters, call = triplet.schema["properties"].get("parameters"), parse(triplet.chosen)
    if not isinstance(parameters, dict) or not isinstance(call.get("parameters"), dict):
        return []
    less = too_little(triplet.schema, call, rng)
    more = too_much(parameters, triplet.schema, call, rng)
    if less is None or more is None:
        return []
    return [_pair(triplet, one.text, one.violation) for one in (less, more)]


def mined(triplet: Triplet, text: str) -> list[Pair]:
    """A pair for each mistake in a model's answer: the chosen call, and the same call with this one mistake. Words in
    place of a call are one mistake. If the request asks for a decision, the pair of the answer itself, if it is proved
    to be a wrong one."""
    if triplet.decides:
        claim = {name: value for name, value in triplet.record().items() if name not in _OF_REJECTED}
        with suppress(ValueError):
            return [replace(decided(proved(claim | {"rejected": text})), mined=True)]
        return []
    _, words = read_form(text)
    if words is not None:
        return [_pair(triplet, text, str(fault(triplet.schema, text, triplet.chosen)), mined=True)]
    found = isolated(triplet.schema, triplet.chosen, text)
    return [_pair(triplet, one.text, one.violation, mined=True) for one in found]


_OF_REJECTED = ("tool", "violation", "keyword", "path", "edit")
"""The fields of a triplet that `proved` finds again for another rejected answer."""


def _pair(triplet: Triplet, rejected: str, fault: str, *, mined: bool = False) -> Pair:
    return Pair(
        triplet.prompt,
        triplet.chosen,
        rejected,
        triplet.schema,
        fault,
        mined,
        request=triplet.request,
        tools=triplet.tools,
    )


def mix(triplets: Path, failures: Path, out: Path, counts: Path, params: PairsParams, seed: int) -> None:
    """Write the training pairs to `out`: typed pairs as set in `params`, mined pairs up to their share of these two,
    and pairs of decisions.

    Write their numbers to `counts`.

    Raises:
        InputError: a triplet or a mined pair is not valid; there are no typed pairs; or only mined pairs are wanted and
            there are none.
    """
    every = list(read_triplets(triplets))
    kept = [one for one in every if not one.decides]
    decisions = [decided(one) for one in every if one.decides and one.is_among(params.decisions, seed)]
    found = read_pairs(failures)
    if params.mined == 1:
        if not found:
            raise InputError(f"{failures}: no failures were mined, expected some for pairs.mined 1")
        pairs = found
    else:
        pairs = []
        if params.typed in ("triplets", "both"):
            pairs += map(typed, kept)
        if params.typed in ("balanced", "both"):
            pairs += (pair for one in kept for pair in balanced(one, random.Random(f"{seed}/{one.prompt}")))
        pairs = list(_distinct(pairs))
        if not pairs and params.typed != "none":
            raise InputError(
                f"{triplets}: no call has both a parameter to leave out and one to make up, expected some for "
                "pairs.typed balanced: set it to triplets, or pairs.mined to 1"
            )
        most = round(len(pairs) * params.mined / (1 - params.mined))
        new = list(_distinct([*pairs, *found]))[len(pairs) :]
        pairs += random.Random(seed).sample(new, min(len(new), most))
    pairs = list(_distinct([*pairs, *decisions]))
    if not pairs:
        raise InputError(
            f"{triplets}: no pairs to be made: set pairs.typed to balanced, or pairs.decisions to more than 0"
        )
    write_lines(out, (pair.record() for pair in pairs))
    write_json(counts, count_pairs(pairs, len(found)))


def _distinct(pairs: Iterable[Pair]) -> Iterable[Pair]:
    """The first pair with each combination of prompt and rejected answer."""
    first: dict[tuple[str, str], Pair] = {}
    for pair in pairs:
        first.setdefault((pair.prompt, pair.rejected), pair)
    return first.values()


def count_pairs(pairs: list[Pair], found: int) -> dict[str, Any]:
    """Count the typed and the mined pairs by fault, and those of decisions by decision. `found` is the number of mined
    pairs before mixing."""
    calls = [pair for pair in pairs if pair.decision is None]
    counts = {name: Counter(pair.fault for pair in calls if pair.mined is own) for name, own in _ORIGINS}
    return {
        "failures_found": found,
        "decisions": dict(sorted(Counter(pair.decision for pair in pairs if pair.decision).items())),
        **{name: {"pairs": count.total(), "faults": dict(sorted(count.items()))} for name, count in counts.items()},
    }


_ORIGINS = (("typed", False), ("mined", True))
