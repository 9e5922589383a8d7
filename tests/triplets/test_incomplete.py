"""Requests that leave out a required parameter."""

import random
from typing import Any

import pytest

from tests.helpers import ROOT, task
from tool_dpo.schema.calls import call_schema
from tool_dpo.schema.violations import violations
from tool_dpo.tools.spellings import says
from tool_dpo.tools.tool import Tool, read_tools
from tool_dpo.triplets.incomplete import MISSING, incomplete

TASK = task(incomplete=["Create a {priority} task", "Create '{title}'[, due {due}]"])
PROPERTY = "function__parameters__properties__priority"


def made(tool: Tool, count: int = 40) -> list[tuple[str, str, Any]]:
    """The request, the missing parameter and its made-up value, of several draws."""
    found = []
    for seed in range(count):
        one = incomplete(tool, 0.5, random.Random(seed))
        (missing,) = (name for name, schema in one.parameters["properties"].items() if MISSING in schema)
        call = {"tool": tool.name, "parameters": one.values}
        assert violations(call_schema(tool.name, one.parameters), call) == []
        found.append((one.text, missing, one.values[missing]))
    return found


def test_a_request_never_says_the_value_that_is_made_up() -> None:
    refused = 0
    for tool in read_tools(ROOT / "data/tools")[::4]:
        for seed in range(3):
            try:
                one = incomplete(tool, 0.5, random.Random(seed))
            except ValueError:
                refused += 1
                continue
            (missing,) = (name for name, schema in one.parameters["properties"].items() if MISSING in schema)
            assert not says(one.text, one.values[missing])
    assert refused < 10


def test_every_tool_of_the_project_has_an_incomplete_request() -> None:
    assert [tool.name for tool in read_tools(ROOT / "data/tools") if not tool.incomplete] == []


def test_a_tool_s_own_templates_are_used_and_say_what_is_missing() -> None:
    found = made(TASK)
    assert {missing for _, missing, _ in found} == {"title", "priority"}
    for text, missing, _ in found:
        assert text.startswith("Create a ") if missing == "title" else text.startswith("Create '")


def test_other_tools_get_templates_that_leave_out_each_required_parameter() -> None:
    found = made(task())
    assert {missing for _, missing, _ in found} == {"title", "priority"}
    assert len({text for text, _, _ in found}) > 10


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "boolean"},
        {"const": "low"},
        {"type": "string", "enum": ["low"]},
        {"type": "string", "default": "low"},
        {"type": ["string", "null"], "examples": ["a", "b"]},
    ],
)
def test_what_need_not_be_asked_for_is_never_left_out(schema: dict[str, Any]) -> None:
    slot = "{priority?now|later}" if schema.get("type") == "boolean" else "{priority}"
    tool = task(**{PROPERTY: schema}, requests=[f"{{title}} {slot}"])
    assert {missing for _, missing, _ in made(tool, 10)} == {"title"}


def test_what_a_rule_names_is_never_left_out() -> None:
    tool = task(function__parameters__dependentRequired={"due": ["priority"]})
    assert {missing for _, missing, _ in made(tool, 10)} == {"title"}


def test_a_tool_without_such_a_parameter_gives_none() -> None:
    with pytest.raises(ValueError, match="no parameter has to be asked for"):
        incomplete(task(function__parameters__required=[], requests=["go[ {title}]"]), 0.5, random.Random(1))


def test_a_request_that_says_one_of_the_choices_is_refused() -> None:
    tool = task(incomplete=["Create the high point of my day, '{title}'"])
    with pytest.raises(ValueError, match="the request says a value that 'priority' may have"):
        incomplete(tool, 0.5, random.Random(1))
