"""The `tool-dpo` command: what it prints and writes, and how it ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import CASES, command, load
from tool_dpo.records import write_lines
from tool_dpo.tools.tool import read_tools
from tool_dpo.triplets.triplet import proved

SHOP = CASES / "documents/shop-3.0.yaml"


def test_import_writes_tools_with_requests(tmp_path: Path) -> None:
    out = tmp_path / "tools.json"
    done = command("import", SHOP, "--out", out)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [
        "kept: listOrders",
        "kept: orders_create: renamed from orders/create; shortened: #/components/schemas/Item contains itself",
        "kept: changeOrder",
        "kept: delete_orders_id",
        "skipped: POST /orders/{id}/photo: no JSON body: image/png",
        "4 tools, 1 skipped",
    ]
    tools = read_tools(out)
    assert [tool.name for tool in tools] == ["listOrders", "orders_create", "changeOrder", "delete_orders_id"]
    assert all(tool.requests for tool in tools)
    assert json.loads(command("import", out).stdout) == json.loads(out.read_text())


def test_import_of_a_missing_file_is_reported_in_one_line(tmp_path: Path) -> None:
    out = tmp_path / "tools.json"
    done = command("import", tmp_path / "none.yaml", "--out", out)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path / 'none.yaml'}: no such file\n"
    assert not out.exists()


@pytest.fixture
def triplets(tmp_path: Path) -> Path:
    good: dict[str, Any] = load("triplets")["triplet"]
    untitled = json.loads(good["chosen"])
    del untitled["parameters"]["title"]
    records = [good, good | {"rejected": json.dumps(untitled)}]
    write_lines(tmp_path / "triplets.jsonl", [proved(record).record() for record in records])
    return tmp_path / "triplets.jsonl"


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((), ["enum_violation (enum)", "missing_required (required)"]),
        (("--limit", "1"), ["enum_violation (enum)"]),
        (("--violation", "missing_required"), ["missing_required (required)"]),
        (("--violation", "required"), ["missing_required (required)"]),
        (("--tool", "create_task"), ["enum_violation (enum)", "missing_required (required)"]),
    ],
)
def test_show_filters_by_violation_and_tool(arguments: tuple[str, ...], shown: list[str], triplets: Path) -> None:
    result = command("show", triplets, *arguments)
    assert result.returncode == 0, result.stderr
    faults = [line.partition(" at ")[0] for line in result.stdout.splitlines() if " at $" in line]
    assert faults == shown
    assert result.stdout.count("rejected") == len(shown)


def test_nothing_to_show_is_reported_in_one_line(triplets: Path) -> None:
    result = command("show", triplets, "--tool", "delete_task")
    assert (result.returncode, result.stderr.strip()) == (
        1,
        f"{triplets}: no triplet of violation any and tool delete_task",
    )
