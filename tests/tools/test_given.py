"""The tools that a program gives: what import takes, what the MCP client gives, functions, our own tools."""

import json
from pathlib import Path
from typing import Any

import mcp.types
import pytest
from ruamel.yaml import YAML

from tests.helpers import CASES, task
from tool_dpo.errors import InputError
from tool_dpo.tools.given import Tools, given_tools
from tool_dpo.tools.tool import read_tools

SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
OPENAI = {"type": "function", "function": {"name": "note", "description": "Note it.", "parameters": SCHEMA}}
FLAT = {"type": "function", "name": "note", "description": "Note it.", "parameters": SCHEMA}
ANTHROPIC = {"name": "note", "description": "Note it.", "input_schema": SCHEMA}
MCP = {"name": "note", "description": "Note it.", "inputSchema": SCHEMA}
CLIENT = mcp.types.Tool.model_validate(MCP)


def note(text: str) -> None:
    """Note it."""


@pytest.mark.parametrize(
    "tools",
    [
        [OPENAI],
        [FLAT],
        [ANTHROPIC],
        [MCP],
        [CLIENT],
        [note],
        OPENAI,
        CLIENT,
        note,
        {"tools": [MCP]},
        mcp.types.ListToolsResult(tools=[CLIENT]),
        (OPENAI,),
        (one for one in [OPENAI]),
    ],
)
def test_every_form_of_a_tool_is_the_same_tool(tools: Tools) -> None:
    ((name, tool),) = given_tools(tools).items()
    closed = {key: value for key, value in tool.parameters.items() if key != "additionalProperties"}
    assert (name, tool.name, tool.description, closed) == ("note", "note", "Note it.", SCHEMA)


def test_several_forms_in_one_list_keep_their_order() -> None:
    own = task()
    given = given_tools([{**MCP, "name": "b"}, own, note, {"tools": [{**ANTHROPIC, "name": "a"}]}])
    assert list(given) == ["b", own.name, "note", "a"]
    assert given[own.name] is own


def test_a_document_gives_the_tools_that_reading_its_file_gives(caplog: pytest.LogCaptureFixture) -> None:
    path = CASES / "documents/shop-3.0.yaml"
    given = given_tools(YAML(typ="safe").load(path))
    read = {tool.name: (tool.description, tool.parameters) for tool in read_tools(path)}
    assert {tool.name: (tool.description, tool.parameters) for tool in given.values()} == read
    assert "tools: left out: POST /orders/{id}/photo: no JSON body" in caplog.text


def test_a_name_that_models_may_not_write_is_known_by_the_given_one() -> None:
    ((name, tool),) = given_tools([{**MCP, "name": "notes/add"}]).items()
    assert (name, tool.name) == ("notes/add", "notes_add")


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ([], "tools: there are none"),
        ({"tools": []}, "tools: there are none"),
        ([OPENAI, MCP], "tools[1]: a tool before it is named 'note' too"),
        ([note, note], "tools[1]: a tool before it is named 'note' too"),
        ([{**MCP, "name": "a b"}, {**MCP, "name": "a_b"}], "tools[1]: a tool before it is named 'a_b' too"),
        ([{"tools": [MCP, MCP]}], "tools[0]: note: the same tool is listed before"),
        ([OPENAI, {"description": "x"}], "tools[1]: tool 0: no name"),
        ([{**MCP, "inputSchema": 3}], "tools[0]: note: inputSchema is no object"),
        ([{**MCP, "inputSchema": {"type": "text"}}], "tools[0]: note: "),
        (["note"], "tools[0]: expected a dict, an MCP tool or a function, got 'note'"),
        ([None], "tools[0]: expected a dict, an MCP tool or a function, got None"),
        ([lambda text: text], "tools[0]: <lambda>: parameter 'text' has no type hint"),
        ({"swagger": "2.0"}, "tools: "),
    ],
)
def test_what_is_no_tool_is_refused_in_a_line(tools: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        given_tools(tools)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_every_tool_of_the_project_s_data_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "tools.json").write_text(json.dumps([OPENAI]))
    tools = read_tools(tmp_path / "tools.json")
    assert list(given_tools(tools).values()) == tools
