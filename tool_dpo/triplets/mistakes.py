"""Rejected calls like a model's own: one says too little, one too much, one has a single mistake of an answer."""

import random
from collections.abc import Iterator
from typing import Any

from tool_dpo.kinds import NOT_JSON
from tool_dpo.schema.documents import Place, alike, differences, json_path, parse
from tool_dpo.schema.keywords import Schema
from tool_dpo.triplets.edits import (
    REMOVED,
    Edit,
    Negative,
    Site,
    breaking,
    proved_edits,
    respelt,
    sites_of,
    unasked,
    value_at,
)


def too_little(schema: Schema, call: dict[str, Any], rng: random.Random) -> Negative | None:
    """A negative that leaves out a parameter that was asked for; None where there is none.

    One that need not be given leaves a valid call, with WRONG_VALUE for its fault.
    """
    names = rng.sample(list(call["parameters"]), len(call["parameters"]))
    return next(proved_edits(schema, call, (Edit(("parameters", name), REMOVED) for name in names)), None)


def too_much(parameters: Schema, schema: Schema, call: dict[str, Any], rng: random.Random) -> Negative | None:
    """A proved negative that fills an optional parameter nobody spoke of; None where there is no place for it.

    What it breaks is whatever the value of another parameter breaks there. Arguments as of `negative`.
    """
    edits = list(unasked(list(sites_of(Site(("parameters",), parameters, call["parameters"])))))
    return next(breaking(schema, call, rng.sample(edits, len(edits))), None)


def isolated(schema: Schema, chosen: str, text: str) -> Iterator[Negative]:
    """Each mistake of an answer when it alone is put into the chosen call; text that is no JSON.

    Whatever else the answer says differently is left out, so what tells such a pair apart is the one value or the one
    name. A name that the answer has for another, with the same value, takes its place, which is two faults where the
    other is required: the worse is told.
    """
    try:
        answer = parse(text)
    except ValueError:
        yield Negative(text, NOT_JSON, "json", json_path(()), None)
        return
    call = parse(chosen)
    places = [place for place in differences(answer, call) if place]
    renamed = _renamed(places, answer, call)
    for new, old in renamed.items():
        edit = Edit(new[:-1], respelt(value_at(call, new[:-1]), str(old[-1]), str(new[-1])))
        for found in breaking(schema, call, [edit], most=2):
            places = [place for place in places if place not in (new, old)]
            yield found
    yield from breaking(schema, call, (Edit(place, value_at(answer, place)) for place in places))


def _renamed(places: list[Place], answer: Any, call: Any) -> dict[Place, Place]:
    """The place in the call of each name that only the answer has, where the value is the same."""
    absent = [place for place in places if value_at(answer, place) is REMOVED]
    found: dict[Place, Place] = {}
    for new in places:
        if value_at(call, new) is not REMOVED:
            continue
        free = (old for old in absent if old[:-1] == new[:-1] and old not in found.values())
        old = next((old for old in free if alike(value_at(call, old), value_at(answer, new))), None)
        if old:
            found[new] = old
    return found
