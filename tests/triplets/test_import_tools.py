"""Imported tools: each gives a proved triplet, or is skipped with its reason."""

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import PARAMS, TASK_ITEM, changed, command
from tool_dpo.formats.length import Limit
from tool_dpo.tools.tool import parse_tool, read_tools
from tool_dpo.tools.wording import word
from tool_dpo.triplets import import_tools as import_tools_module
from tool_dpo.triplets.generate import generate
from tool_dpo.triplets.import_tools import import_tools


def test_tools_that_give_no_triplet_are_skipped_with_their_reason(tmp_path: Path) -> None:
    source = tmp_path / "tools.json"
    mute = changed(TASK_ITEM, {"function.name": "mute", "function.parameters.properties.title": False})
    source.write_text(json.dumps([TASK_ITEM, changed(mute, {"requests": "..."}), mute, TASK_ITEM, 3, {"function": []}]))
    adopted = import_tools(str(source))
    assert adopted.tools == [TASK_ITEM]
    reason = "title: no way to draw a value: give it an enum, examples, a range, a known format or x-faker"
    assert [entry.where for entry in adopted.left_out] == ["mute", "mute", "create_task", "tool 4", "tool 5"]
    assert adopted.left_out[0].reason.startswith("title: no fitting value found")
    assert adopted.left_out[1].reason.endswith(reason)
    assert adopted.left_out[2].reason == "another tool has the same name"


def test_an_error_in_one_tool_does_not_end_the_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(tool: Any) -> None:
        raise TypeError("no such thing")

    source = tmp_path / "tools.json"
    source.write_text(json.dumps([{"name": "go", "parameters": {}}, TASK_ITEM]))
    monkeypatch.setattr(import_tools_module, "word", fail)
    adopted = import_tools(str(source))
    assert [entry.name for entry in adopted.kept] == ["create_task"]
    assert adopted.left_out[0].reason == "cannot be proved: TypeError: no such thing"


DOCUMENT = [
    {"name": "files/read", "inputSchema": {"properties": {"path": {"type": "string"}}, "required": ["path"]}},
    {"name": "odd", "inputSchema": {"properties": {"a": {"$ref": "#/gone"}}}},
    {"name": "wait", "inputSchema": {"properties": {"for": {"type": "integer"}, "": {"type": "string"}, "b": False}}},
    {"name": "many", "inputSchema": {"properties": {f"p{number}": {"type": "string"} for number in range(16)}}},
]


def test_every_tool_is_told_by_name_with_its_reason(tmp_path: Path) -> None:
    source = tmp_path / "tools.json"
    source.write_text(json.dumps(DOCUMENT))
    done = command("import", source, "--out", tmp_path / "mine.json")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [
        "kept: files_read: renamed from files/read",
        "skipped: odd: $ref #/gone points to nothing",
        "kept: wait: never mentioned: '', b",
        "kept: many: never mentioned: p6, p7, p8, p9, p10, p11, p12, p13 and 2 more",
        "3 tools, 1 skipped",
    ]


def test_what_became_of_each_tool_is_data_too(tmp_path: Path) -> None:
    source = tmp_path / "tools.json"
    source.write_text(json.dumps(DOCUMENT[:2]))
    report = json.loads(command("import", source, "--json").stdout)
    assert [tool["function"]["name"] for tool in report.pop("tools")] == ["files_read"]
    assert report == {
        "kept": [{"name": "files_read", "where": "files/read", "notes": ["renamed from files/read"]}],
        "left_out": [{"name": "odd", "where": "odd", "reason": "$ref #/gone points to nothing"}],
    }


def tools_of(tmp_path: Path, **schema: Any) -> list[dict[str, Any]]:
    """What is imported of one MCP tool."""
    tool = {"name": "find_room", "description": "Find a room.", "inputSchema": {"type": "object", **schema}}
    source = tmp_path / "tools.json"
    source.write_text(json.dumps({"tools": [tool]}))
    return import_tools(str(source)).tools


RENAMED = [
    {"name": "search", "inputSchema": {"properties": {"q": {"type": "string"}}, "required": ["q"]}},
    {"name": "search", "inputSchema": {"properties": {"jql": {"type": "string"}}, "required": ["jql"]}},
    {"name": "读取/文件", "inputSchema": {}},
    {"name": "?", "inputSchema": {}},
]


@pytest.mark.parametrize(
    "through", [lambda path: import_tools(str(path)).tools, lambda path: map(word, read_tools(path))]
)
def test_a_renamed_tool_is_asked_for_by_its_name_in_the_document(tmp_path: Path, through: Any) -> None:
    source = tmp_path / "tools.json"
    source.write_text(json.dumps({"tools": RENAMED}))
    assert {tool["function"]["name"]: tool["requests"][0] for tool in through(source)} == {
        "search": "Search matching {q}.",
        "search_2": "Search with jql {jql}.",
        "DuQu_WenJian": "Use 读取 文件.",
        "tool": "Use tool.",
    }


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
        (
            {
                "oneOf": [
                    {
                        "properties": {"by": {"const": name}, **CITY},
                        "required": ["by", name],
                        "unevaluatedProperties": False,
                    }
                    for name in CITY
                ]
            },
            [{"by", *names} for count in (1, 2, 3) for names in combinations(CITY, count)],
        ),
        (
            {"anyOf": [{"properties": {name: CITY[name]}, "required": [name]} for name in ("city", "area")]},
            [{"city"}, {"area"}, {"city", "area"}],
        ),
    ],
    ids=["oneOf", "dependentRequired", "if", "a union", "properties in anyOf"],
)
def test_what_a_schema_says_of_parameters_together_holds_for_its_requests(
    schema: dict[str, Any], sets: list[set[str]], tmp_path: Path
) -> None:
    (item,) = tools_of(tmp_path, **schema)
    params = replace(PARAMS.generate, triplets=40, variants=0, decisions={})
    triplets = list(generate([parse_tool(item, tmp_path)], params, 1))
    found = [json.loads(triplet.chosen)["parameters"].keys() for triplet in triplets]
    assert len(found) == 40
    assert all(names in sets for names in found)
    assert all(names in found for names in sets)


def test_a_tool_that_no_model_can_take_is_left_out_with_the_reason(tmp_path: Path) -> None:
    source = tmp_path / "tools.json"
    source.write_text(json.dumps([TASK_ITEM]))
    (entry,) = import_tools(str(source), limit=Limit(50)).left_out
    assert "longer than the model's max_length of 50 tokens" in entry.reason


@pytest.mark.parametrize(("content", "told"), [("[]", []), ("[3]", ["skipped: tool 0: expected an object, got 3"])])
def test_a_document_without_a_tool_is_reported(content: str, told: list[str], tmp_path: Path) -> None:
    source = tmp_path / "tools.json"
    source.write_text(content)
    done = command("import", source, "--out", tmp_path / "mine.json")
    *lines, last = done.stderr.splitlines()
    assert (done.returncode, last) == (1, f"{source}: no tool in it")
    assert [line.startswith(start) for line, start in zip(lines, told, strict=True)] == [True] * len(told)
    assert not (tmp_path / "mine.json").exists()
