"""Tool files: what is read, and the error for each bad one."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT, TASK_ITEM, changed, load, params_of
from tool_dpo.errors import InputError
from tool_dpo.tools.tool import read_tools


def write(path: Path, *items: Any) -> Path:
    path.write_text(json.dumps(items), encoding="utf-8")
    return path


def complaint(source: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_tools(source)
    return str(caught.value)


def test_a_tool_is_read_as_it_is_written(tmp_path: Path) -> None:
    source = write(tmp_path / "tasks.json", TASK_ITEM)
    (tool,) = read_tools(tmp_path)
    assert read_tools(source) == [tool]
    assert (tool.name, tool.description, tool.source) == ("create_task", "Create a task.", source)
    assert tool.parameters == TASK_ITEM["function"]["parameters"]
    assert [[slot.name for slot in template.slots(optional=True)] for template in tool.requests] == [
        ["due", "estimate"],
        ["notify"],
    ]


def test_required_properties_come_first_at_every_depth(tmp_path: Path) -> None:
    inner = {"type": "object", "properties": {"b": {}, "a": {}}, "required": ["a"]}
    outer = {"type": "object", "properties": {"y": {}, "x": {"type": "array", "items": inner}}, "required": ["x"]}
    (tool,) = read_tools(write(tmp_path / "a.json", changed(TASK_ITEM, {"function.parameters": outer, "requests": []})))
    assert tool.parameters == outer
    assert list(tool.parameters["properties"]) == ["x", "y"]
    assert list(tool.parameters["properties"]["x"]["items"]["properties"]) == ["a", "b"]


def test_tools_of_a_folder_are_sorted_by_name_and_those_of_a_file_are_not(tmp_path: Path) -> None:
    for file, names in (("b.json", ("c", "a")), ("a.json", ("d", "b"))):
        write(tmp_path / file, *(changed(TASK_ITEM, {"function.name": name}) for name in names))
    (tmp_path / "notes.txt").write_text("not a tool")
    assert [tool.name for tool in read_tools(tmp_path)] == ["a", "b", "c", "d"]
    assert [tool.name for tool in read_tools(tmp_path / "b.json")] == ["c", "a"]


def test_a_tool_may_lack_a_description_and_requests(tmp_path: Path) -> None:
    (tool,) = read_tools(
        write(tmp_path / "a.json", changed(TASK_ITEM, {"function.description": "...", "requests": "..."}))
    )
    assert (tool.description, tool.requests) == ("", ())


def test_every_tool_of_the_project_is_read() -> None:
    files = (ROOT / "data/tools").iterdir()
    written = [item["function"]["name"] for path in files for item in json.loads(path.read_text(encoding="utf-8"))]
    tools = read_tools(ROOT / "data/tools")
    assert [tool.name for tool in tools] == sorted(written)
    assert all(tool.requests for tool in tools)


@pytest.mark.parametrize("case", params_of(load("tools")))
def test_a_bad_tool_is_reported(case: dict[str, Any], tmp_path: Path) -> None:
    bad = case["tool"] if "tool" in case else changed(TASK_ITEM, case["set"])
    source = write(tmp_path / "mine.json", changed(TASK_ITEM, {"function.name": "good"}), bad)
    assert complaint(source) == f"{source}: tool 1: {case['error']}"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[\n  {,\n]", ":2: not JSON: Expecting property name enclosed in double quotes: column 4"),
        (b"", ":1: not JSON: Expecting value: column 1"),
        (b'["\xff"]', ": not UTF-8: byte 2"),
        (
            b'{"type": "function"}',
            ": found an object with type, expected tools of OpenAI, Anthropic, MCP or BFCL, "
            "or an OpenAPI 3.0, 3.1 or 3.2 document",
        ),
    ],
)
def test_a_file_that_holds_no_list_of_tools_is_reported(content: bytes, reason: str, tmp_path: Path) -> None:
    source = tmp_path / "mine.json"
    source.write_bytes(content)
    assert complaint(tmp_path) == f"{source}{reason}"


def test_a_repeated_name_is_reported_with_both_files(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a.json", TASK_ITEM), write(tmp_path / "b.json", TASK_ITEM)
    assert complaint(tmp_path) == f"{second}: tool 'create_task' is already defined in {first}"


@pytest.mark.parametrize("folder", [".", "nowhere"])
def test_a_place_without_tools_is_reported(folder: str, tmp_path: Path) -> None:
    source = tmp_path / folder
    assert (
        complaint(source)
        == f"{source}: no tools found, expected *.json, *.jsonl, *.ndjson, *.yaml, *.yml files of tools"
    )


def test_what_is_no_tool_is_left_out_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "mixed.json"
    path.write_text(json.dumps([{"title": "no tool"}, {"name": "look", "inputSchema": {"type": "object"}}]))
    assert [tool.name for tool in read_tools(path)] == ["look"]
    assert caplog.messages == [f"{path}: left out: tool 0: no name"]
