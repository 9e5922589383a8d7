"""Imported tools: each gives a proved triplet, or is skipped with its reason."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import PARAMS, TASK_ITEM, changed
from tool_dpo.errors import InputError
from tool_dpo.tools.tool import parse_tool
from tool_dpo.triplets.generate import generate
from tool_dpo.triplets.import_tools import import_tools


def test_tools_that_give_no_triplet_are_skipped_with_their_reason(tmp_path: Path) -> None:
    source = tmp_path / "tools.json"
    mute = changed(TASK_ITEM, {"function.name": "mute", "function.parameters.properties.title": False})
    source.write_text(json.dumps([TASK_ITEM, changed(mute, {"requests": "..."}), mute, TASK_ITEM, 3, {"function": []}]))
    adopted = import_tools(str(source))
    assert adopted.tools == [TASK_ITEM]
    reason = "title: no way to draw a value: give it an enum, examples, a range, a known format or x-faker"
    assert [line.split(": ", 1)[0] for line in adopted.skipped] == ["mute", "mute", "create_task", "tool 4", "tool 5"]
    assert adopted.skipped[0] == f"mute: {reason}"
    assert adopted.skipped[1].endswith(reason)
    assert adopted.skipped[2] == "create_task: another tool has the same name"


def tools_of(tmp_path: Path, **schema: Any) -> list[dict[str, Any]]:
    """What is imported of one MCP tool."""
    tool = {"name": "find_room", "description": "Find a room.", "inputSchema": {"type": "object", **schema}}
    source = tmp_path / "tools.json"
    source.write_text(json.dumps({"tools": [tool]}))
    return import_tools(str(source)).tools


CITY = {"city": {"type": "string"}, "area": {"type": "string"}, "beds": {"type": "integer"}}


@pytest.mark.parametrize(
    ("schema", "sets"),
    [
        (
            {"properties": CITY, "oneOf": [{"required": ["city"]}, {"required": ["area"]}]},
            [{"city"}, {"city", "beds"}, {"area"}, {"area", "beds"}],
        ),
        (
            {"properties": CITY, "dependentRequired": {"city": ["beds"], "beds": ["city"]}},
            [set(), {"area"}, {"city", "beds"}, {"area", "city", "beds"}],
        ),
        (
            {
                "properties": {**CITY, "view": {"enum": ["sea", "none"]}},
                "required": ["view", "city", "area"],
                "if": {"properties": {"view": {"const": "sea"}}},
                "then": {"required": ["beds"]},
            },
            [{"view", "city", "area"}, {"view", "city", "area", "beds"}],
        ),
    ],
    ids=["oneOf", "dependentRequired", "if"],
)
def test_what_a_schema_says_of_parameters_together_holds_for_its_requests(
    schema: dict[str, Any], sets: list[set[str]], tmp_path: Path
) -> None:
    (item,) = tools_of(tmp_path, **schema)
    params = replace(PARAMS.generate, triplets=40, variants=0)
    triplets = list(generate([parse_tool(item, tmp_path)], params, 1))
    found = [json.loads(triplet.chosen)["parameters"].keys() for triplet in triplets]
    assert len(found) == 40
    assert all(names in sets for names in found)
    assert all(names in found for names in sets)


def test_a_tool_that_no_model_can_take_is_left_out_with_the_reason(tmp_path: Path) -> None:
    source = tmp_path / "tools.json"
    source.write_text(json.dumps([TASK_ITEM]))
    with pytest.raises(InputError, match="longer than the model's max_length of 50 tokens"):
        import_tools(str(source), max_length=50)


@pytest.mark.parametrize(("content", "reason"), [("[]", "no tool in it"), ("[3]", "no tool in it: tool 0: expected {")])
def test_a_document_without_a_tool_is_reported(content: str, reason: str, tmp_path: Path) -> None:
    source = tmp_path / "tools.json"
    source.write_text(content)
    with pytest.raises(InputError) as caught:
        import_tools(str(source))
    assert str(caught.value).startswith(f"{source}: {reason}")
