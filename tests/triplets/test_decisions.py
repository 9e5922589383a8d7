"""Decision triplets from tools: how many, all proved, from tools of one part, and the same for the same seed."""

import json
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.helpers import PARAMS, ROOT, task
from tests.strategies import parameters
from tool_dpo.errors import InputError
from tool_dpo.formats.length import Limit
from tool_dpo.params import Undecided
from tool_dpo.records import read_texts
from tool_dpo.schema.keywords import Schema
from tool_dpo.tools.tool import Tool, parse_tool, read_tools
from tool_dpo.tools.wording import word
from tool_dpo.triplets.generate import generate
from tool_dpo.triplets.split import held_out
from tool_dpo.triplets.triplet import Triplet, proved

UNDECIDED: tuple[Undecided, ...] = ("no_tool", "ask", "choose", "several")
TALK = read_texts(ROOT / "data/small_talk.txt")
PART = partial(held_out, params=PARAMS.split, seed=PARAMS.seed)
FILES = ("banking", "calendar", "email", "food_delivery", "shopping", "travel")
TOOLS = [tool for tool in read_tools(ROOT / "data/tools") if tool.source.stem in FILES]


def made(
    tools: list[Tool],
    shares: dict[Undecided, float],
    part: Any = lambda name: None,
    seed: int = 1,
    limit: Limit | None = None,
    **changes: Any,
) -> list[Triplet]:
    """The decision triplets of the tools, two of each decision for each share of 1."""
    params = replace(
        PARAMS.generate, **{"triplets": 2 * len(tools), "variants": 0, "decisions": shares, "room": 2000, **changes}
    )
    return [one for one in generate(tools, params, seed, part, limit, TALK) if one.decides]


@pytest.fixture(scope="module")
def found() -> list[Triplet]:
    return made(TOOLS, dict.fromkeys(UNDECIDED, 1.0), PART, variants=1)


def of(decision: str, triplets: list[Triplet]) -> list[Triplet]:
    return [one for one in triplets if one.decision == decision]


def listed(triplet: Triplet) -> list[str]:
    return [one["function"]["name"] for one in json.loads(triplet.tools)]


def test_every_triplet_is_proved_and_every_decision_made(found: list[Triplet]) -> None:
    assert [proved(one.record()) for one in found] == found
    counts = Counter((one.decision, bool(one.varied_from)) for one in found)
    assert counts.keys() == {(decision, varied) for decision in UNDECIDED for varied in (False, True)}
    assert {one.violation for one in of("several", found)} == {"missing_call", "doubled_call", "extra_call"}
    assert len({one.prompt for one in found}) == len(found)


def test_a_prompt_lists_tools_of_one_part_only(found: list[Triplet]) -> None:
    plain = [one for one in found if not one.varied_from]
    for one in plain:
        assert len({PART(name) for name in listed(one)}) == 1
    assert {PART(one.tool) for one in plain} == {None, "validation", "test"}
    assert not any(PART(one.varied_from) for one in found if one.varied_from)


def test_a_request_that_no_tool_fits_is_of_the_part_of_its_tools(found: list[Triplet]) -> None:
    for one in of("no_tool", found):
        part = PART(one.varied_from or one.tool)
        if one.missing:
            assert PART(one.missing) == part
            assert one.missing not in listed(one)
        else:
            assert PART(one.request.removesuffix(".") if one.request not in TALK else one.request) == part
    assert {one.missing is None for one in of("no_tool", found)} == {True, False}


def test_choices_have_two_to_eight_tools_and_near_ones(found: list[Triplet]) -> None:
    files = {tool.name: tool.source for tool in TOOLS}
    choices = [one for one in of("choose", found) if not one.varied_from]
    counts = Counter(len(listed(one)) for one in choices)
    assert min(counts) == 2
    assert 5 < max(counts) <= 8
    near = [one for one in choices if sum(files[name] == files[one.tool] for name in listed(one)) > 1]
    assert len(near) > 0.7 * len(choices)
    places = {listed(one).index(one.tool) for one in choices}
    assert places >= {0, 1, 2}


def test_several_calls_are_those_asked_for_in_their_order(found: list[Triplet]) -> None:
    for one in of("several", found):
        calls = json.loads(one.chosen)
        assert len(calls) in (2, 3)
        assert one.tool == calls[0]["tool"]
    same = [one for one in of("several", found) if len({call["tool"] for call in json.loads(one.chosen)}) == 1]
    assert same
    assert not any(one.varied_from for one in same)


