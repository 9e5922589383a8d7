"""Tools of real MCP servers, on stdio and over HTTP, and the one-line error for a server that fails."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import command
from tool_dpo.errors import InputError
from tool_dpo.tools import mcp_server
from tool_dpo.tools.tool import read_tools
from tool_dpo.triplets.import_tools import import_tools

TIME = f"{sys.executable} -m mcp_server_time"
OVER_HTTP = """
import sys, uvicorn
from mcp.server.mcpserver import MCPServer

server = MCPServer("shop")

@server.tool(description="Order a book.")
def order_book(title: str, copies: int = 1) -> str:
    return title

uvicorn.run(server.streamable_http_app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
"""


@pytest.fixture
def url() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", OVER_HTTP, str(port)])
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait()


def test_a_published_server_started_on_stdio_gives_tools_to_train_on(tmp_path: Path) -> None:
    done = command("import", "--mcp", TIME, "--out", tmp_path / "time.json")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "2 tools, 0 skipped")
    tools = read_tools(tmp_path / "time.json")
    assert [tool.name for tool in tools] == ["get_current_time", "convert_time"]
    assert list(tools[1].parameters["properties"]) == ["source_timezone", "time", "target_timezone"]


def test_a_server_on_http(url: str) -> None:
    (tool,) = import_tools(url, mcp=True).tools
    assert tool["function"]["name"] == "order_book"
    assert tool["function"]["parameters"]["required"] == ["title"]


LISTS = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        info = {"serverInfo": {"name": "odd", "version": "1"}, "protocolVersion": "2025-06-18"}
        tools = [{"name": name, "inputSchema": {"type": "object"}} for name in ("look", 7)]
        answers = {"initialize": {**info, "capabilities": {"tools": {}}}, "tools/list": {"tools": tools}}
        result = answers.get(asked["method"], {})
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""


def test_a_list_that_breaks_the_protocol_is_refused_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(LISTS)
    with pytest.raises(InputError, match=r"not an MCP server that answers: tools\.1\.name: .*string"):
        import_tools(f"{sys.executable} {tmp_path / 'odd.py'}", mcp=True)


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ("no-such-command --at-all", "not an MCP server that answers: "),
        (f"{sys.executable} -c pass", "not an MCP server that answers: "),
        ("http://127.0.0.1:1/mcp", "not an MCP server that answers: "),
        ("'", "not an MCP server that answers: No closing quotation"),
    ],
)
def test_a_failing_server_is_reported_in_one_line(server: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        import_tools(server, mcp=True)
    assert str(caught.value).startswith(f"{server}: {reason}")
    assert "\n" not in str(caught.value)


def test_a_silent_server_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_server, "_SECONDS", 1)
    with pytest.raises(InputError, match="no list of tools within 1 seconds"):
        import_tools(f"{sys.executable} -c 'import time; time.sleep(30)'", mcp=True)
    assert threading.active_count() < 10


def test_a_url_is_not_fetched_without_the_mcp_option() -> None:
    with pytest.raises(InputError, match="nothing is fetched; for an MCP server add --mcp"):
        import_tools("https://example.com/openapi.json")
