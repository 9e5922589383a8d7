"""`tool-dpo import`: a file of tools that work, and a line for each that does not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import CASES, TASK_ITEM, changed
from tool_dpo.errors import InputError
from tool_dpo.tools.tool import read_tools
from tool_dpo.triplets.import_tools import import_tools

SHOP = CASES / "documents/shop-3.0.yaml"


def tool_dpo(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = "from tool_dpo.cli import main; main()"
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)


def test_the_command_writes_tools_with_requests(tmp_path: Path) -> None:
    out = tmp_path / "tools.json"
    done = tool_dpo("import", SHOP, "--out", out)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [
        "shortened: POST /orders: #/components/schemas/Item contains itself",
        "skipped: POST /orders/{id}/photo: no JSON body: image/png",
        "4 tools, 1 skipped",
    ]
    tools = read_tools(out)
    assert [tool.name for tool in tools] == ["changeOrder", "delete_orders_id", "listOrders", "orders_create"]
    assert all(tool.requests for tool in tools)
    assert json.loads(tool_dpo("import", out).stdout) == json.loads(out.read_text())


def test_the_command_says_in_one_line_why_it_made_nothing(tmp_path: Path) -> None:
    out = tmp_path / "tools.json"
    done = tool_dpo("import", tmp_path / "none.yaml", "--out", out)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path / 'none.yaml'}: no such file\n"
    assert not out.exists()


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


@pytest.mark.parametrize(("content", "reason"), [("[]", "no tool in it"), ("[3]", "no tool in it: tool 0: expected {")])
def test_a_document_without_a_tool_is_named(content: str, reason: str, tmp_path: Path) -> None:
    source = tmp_path / "tools.json"
    source.write_text(content)
    with pytest.raises(InputError) as caught:
        import_tools(str(source))
    assert str(caught.value).startswith(f"{source}: {reason}")