def test_the_wrong_calls_have_the_words_of_the_request(found: list[Triplet]) -> None:
    def leaves(value: Any) -> list[str]:
        if isinstance(value, dict | list):
            return [leaf for one in (value.values() if isinstance(value, dict) else value) for leaf in leaves(one)]
        return [value] if isinstance(value, str) else []

    wrong = of("no_tool", found)
    copied = [one for one in wrong if any(leaf in one.request for leaf in leaves(json.loads(one.rejected)))]
    assert len(copied) > 0.4 * len(wrong)


def test_the_same_seed_makes_the_same_triplets_and_each_decision_has_its_own_stream(found: list[Triplet]) -> None:
    shares: dict[Undecided, float] = {"choose": 1.0, "ask": 0.5}
    again = made(TOOLS, shares, PART, variants=1)
    assert of("choose", again) == of("choose", found)
    assert all(one in found for one in of("ask", again))
    assert made(TOOLS, shares, PART, seed=2) != made(TOOLS, shares, PART)


def test_other_triplets_do_not_depend_on_decisions() -> None:
    params = replace(PARAMS.generate, triplets=len(TOOLS), variants=1)
    without, some = (
        list(generate(TOOLS, replace(params, decisions=shares), 1, PART, None, TALK))
        for shares in (dict.fromkeys(UNDECIDED, 0.0), {"ask": 0.5})
    )
    assert without == some[: len(without)]
    assert {one.decision for one in without} == {None}
    assert {one.decision for one in some[len(without) :]} == {"ask"}


def test_shares_are_kept_on_average_and_a_share_of_zero_makes_none() -> None:
    tools = [replace(task(), name=f"task_{number}") for number in range(100)]
    counts = Counter(one.decision for one in made(tools, {"ask": 0.25, "no_tool": 0.0}, triplets=100, variants=1))
    assert counts.keys() == {"ask"}
    assert counts["ask"] == pytest.approx(50, abs=12)


def test_what_cannot_be_made_is_counted_with_a_reason(caplog: pytest.LogCaptureFixture) -> None:
    lone = made([task()], dict.fromkeys(UNDECIDED, 2.0))
    assert Counter(one.decision for one in lone) == {"no_tool": 4, "ask": 4, "several": 4}
    assert caplog.messages == [
        "generate: 12 decision triplets made, 4 left out, such as choose of 'create_task': no other tool or request of "
        "its part"
    ]


def test_tools_that_may_do_the_same_are_never_listed_together() -> None:
    twin = replace(task(), name="CreateTask")
    cousin = replace(task(), name="create_new_task", source=Path("another"))
    sister = task(function__name="delete_task", function__description="Delete a task.")
    found = [
        {*listed(one), one.missing} for one in made([task(), twin, cousin, sister], {"choose": 5.0, "no_tool": 5.0})
    ]
    assert not any({"create_task", name} <= names for names in found for name in ("CreateTask", "create_new_task"))
    assert any({"create_task", "delete_task"} <= names for names in found)


def test_small_talk_that_a_tool_may_fit_is_not_put_to_it() -> None:
    tool = task(function__description="Find the capital of a country.")
    requests = {one.request for one in made([tool], {"no_tool": 40.0}) if one.missing is None}
    assert len(requests) > 20
    assert not any("capital" in one for one in requests)


@pytest.mark.parametrize("decision", UNDECIDED)
def test_a_prompt_that_is_too_long_is_shortened(decision: Undecided) -> None:
    properties = {f"spare_{number}": {"type": "string", "description": "Spare. " * 9} for number in range(60)}
    long = task()
    long.parameters["properties"].update(properties)
    short = task(function__name="send_invoice", function__description="Bill a customer.")
    limit = Limit(400)
    found = made([long, short], {decision: 4.0}, limit=limit)
    assert len(found) > 8
    assert all(limit.holds(one, max(one.chosen, one.rejected, key=len)) for one in found)


def test_a_varied_prompt_keeps_the_room_where_it_can() -> None:
    for one in made(TOOLS, {"no_tool": 1.0}, PART, variants=2, room=300):
        if one.varied_from:
            assert len(one.prompt) <= 300 or len(listed(one)) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(parameters, parameters)
def test_any_tools_give_only_triplets_that_are_proved(one: Schema, other: Schema) -> None:
    tools = []
    for name, description, schema in (("send_report", "Send it.", one), ("open_gate", "Let someone in.", other)):
        function = {"name": name, "description": description, "parameters": schema}
        try:
            tools.append(parse_tool(word(parse_tool({"type": "function", "function": function}, Path())), Path("t")))
        except ValueError:
            return
    try:
        found = made(tools, dict.fromkeys(UNDECIDED, 1.0), variants=1)
    except InputError:  # no call of either tool can be wrong
        return
    assert [proved(json.loads(json.dumps(one.record()))) for one in found] == found
