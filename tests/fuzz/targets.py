"""Each parser of what comes from outside, as a function of bytes, and the check that it accepts or refuses them."""

import json
import logging
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any
from unittest import mock

CASES = Path(__file__).resolve().parents[1] / "cases"
PATIENCE = 10
"""Longest time for one input, in seconds of the processor."""
LONGEST_MESSAGE = 1000


@dataclass(frozen=True)
class Failure:
    """What a parser did instead: how it ended, where in `tool_dpo`, and what it said."""

    kind: str
    place: str
    message: str

    def same(self, other: "Failure | None") -> bool:
        return other is not None and (self.kind, self.place) == (other.kind, other.place)


class _TooSlow(BaseException):
    """Not an Exception, so that no parser takes it for a fault of its input."""


def check(name: str, data: bytes) -> Failure | None:
    """None if the target takes the bytes, or refuses them with an InputError of one short line."""
    from tool_dpo.errors import InputError

    try:
        with TemporaryDirectory() as folder, _silence(), _limited(PATIENCE):
            TARGETS[name](data, Path(folder))
    except InputError as error:
        message = str(error)
        if len(message) > LONGEST_MESSAGE:
            return _failure("a message too long", error)
        if len(message.splitlines()) != 1:
            return _failure("a message of several lines", error)
    except (Exception, _TooSlow) as error:
        return _failure(type(error).__name__, error)
    return None


def _failure(kind: str, error: BaseException) -> Failure:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/tool_dpo/" in frame.filename]
    last = frames[-1] if frames else None
    place = f"{last.filename.rpartition('/tool_dpo/')[2]}: {last.name}" if last else ""
    try:
        return Failure(kind, place, str(error)[:200])
    except Exception:  # jsonschema shows the whole schema, which may be nested too deeply for that
        return Failure(kind, place, "")


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def _silence() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable()
    try:
        with mock.patch.dict(os.environ, {"TQDM_DISABLE": "1"}):
            yield
    finally:
        logging.disable(before)


def _document(data: bytes, folder: Path) -> Path:
    path = folder / ("document.json" if data.lstrip()[:1] in (b"{", b"[") else "document.yaml")
    path.write_bytes(data)
    return path


def _tools(data: bytes, folder: Path) -> None:
    from tool_dpo.schema.calls import call_schema
    from tool_dpo.schema.check import check_schema
    from tool_dpo.tools.tool import read_tools

    for tool in read_tools(_document(data, folder)):
        check_schema(call_schema(tool.name, tool.parameters))


def _import(data: bytes, folder: Path) -> None:
    from tool_dpo.triplets.import_tools import import_tools

    import_tools(str(_document(data, folder)))


def _triplets(data: bytes, folder: Path) -> None:
    from tool_dpo.triplets.triplet import read_triplets

    (folder / "triplets.jsonl").write_bytes(data)
    list(read_triplets(folder / "triplets.jsonl"))


def _answers(data: bytes, folder: Path) -> None:
    from tool_dpo.report.metrics import score

    (folder / "answers.jsonl").write_bytes(data)
    score(folder / "answers.jsonl", folder / "metrics.json", folder / "details.json")


def _verdict(data: bytes, folder: Path) -> None:
    from tool_dpo.schema.calls import call_schema
    from tool_dpo.schema.verdict import judge

    asked = _case("answers")
    judge(call_schema("create_task", asked["parameters"]), data.decode(errors="replace"), asked["expected"])


def _params(data: bytes, folder: Path) -> None:
    from tool_dpo.params import load_params

    (folder / "params.yaml").write_bytes(data)
    load_params(folder / "params.yaml")


def _weights(data: bytes, folder: Path) -> None:
    from tool_dpo.models.weights import WEIGHTS, read_weights

    (folder / WEIGHTS).write_bytes(data)
    read_weights(folder)


def _teacher(data: bytes, folder: Path) -> None:
    """The bytes as the body of every answer of a teacher's server, compressed or not."""
    import httpx2
    import openai

    from tool_dpo.params import load_params
    from tool_dpo.tools.teacher import KEY, requests
    from tool_dpo.tools.tool import parse_tool

    class Scripted(openai.DefaultAsyncHttpxClient):
        def __init__(self, **settings: Any) -> None:
            headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
            answer = httpx2.Response(200, headers=headers if data[:2] == b"\x1f\x8b" else {}, stream=_Body(data))
            super().__init__(transport=httpx2.MockTransport(lambda _: answer), **settings)

    class _Body(httpx2.AsyncByteStream):
        def __init__(self, content: bytes) -> None:
            self.content = content

        async def __aiter__(self) -> Any:
            yield self.content

    settings = load_params(CASES.parents[1] / "params.yaml").generate.teacher
    assert settings
    settings = replace(settings, concurrency=1)
    tool = parse_tool(_case("tool"), CASES)
    environment = {KEY: "sk-secret-secret", "XDG_CACHE_HOME": str(folder)}
    with mock.patch.dict(os.environ, environment), mock.patch.object(openai, "DefaultAsyncHttpxClient", Scripted):
        requests([tool], {tool.name: 1}, settings, 0.5, seed=1)


def _requests(data: bytes, folder: Path) -> None:
    """The bytes as the stdin of `tool-dpo call`."""
    from tool_dpo.errors import InputError
    from tool_dpo.models.requests import read_requests
    from tool_dpo.schema.calls import calls_schema
    from tool_dpo.schema.check import check_schema
    from tool_dpo.tools.given import given_tools

    for line in read_requests(data.splitlines(keepends=True)):
        if isinstance(line, InputError):
            raise line
        if line.tools is not None:
            given = given_tools(line.tools)
            check_schema(calls_schema({tool.name: tool.parameters for tool in given.values()}))


@cache
def _case(name: str) -> Any:
    return json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))


TARGETS: dict[str, Callable[[bytes, Path], None]] = {
    "tools": _tools,
    "openapi": _import,
    "triplets": _triplets,
    "answers": _answers,
    "verdict": _verdict,
    "params": _params,
    "weights": _weights,
    "teacher": _teacher,
    "requests": _requests,
}
"""By name: what writes the bytes where the program reads them, and reads them as the program does."""
