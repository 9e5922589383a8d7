"""Documents of OpenAI, MCP and OpenAPI: the tools in them, and the error for each bad one."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import CASES, load, params_of
from tool_dpo.errors import InputError
from tool_dpo.tools.importers import read, tools_of
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


@pytest.mark.parametrize("case", params_of([*load("listing"), *load("openapi")]))
def test_a_document_becomes_tools(case: dict[str, Any]) -> None:
    found = tools_of(case["document"] if "document" in case else operation(case))
    functions = [item["function"] for item in found.tools]
    assert len(functions) == len(case["tools"])
    for function, expected in zip(functions, case["tools"], strict=True):
        made = function if "document" in case else function["parameters"]
        assert {
            key: re.sub("_[0-9a-f]{8}$", "_11111111", made[key]) if key == "name" else made[key] for key in expected
        } == expected
        assert re.fullmatch("[a-zA-Z0-9_.-]{1,64}", function["name"])
    assert [f"{entry.where}: {entry.reason}" for entry in found.left_out] == case.get("skipped", [])
    assert [note for entry in found.kept for note in entry.notes] == case.get("notes", [])


@pytest.mark.parametrize(
    ("name", "tools", "skipped"), [("shop-3.0.yaml", 4, 1), ("notes-3.1.json", 3, 0), ("mcp.json", 3, 1)]
)
def test_a_whole_document(name: str, tools: int, skipped: int) -> None:
    found = read(DOCUMENTS / name)
    assert (len(found.tools), len(found.left_out)) == (tools, skipped)


def test_a_folder_may_hold_documents_of_every_kind(caplog: pytest.LogCaptureFixture) -> None:
    assert [tool.name for tool in read_tools(DOCUMENTS)] == [
        "changeOrder", "create_note", "delete_orders_id", "get_ping", "listOrders", "now", "orders_create",
        "search_notes", "tree", "weather.now",
    ]  # fmt: skip
    assert f"{DOCUMENTS / 'shop-3.0.yaml'}: left out: POST /orders/{{id}}/photo: no JSON body: image/png" in caplog.text


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.json", "3", ": found 3, expected tools of OpenAI"),
        ("a.json", "{}", ": found an object with no keys, expected tools"),
        ("a.json", '{"a": 1, "b": 2, "c": 3, "d": 4}', ": found an object with a, b, c, expected tools"),
        ("a.json", '{"openapi": "4.0.0"}', ": found OpenAPI 4.0.0, expected tools"),
        ("a.json", "[" * 100_000, ": nested too deeply"),
        ("a.json", f"[{'1' * 5000}]", ": 11111111111111111111... is too large a number"),
        ("a.yaml", "", ": found null, expected tools"),
        ("a.yaml", "swagger: '2.0'", ": found OpenAPI 2.0, expected tools"),
        ("a.yaml", 100_000 * "[" + 100_000 * "]", ": nested too deeply"),
        ("a.jsonl", '{"name": "a", "parameters": {}}\n\n{"name"', ":3: not JSON: Expecting ':' delimiter: column 8"),
    ],
)
def test_a_file_without_tools_is_reported_in_one_line(name: str, content: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}{reason}")
    assert "\n" not in str(caught.value)


def test_aliases_of_aliases_stay_small(tmp_path: Path) -> None:
    path = tmp_path / "laughs.yaml"
    lines = ["openapi: 3.0.0", "x0: &x0 {type: object, properties: {a: {type: string}}}"]
    lines += [f"x{n}: &x{n} {{type: object, properties: {{a: *x{n - 1}, b: *x{n - 1}}}}}" for n in range(1, 15)]
    lines += ["paths: {/go: {post: {requestBody: {content: {application/json: {schema: *x14}}}}}}"]
    path.write_text("\n".join(lines))
    found = read(path)
    assert [bool(entry.cut) for entry in found.kept] == [True]
