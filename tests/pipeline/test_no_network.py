"""The whole run of the tiny model needs no network: every process of it was forbidden to reach one."""

import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.pipeline.conftest import Project

pytestmark = pytest.mark.xdist_group("pipeline")
TRY = """
import socket
one, other = socket.socketpair()
one.sendall(b"x")
{attempt}
"""


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.socket().connect(('127.0.0.1', 9))",
        "socket.socket(socket.AF_INET6).connect_ex(('::1', 9))",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
        "socket.getaddrinfo('localhost', 80)",
        "__import__('urllib.request').request.urlopen('http://localhost/')",
    ],
)
def test_a_process_under_guard_reaches_no_network(attempt: str, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    project = Project(tmp_path / "here")
    result = project.run(sys.executable, "-c", TRY.format(attempt=attempt), check=False)
    assert result.returncode == 1
    assert "no network here: socket." in result.stderr
    start, refused = project.processes()
    assert start["event"] == "start"
    assert refused["event"].startswith("socket.")


def test_no_stage_asks_for_a_network(project: Project) -> None:
    graph = YAML(typ="safe").load((project.folder / "dvc.yaml").read_text())["stages"]
    modules = {word for stage in graph.values() for word in stage["cmd"].split() if word.startswith("stages.")}
    processes = project.processes()
    started = {word for one in processes if one["event"] == "start" for word in one["command"]}
    assert modules
    assert modules <= started  # each stage ran as a process that the guard had entered
    assert [one for one in processes if one["event"] != "start"] == []
