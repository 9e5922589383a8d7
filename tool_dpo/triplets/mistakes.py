"""Rejected calls as models make them: a parameter left out, one that nobody asked for, or one mistake of an answer."""

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
    """A call that leaves out a requested parameter; None if there is no such parameter.

    If the parameter is optional, the call stays valid, and its fault is WRONG_VALUE.
    """
    names = rng.sample(list(call["parameters"]), len(call["parameters"]))
    return next(proved_edits(schema, call, (Edit(("parameters", name), REMOVED) for name in names)), None)


def too_much(parameters: Schema, schema: Schema, call: dict[str, Any], rng: random.Random) -> Negative | None:
    """A call that adds an optional parameter that the request does not mention; None if that is not possible.

    The added value is that of another parameter, and breaks the schema there. For the arguments see `negative`.
    """
    edits = list(unasked(list(sites_of(Site(("parameters",), parameters, call["parameters"])))))
    return next(breaking(schema, call, rng.sample(edits, len(edits))), None)


def isolated(schema: Schema, chosen: str, text: str) -> Iterator[Negative]:
    """Put each mistake of a model's answer alone into the chosen call. An answer that is not JSON is yielded whole.

    Other differences are left out, so the chosen and the rejected call differ in one value or one name. If the answer
    has a wrong name with the right value, the name is replaced in the call. If that name is required, the call has two
    faults (one name missing, one invented), and the more serious one is reported.
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
    """For each name that only the answer has: the name in the same object of the call that has the same value."""
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
