"""Pairs for preference training: typed hard negatives, and the model's own verified failures."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.params import PairsParams
from tool_dpo.records import read_lines, write_json, write_lines
from tool_dpo.schema import WRONG_VALUE, Schema, faults, parse
from tool_dpo.triplets import Triplet, read_triplets


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt; `fault` says what is wrong with `rejected`, which need not be JSON."""

    prompt: str
    chosen: str
    rejected: str
    schema: Schema
    fault: str
    mined: bool

    def record(self) -> dict[str, Any]:
        return asdict(self)


def fault(schema: Schema, text: str, chosen: str) -> str | None:
    """The worst that is wrong with an answer where `chosen` was asked for, one of schema.KINDS; None if nothing is."""
    found = faults(schema, text, chosen)
    return found[0].kind if found else None


def typed(triplet: Triplet) -> Pair:
    """The pair of a triplet."""
    return Pair(triplet.prompt, triplet.chosen, triplet.rejected, triplet.schema, triplet.violation, mined=False)


def mined(triplet: Triplet, text: str) -> Pair | None:
    """The pair of a triplet whose rejected answer is one that a model gave, or None where that answer is right."""
    found = fault(triplet.schema, text, triplet.chosen)
    return Pair(triplet.prompt, triplet.chosen, text, triplet.schema, found, mined=True) if found else None


def mix(triplets: Path, failures: Path, out: Path, metrics: Path, params: PairsParams, seed: int) -> None:
    """Write the pairs to train on: every typed one, and mined ones up to their share, chosen by the seed.

    Where failures that say less than was asked outnumber those that say more, what is learnt is to go on, whatever
    else is wrong with them; so strict calls with other values can even them out.

    Raises:
        InputError: a triplet or a mined pair that breaks its promise, or nothing mined where no others are wanted.
    """
    pairs = [typed(triplet) for triplet in read_triplets(triplets)]
    rng = random.Random(seed)
    found = read_pairs(failures)
    if params.wrong_values != "all":
        wrong = [pair for pair in found if pair.fault == WRONG_VALUE]
        found = [pair for pair in found if pair.fault != WRONG_VALUE]
        if params.wrong_values == "balance":
            found += _against(sum(map(_surplus, found)), wrong, rng)
    if params.mined == 1:
        if not found:
            raise InputError(f"{failures}: no failures were mined, expected some for pairs.mined 1")
        pairs = found
    else:
        most = round(len(pairs) * params.mined / (1 - params.mined))
        pairs += rng.sample(found, min(len(found), most))
    write_lines(out, (pair.record() for pair in pairs))
    write_json(metrics, census(pairs, len(found)))


def _against(surplus: int, pairs: list[Pair], rng: random.Random) -> list[Pair]:
    """As many of the pairs as it takes to make up for a surplus, or all that lean the other way."""
    opposite = [pair for pair in pairs if _surplus(pair) * surplus < 0]
    return rng.sample(opposite, min(len(opposite), abs(surplus)))


def _surplus(pair: Pair) -> int:
    """1 where the rejected answer has more values than the chosen one, -1 where it has fewer; 0 if it is no JSON."""
    try:
        more = _values(parse(pair.rejected)) - _values(parse(pair.chosen))
    except ValueError:
        return 0
    return (more > 0) - (more < 0)


def _values(document: Any) -> int:
    """How many values a document has that are neither objects nor lists."""
    if isinstance(document, dict | list):
        return sum(map(_values, document.values() if isinstance(document, dict) else document))
    return 1


def census(pairs: Iterable[Pair], found: int) -> dict[str, Any]:
    """How many pairs of each fault there are, typed and mined; `found` failures there were to choose from."""
    counts = {name: Counter(pair.fault for pair in pairs if pair.mined is own) for name, own in _ORIGINS}
    return {
        "failures_found": found,
        **{name: {"pairs": count.total(), "faults": dict(sorted(count.items()))} for name, count in counts.items()},
    }


_ORIGINS = (("typed", False), ("mined", True))


def read_pairs(path: Path) -> list[Pair]:
    """Every pair of a file, each shown to be what it says.

    Raises:
        InputError: names the file, the line and the reason.
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
