"""Documents that people have: the tools in them, and the line that each bad one gets."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import CASES, load, params_of
from tool_dpo.errors import InputError
from tool_dpo.tools.importers import Imported, read, tools_of
from tool_dpo.tools.tool import read_tools

DOCUMENTS = CASES / "documents"


def operation(case: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document of one operation, `POST /go`, from the parts that a case gives."""
    body = {"requestBody": {"content": {"application/json": {"schema": case["body"]}}}} if "body" in case else {}
    return {
        "openapi": "3.0.3",
        "paths": {"/go": {"post": {"operationId": "go", **case.get("operation", {}), **body}}},
        "components": case.get("components", {}),
    }


@pytest.mark.parametrize("case", params_of(load("importers")))
def test_what_becomes_of_a_document(case: dict[str, Any]) -> None:
    found = tools_of(case["document"] if "document" in case else operation(case))
    functions = [item["function"] for item in found.tools]
    assert len(functions) == len(case["tools"])
    for function, expected in zip(functions, case["tools"], strict=True):
        told = function if "document" in case else function["parameters"]
        assert {
            key: re.sub("_[0-9a-f]{8}$", "_11111111", told[key]) if key == "name" else told[key] for key in expected
        } == expected
        assert re.fullmatch("[a-zA-Z0-9_.-]{1,64}", function["name"])
    assert found.skipped == case.get("skipped", [])
    assert found.cut == case.get("cut", [])


@pytest.mark.parametrize(
    ("name", "tools", "skipped"), [("shop-3.0.yaml", 4, 1), ("notes-3.1.json", 3, 0), ("mcp.json", 3, 1)]
)
def test_a_whole_document(name: str, tools: int, skipped: int) -> None:
    found = read(DOCUMENTS / name)
    assert (len(found.tools), len(found.skipped)) == (tools, skipped)


def test_a_folder_may_hold_documents_of_every_kind(caplog: pytest.LogCaptureFixture) -> None:
    assert [tool.name for tool in read_tools(DOCUMENTS)] == [
        "changeOrder", "create_note", "delete_orders_id", "get_ping", "listOrders", "now", "orders_create",
        "search_notes", "tree", "weather_now",
    ]  # fmt: skip
    assert f"{DOCUMENTS / 'shop-3.0.yaml'}: left out: POST /orders/{{id}}/photo: no JSON body: image/png" in caplog.text


def test_yaml_is_read_as_json_is(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "[{type: function, name: go, parameters: {on: no, 200: 2026-01-01, a: 1.5, b: ~, c: true, d: 012}}]"
    )
    (tool,) = read(path).tools
    assert tool["function"]["parameters"] == {
        "on": "no",
        "200": "2026-01-01",
        "a": 1.5,
        "b": None,
        "c": True,
        "d": "012",
    }


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.json", "{", ":1: not JSON: Expecting property name enclosed in double quotes at column 2"),
        ("a.json", "3", ": found 3, expected a list of OpenAI tools, an MCP"),
        ("a.json", "{}", ": found an object with no keys, expected a list"),
        ("a.json", '{"a": 1, "b": 2, "c": 3, "d": 4}', ": found an object with a, b, c, expected a list"),
        ("a.json", '{"openapi": "4.0.0"}', ": found OpenAPI 4.0.0, expected a list"),
        ("a.json", '["\\ud800"]', ": '\\ud800' is half a character (a lone surrogate)"),
        ("a.json", "[" * 100_000, ": nested too deeply"),
        ("a.yaml", "", ": found null, expected a list"),
        ("a.yaml", "swagger: '2.0'", ": found OpenAPI 2.0, expected a list"),
        ("a.yaml", "a: [\nb", ":3: not YAML: did not find expected"),
        ("a.yaml", "a: !!python/object:os.system {}", ":1: not YAML: could not determine a constructor"),
        ("a.yaml", "a: \0", ": not YAML: "),
        ("a.yaml", 100_000 * "[" + 100_000 * "]", ": nested too deeply"),
    ],
)
def test_what_is_no_document_of_tools_is_named_in_one_line(
    name: str, content: str, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}{reason}")
    assert "\n" not in str(caught.value)


def test_a_tree_of_references_ends_soon_and_small(tmp_path: Path) -> None:
    schemas = {
        f"L{level}": {"type": "object", "properties": {side: {"$ref": f"#/components/L{level + 1}"} for side in "ab"}}
        for level in range(60)
    }
    started = time.monotonic()
    found = tools_of(
        operation({"body": {"$ref": "#/components/L0"}, "components": {**schemas, "L60": {"type": "string"}}})
    )
    assert time.monotonic() - started < 5
    assert found.cut == ["POST /go: cut where it is too deep or too large"]
    assert len(json.dumps(found.tools)) < 200_000


@pytest.mark.parametrize("keyword", ["allOf", "anyOf"])
def test_a_tree_of_parts_is_skipped_soon(keyword: str) -> None:
    schemas = {f"L{level}": {keyword: 2 * [{"$ref": f"#/components/L{level + 1}"}]} for level in range(60)}
    started = time.monotonic()
    found = tools_of(
        operation({"body": {"$ref": "#/components/L0"}, "components": {**schemas, "L60": {"type": "string"}}})
    )
    assert time.monotonic() - started < 5
    assert len(found.tools) + len(found.skipped) == 1


def test_aliases_of_aliases_stay_small(tmp_path: Path) -> None:
    path = tmp_path / "laughs.yaml"
    lines = ["openapi: 3.0.0", "x0: &x0 {type: object, properties: {a: {type: string}}}"]
    lines += [f"x{n}: &x{n} {{type: object, properties: {{a: *x{n - 1}, b: *x{n - 1}}}}}" for n in range(1, 40)]
    lines += ["paths: {/go: {post: {requestBody: {content: {application/json: {schema: *x39}}}}}}"]
    path.write_text("\n".join(lines))
    found: Imported = read(path)
    assert len(found.tools) == len(found.cut) == 1
