"""Contamination: what counts as the same tool, schema or request."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT, load
from tool_dpo.schema.calls import call_schema
from tool_dpo.triplets.contamination import bare_parameters, contamination
from tool_dpo.triplets.triplet import proved

TRIPLET = proved(load("triplets")["triplet"])
LONG = "Please remind everybody on the team to send in the slides before noon"
OTHER = replace(
    TRIPLET,
    prompt="Do it.",
    tool="remind",
    schema=call_schema("remind", {"type": "object", "properties": {"who": {"type": "string"}}}),
)


@pytest.mark.parametrize(
    ("change", "shared"),
    [
        ({}, set()),
        ({"tool": "createTask"}, {"same_tool"}),
        ({"tool": "CREATE-TASK"}, {"same_tool"}),
        ({"tool": "create_tasks"}, set()),
        ({"schema": TRIPLET.schema}, {"same_schema"}),
        ({"prompt": f"First of all, {LONG.upper()}!\nTool: remind()"}, {"same_request_words"}),
        ({"prompt": "everybody on the team to send in the"}, {"same_request_words"}),
        ({"prompt": "everybody on the team to send in"}, set()),
        ({"prompt": f"Do it.\nTool: {LONG}"}, set()),
    ],
)
def test_what_is_shared_is_counted(change: dict[str, Any], shared: set[str]) -> None:
    training = [TRIPLET, replace(TRIPLET, prompt=f"{LONG} today.\nTool: create_task()")]
    counts = contamination(training, [replace(OTHER, **change)])
    assert counts.pop("held_out") == 1
    assert {name for name, count in counts.items() if count} == shared


def test_a_fingerprint_covers_only_what_validates() -> None:
    def of(**properties: Any) -> str:
        return bare_parameters(
            call_schema("t", {"type": "object", "properties": properties, "required": [*properties]})
        )

    first = of(a={"type": "string", "enum": ["x", "y"], "description": "one"}, b={"type": "integer"})
    assert first == of(b={"type": "integer"}, a={"enum": ["y", "x"], "type": "string"})
    assert first != of(a={"type": "string", "enum": ["x", "z"]}, b={"type": "integer"})
    assert first != of(a={"type": "string", "enum": ["x", "y"]}, c={"type": "integer"})
    assert of(description={"type": "string", "pattern": "a"}) != of(description={"type": "string", "pattern": "b"})


def test_the_recorded_data_share_nothing() -> None:
    counts = json.loads(Path(ROOT, "metrics/details/contamination.json").read_text())
    for part in ("validation", "test"):
        assert counts[part].pop("held_out") > 0
        assert set(counts[part].values()) == {0}


@pytest.mark.parametrize(
    ("training", "held_out", "shared"),
    [
        ("no_tool", "ask", {"same_tool", "same_schema"}),
        ("several", "choose", {"same_tool", "same_schema"}),
        ("choose", None, set()),
        (None, "no_tool", set()),
    ],
)
def test_of_a_decision_all_listed_tools_are_compared(
    training: str | None, held_out: str | None, shared: set[str]
) -> None:
    first, second = (proved(load("decisions")["triplets"][name]) if name else TRIPLET for name in (training, held_out))
    counts = contamination([first], [second])
    assert counts.pop("held_out") == 1
    assert {name for name, count in counts.items() if count} == shared
