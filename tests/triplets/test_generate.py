"""Triplets from tools: how many, in which mix, and the same for the same seed."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.helpers import ROOT, task
from tool_dpo.errors import InputError
from tool_dpo.formats.length import Limit
from tool_dpo.kinds import Kind
from tool_dpo.params import load_params
from tool_dpo.tools.catalog import Request, Speaker
from tool_dpo.tools.tool import Tool, read_tools
from tool_dpo.triplets.augment import plain
from tool_dpo.triplets.generate import first_triplet, generate
from tool_dpo.triplets.triplet import Triplet, proved

KINDS = [kind for kind in get_args(Kind) if kind != "wrong_tool"]
"""What every tool has a place for."""
DEFAULT = replace(load_params(ROOT / "params.yaml").generate, decisions={})


def made(tools: list[Tool], count: int, seed: int = 1, **mix: float) -> list[Triplet]:
    params = replace(DEFAULT, triplets=count, variants=0, mix=mix or dict.fromkeys(KINDS, 1.0))
    return list(generate(tools, params, seed))


def varied(tools: list[Tool], held_out: str = "", **changes: Any) -> list[Triplet]:
    params = replace(DEFAULT, triplets=4 * len(tools), **{"room": 10_000, "variants": 3, **changes})
    return [one for one in generate(tools, params, 1, lambda name: name == held_out) if one.varied_from]


def named(name: str) -> Tool:
    return task(function__name=name)


def of_one_code(name: str, file: str) -> Tool:
    properties = {f"{name}_code": {"type": "string", "examples": [f"{name} {number}" for number in range(200)]}}
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    tool = task(function__name=name, function__parameters=parameters, requests=[f"{name} {{{name}_code}}"])
    return replace(tool, source=Path(file))


def test_the_same_seed_makes_the_same_triplets() -> None:
    tools = read_tools(ROOT / "data/tools")
    assert made(tools, 2 * len(tools)) == made(tools, 2 * len(tools))
    assert made(tools, len(tools)) != made(tools, len(tools), seed=2)


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_triplets_are_spread_evenly_and_exactly(count: int) -> None:
    triplets = made([named("a"), named("b"), named("c")], count)
    assert len(triplets) == count
    shares = Counter(triplet.tool for triplet in triplets).values()
    assert max(shares) - min(shares) <= 1


def test_every_triplet_is_proved_and_every_prompt_asked_once() -> None:
    triplets = made(read_tools(ROOT / "data/tools"), 300)
    assert [proved(triplet.record()) for triplet in triplets] == triplets
    assert len({triplet.prompt for triplet in triplets}) == len(triplets)


def test_another_tool_changes_only_the_number_of_the_others_triplets() -> None:
    before, after = made([named("a"), named("c")], 40), made([named("a"), named("b"), named("c")], 45)
    for name in "ac":
        fewer = [triplet for triplet in after if triplet.tool == name]
        assert fewer == [triplet for triplet in before if triplet.tool == name][: len(fewer)]


def test_a_new_tool_rarely_changes_the_parameters_invented_for_others() -> None:
    words = [f"word{number}" for number in range(10)]
    before, after = ([of_one_code(word, "file") for word in some] for some in (words[:-1], words))
    mix = {"hallucinated_param": 1.0}
    old = made(before, 90, **mix)
    new = [triplet for triplet in made(after, 100, **mix) if triplet.tool != words[-1]]
    assert 0 < sum(triplet != other for triplet, other in zip(old, new, strict=True)) < 20


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_weight_zero_never_appears(kind: str) -> None:
    others = {other: 1.0 for other in KINDS if other != kind}
    assert {triplet.violation for triplet in made([task()], 60, **others, **{kind: 0})} == set(others)
    assert {triplet.violation for triplet in made([task()], 20, **{kind: 0.1})} == {kind}


def test_violations_are_made_behind_references_too() -> None:
    parameters = {
        "type": "object",
        "properties": {
            "priority": {"$ref": "#/$defs/level"},
            "notes": {"type": "array", "items": {"$ref": "#/$defs/note"}},
        },
        "required": ["priority", "notes"],
        "$defs": {
            "level": {"type": "string", "enum": ["low", "high"]},
            "note": {"type": "string", "enum": ["now", "later", "never"], "minLength": 3},
        },
    }
    tool = task(function__parameters=parameters, requests=["{priority} {notes}", "{notes} with {priority}"])
    found = {triplet.path for triplet in made([tool], 20, enum_violation=1)}
    assert {"$.parameters.priority", "$.parameters.notes[0]"} <= found


def test_weights_are_followed() -> None:
    found = Counter(triplet.violation for triplet in made([task()], 400, enum_violation=3, missing_required=1))
    assert found["enum_violation"] == pytest.approx(300, abs=30)


def test_a_kind_that_fits_nowhere_is_replaced_by_the_others() -> None:
    tool = task(function__parameters__properties__priority={"type": "string", "examples": ["low", "high"]})
    found = Counter(triplet.violation for triplet in made([tool], 40, enum_violation=100, missing_required=1))
    assert found == {"missing_required": 40}


@pytest.mark.parametrize(
    ("changes", "count", "reason"),
    [
        (
            {"requests": ["{title}, {priority}"]},
            16,
            "gives 15 different requests with a provable violation, 16 are needed",
        ),
        (
            {"requests": ["{title}, {priority}", "{title}: {priority}!"]},
            16,
            "gives 15 different requests with a provable violation, 16 are needed",
        ),
        (
            {"function__parameters__properties__title__examples": [7]},
            1,
            r"call is not valid: \$.parameters.title: 7 is",
        ),
        ({"function__parameters__properties__title": False}, 1, "title: no way to draw a value"),
    ],
)
def test_triplets_that_a_tool_does_not_give_are_left_out_and_counted(
    changes: dict[str, Any], count: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    tool, other = task(**changes), named("other")
    twin = replace(tool, name="twin")
    found = Counter(triplet.tool for triplet in made([tool, other, twin], 3 * count))
    assert found == Counter(create_task=count - 1, other=count, twin=count - 1)
    told, _, counts = (record.getMessage() for record in caplog.records)
    assert told.startswith(f"{tool.source}: tool 'create_task'")
    assert re.search(reason, told)
    assert "\n" not in told
    assert counts == f"generate: {3 * count - 2} made, 2 left out"
    if count == 1:
        with pytest.raises(InputError, match=reason):
            made([tool], count)


def test_a_draw_that_fails_is_made_again() -> None:
    """One of three examples is not valid."""
    tool = task(function__parameters__properties__title__examples=["Plan", "Review", 7])
    assert len(made([tool], 10)) == 10


def test_an_error_of_any_kind_leaves_out_one_triplet(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(case: Any, rng: Any) -> Any:
        raise TypeError("no order between str and int")

    monkeypatch.setattr("tool_dpo.triplets.generate.vary", failing)
    assert varied([task()], variants=1) == []
    told = "gives 0 different requests with a provable violation, 4 are needed: request .+: TypeError: no order"
    assert re.search(told, caplog.records[0].getMessage())


def test_a_prompt_that_is_too_long_is_shortened_and_keeps_what_its_call_needs() -> None:
    choices = [f"choice_number_{index}" for index in range(300)]
    properties = {
        "pick": {"enum": choices},
        **{f"spare_parameter_{index}": {"type": "string", "description": "Spare. " * 9} for index in range(60)},
    }
    parameters = {"type": "object", "properties": properties, "required": ["pick"]}
    tool = task(function__parameters=parameters, requests=["Take {pick}[ with {spare_parameter_50}]"])
    params = replace(DEFAULT, triplets=20, variants=0)
    for most in (3000, 300):
        triplets = list(generate([tool], params, 1, limit=Limit(most)))
        assert len(triplets) == 20
        assert [proved(triplet.record()) for triplet in triplets] == triplets
        for triplet in triplets:
            assert Limit(most).holds(triplet, max(triplet.chosen, triplet.rejected, key=len))
            parts = triplet.schema["properties"]["parameters"]["properties"]
            call = json.loads(triplet.chosen)["parameters"]
            assert call["pick"] in parts["pick"]["enum"]
            assert call.keys() <= parts.keys()
    assert any("spare_parameter_50" in triplet.chosen for triplet in triplets)


def test_a_request_that_is_too_long_is_left_out_with_the_reason() -> None:
    with pytest.raises(InputError, match="longer than the model's max_length of 60 tokens, even if shortened"):
        list(generate([task()], replace(DEFAULT, triplets=1, variants=0), 1, limit=Limit(60)))


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> list[Tool]:
    """The tools for which requests are drawn, one for each."""
    found: list[Tool] = []
    request = Speaker.request

    def counted(speaker: Speaker, tool: Tool) -> Request:
        found.append(tool)
        return request(speaker, tool)

    monkeypatch.setattr(Speaker, "request", counted)
    return found


def test_a_tool_of_few_requests_is_soon_given_up(draws: list[Tool]) -> None:
    assert len(made([task(requests=["{title}, {priority}"])], 1000)) == 15
    assert len(draws) < 1000


def test_a_tool_that_is_always_too_long_is_soon_given_up(draws: list[Tool]) -> None:
    with pytest.raises(ValueError, match="longer than the model's max_length of 60 tokens, even if shortened"):
        first_triplet(task(), DEFAULT, limit=Limit(60))
    assert len(draws) < 10


def test_a_tool_without_requests_gets_some(caplog: pytest.LogCaptureFixture) -> None:
    silent = task(function__name="silent", requests="...")
    mute = task(function__name="mute", function__parameters__properties__title=False, requests="...")
    assert Counter(triplet.tool for triplet in made([task(), silent, mute], 10)) == {"create_task": 5, "silent": 5}
    assert [record.getMessage() for record in caplog.records] == [
        f"{mute.source}: tool 'mute' left out: title: no way to draw a value: give it an enum, examples, a range, "
        "a known format or x-faker"
    ]
    with pytest.raises(InputError, match="no request can be made for any of its tools"):
        made([mute], 1)


def test_a_held_out_tool_is_not_varied_and_listed_nowhere() -> None:
    triplets = varied([named("a"), named("b"), named("secret")], "secret", distractors=1.0)
    assert Counter(triplet.varied_from for triplet in triplets) == {"a": 12, "b": 12}
    assert not any("secret" in triplet.prompt.lower() for triplet in triplets)


def test_an_invented_parameter_may_be_one_of_a_training_tool_of_the_same_file() -> None:
    files = {"tea": "food", "jam": "food", "secret": "food", "van": "cars"}
    tools = [of_one_code(name, file) for name, file in files.items()]
    params = replace(DEFAULT, triplets=120, variants=0, mix={"hallucinated_param": 1.0})
    found: dict[str, set[str]] = {name: set() for name in files}
    for triplet in generate(tools, params, 1, lambda name: name == "secret"):
        chosen, rejected = (json.loads(text)["parameters"] for text in (triplet.chosen, triplet.rejected))
        found[triplet.tool] |= {name for name in rejected.keys() - chosen.keys() if name.endswith("_code")}
    assert found == {"tea": {"jam_code"}, "jam": {"tea_code"}, "secret": {"tea_code", "jam_code"}, "van": set()}


def test_distractors_stand_in_any_place_and_may_be_called_by_mistake() -> None:
    tools = [named(f"make_{word}") for word in ("tea", "soup", "bread", "cake", "jam")]
    mix: dict[Kind, float] = {"wrong_tool": 1.0, "missing_required": 1e-9}
    triplets = varied(tools, distractors=1.0, json_schema=1.0, mix=mix)
    assert {triplet.violation for triplet in triplets} == {"wrong_tool"}
    for triplet in triplets:
        _, *lines = triplet.prompt.split("\nTool: ")
        names = [line.split('"')[1] for line in lines]
        assert len(set(names)) == len(names) in (2, 3)
        assert {triplet.tool, json.loads(triplet.rejected)["tool"]} <= set(names)
    first = {triplet.prompt.split("\nTool: ")[1].find(triplet.tool) == 1 for triplet in triplets}
    assert first == {True, False}


def test_a_varied_request_may_end_with_a_full_stop_that_is_no_part_of_its_value() -> None:
    triplets = varied([task(requests=["Create {title}, {priority}", "Create {title}, {priority}!"])])
    ends = Counter(triplet.prompt.split("\nTool: ")[0][-1] for triplet in triplets)
    assert set(ends) >= {".", "!"}
    assert any(end.isalpha() for end in ends)
    assert not any('."' in triplet.chosen for triplet in triplets)


def test_one_tool_may_be_written_as_json_schema() -> None:
    for triplet in varied([task()], distractors=0.0, json_schema=1.0):
        definition = json.loads(triplet.prompt.split("\nTool: ")[1])
        assert definition == {"name": triplet.tool, "parameters": triplet.schema["properties"]["parameters"]}


@pytest.mark.parametrize("extra", ["distractors", "json_schema"])
def test_a_prompt_without_room_has_no_extras(extra: str) -> None:
    extras = {"distractors": 0.0, "json_schema": 0.0, extra: 1.0}
    for triplet in varied([named("a"), named("b")], room=0, **extras):
        (tool,) = triplet.prompt.split("\nTool: ")[1:]
        assert tool.startswith(f'"{triplet.tool}"(')


def test_a_varied_name_is_never_that_of_another_tool() -> None:
    tools = read_tools(ROOT / "data/tools")[:60]
    names = {plain(tool.name): tool.name for tool in tools}
    for triplet in varied(tools, variants=2):
        assert names.get(plain(triplet.tool), triplet.varied_from) == triplet.varied_from
