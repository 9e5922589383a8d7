"""The teacher against a real OpenAI-compatible server: transformers' own, which serves the two-layer random model."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers import PARAMS, task
from tool_dpo.errors import InputError
from tool_dpo.models.weights import load_tokenizer
from tool_dpo.tools import teacher
from tool_dpo.triplets.generate import generate

SETTINGS = PARAMS.generate.teacher
assert SETTINGS


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(teacher.KEY, "any")
    command = ["serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    process = subprocess.Popen(
        [Path(sys.executable).with_name("transformers"), *command],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            assert process.poll() is None, "the server did not start"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield process, f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def test_a_real_server_is_asked_once_for_each_answer(
    server: tuple[subprocess.Popen[bytes], str], base: Path, caplog: pytest.LogCaptureFixture
) -> None:
    process, url = server
    served = load_tokenizer(base).name_or_path
    settings = replace(SETTINGS, base_url=url, model=served, concurrency=2, timeout=120.0)
    params = replace(PARAMS.generate, source="openai", triplets=2, variants=0, decisions={}, teacher=settings)
    with pytest.raises(InputError, match="no triplet can be made"):  # a random model says nothing that is a call
        list(generate([task(requests="...")], params, seed=1))
    assert "left out: the answer is not JSON" in caplog.text or "left out: the answer was cut off" in caplog.text
    bill = next(line for line in caplog.messages if "paid for" in line)
    asked = int(bill.split(": ")[1].split()[0])
    assert asked > 0
    assert ", 0 tokens in" not in bill
    process.kill()
    caplog.clear()
    with pytest.raises(InputError, match="no triplet can be made"):
        list(generate([task(requests="...")], params, seed=1))
    assert f"teacher: 0 answers paid for, {asked} kept from earlier" in caplog.text
