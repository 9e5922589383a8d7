"""The teacher source against a scripted OpenAI-compatible server on loopback."""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT, task
from tool_dpo.errors import InputError
from tool_dpo.params import GenerateParams, load_params
from tool_dpo.tools import teacher
from tool_dpo.triplets.generate import generate
from tool_dpo.triplets.triplet import Triplet, proved

DEFAULT = load_params(ROOT / "params.yaml").generate
assert DEFAULT.teacher
TEACHER = DEFAULT.teacher
Reply = tuple[int, dict[str, str], bytes]


def completion(content: str | None, finish_reason: str = "stop") -> Reply:
    message = {"role": "assistant", "content": content}
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "scripted",
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


def names_in(body: dict[str, Any]) -> list[str]:
    """The parameters that a question asks to mention."""
    (names,) = re.findall(r"exactly these parameters: (.*?)\. ", body["messages"][1]["content"])
    return str(names).split(", ")


def good(body: dict[str, Any]) -> Reply:
    """What a capable teacher says of the tool of tests/cases/tool.json."""
    values = {"title": f"Order {body['seed']}", "priority": "high", "limit": 3, "notify": True, "due": "2027-01-02"}
    schema = body["response_format"]["json_schema"]["schema"]["properties"]["parameters"]
    parameters = {name: values.get(name, _any(schema["properties"][name])) for name in names_in(body)}
    return completion(json.dumps({"request": f"Please: {parameters}", "parameters": parameters}))


def _any(schema: dict[str, Any]) -> Any:
    kinds: dict[str, Any] = {
        "string": "a word",
        "integer": 1,
        "number": 1.5,
        "boolean": True,
        "array": [],
        "object": {},
    }
    return schema["enum"][0] if "enum" in schema else kinds[schema["type"]]


@dataclass
class Script:
    """A server that says what `reply` makes of the body and its number (from 0)."""

    reply: Callable[[dict[str, Any], int], Reply | None]
    bodies: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)
    url: str = ""


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Script]]:
    servers = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(teacher.KEY, "sk-secret")
    monkeypatch.setattr(teacher, "_RETRIES", 1)

    def start(reply: Callable[[dict[str, Any], int], Reply | None]) -> Script:
        script = Script(reply)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                number = len(script.bodies)
                script.bodies.append(body)
                script.times.append(time.monotonic())
                script.keys.add(self.headers["Authorization"])
                answer = script.reply(body, number)
                self.close_connection = True
                if answer is None:
                    return
                status, headers, content = answer
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        script.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        return script

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def made(script: Script, count: int = 4, **changes: Any) -> list[Triplet]:
    settings = replace(changes.pop("teacher", replace(TEACHER, concurrency=2, timeout=5.0)), base_url=script.url)
    params: GenerateParams = replace(
        DEFAULT, **{"source": "openai", "triplets": count, "variants": 0, "teacher": settings, **changes}
    )
    return list(generate([task(requests="...")], params, seed=1))


def test_answers_become_proved_triplets_and_are_paid_for_once(
    serve: Callable[..., Script], caplog: pytest.LogCaptureFixture
) -> None:
    script = serve(lambda body, number: good(body))
    triplets = made(script)
    assert [proved(triplet.record()) for triplet in triplets] == triplets
    assert len({triplet.prompt for triplet in triplets}) == len(triplets) == len(script.bodies) == 4
    assert caplog.messages == ["teacher: 4 answers paid for, 0 kept from earlier, 400 tokens in and 40 out, $0.0002"]
    assert made(script) == triplets
    assert len(script.bodies) == 4
    assert caplog.messages[1:] == ["teacher: 0 answers paid for, 4 kept from earlier, 0 tokens in and 0 out, $0.0000"]
    assert len(made(script, variants=2)) == 12
    assert len(script.bodies) == 4


def test_what_is_asked(serve: Callable[..., Script]) -> None:
    script = serve(lambda body, number: good(body))
    made(script, 8)
    assert script.keys == {"Bearer sk-secret"}
    assert len({tuple(names_in(body)) for body in script.bodies}) > 1
    for body in script.bodies:
        assert body["model"] == TEACHER.model
        schema = body["response_format"]["json_schema"]["schema"]
        assert schema["properties"]["parameters"]["additionalProperties"] is False
        assert "x-faker" not in json.dumps(body)
        assert "examples" not in json.dumps(schema)
    for path in teacher.CACHE.iterdir():
        assert "secret" not in path.read_text()


def raw(text: str) -> Reply:
    return 200, {"Content-Type": "application/json"}, text.encode()


CALL = {"title": "T", "priority": "high"}
BAD = [
    ("garbage", (200, {"Content-Type": "application/json"}, b"<html>"), "the server answered something else than"),
    ("no choices", (200, {"Content-Type": "application/json"}, b'{"choices": []}'), "the server answered something"),
    ("choices by name", raw('{"choices": {}}'), "the server answered something else than"),
    ("text in parts", raw('{"choices": [{"message": {"content": ["a"]}}]}'), "the server answered something else than"),
    ("a number for a text", raw('{"choices": [{"message": {"content": 7}}]}'), "the server answered something else"),
    (
        "half a character, uncounted",
        raw('{"choices": [{"message": {"content": "\\ud800"}}], "usage": {}}'),
        "the server answered something else than",
    ),
    ("nested without end", raw("[" * 100_000), "the server answered something else than"),
    (
        "tokens not counted",
        raw('{"choices": [{"message": {"content": "No."}}], "usage": {}}'),
        "the answer is not JSON",
    ),
    (
        "half a character in the request",
        completion('{"request": "\\ud800", "parameters": {}}'),
        "the answer has half a",
    ),
    ("null", (200, {"Content-Type": "application/json"}, b"null"), "the server answered something else than"),
    ("plain text", (200, {"Content-Type": "text/plain"}, b"hello"), "the server answered something else than"),
    ("half a response", (200, {"Content-Length": "500"}, b'{"id": "1", "choi'), "no answer: APIConnectionError"),
    ("hangs up", None, "no answer: APIConnectionError"),
    ("500", (500, {}, b"{}"), "the server answered 500"),
    ("429 again and again", (429, {"Retry-After": "0.01"}, b"{}"), "the server answered 429"),
    ("cut off", completion('{"request": "a', "length"), "the answer was cut off"),
    ("prose", completion("Sure! Here it is."), "the answer is not JSON"),
    ("nothing said", completion(None), "the answer is not JSON"),
    ("a list", completion("[]"), "the answer is not {request, parameters}"),
    ("empty request", completion(json.dumps({"request": " ", "parameters": CALL})), "the request is empty"),
    (
        "wrong type",
        completion(json.dumps({"request": "x", "parameters": {**CALL, "title": 5}})),
        "the call is not valid: type_mismatch",
    ),
    (
        "parameters as text",
        completion(json.dumps({"request": "x", "parameters": "none"})),
        "the call is not valid: type_mismatch",
    ),
    (
        "optional ones left out",
        completion(json.dumps({"request": "x", "parameters": CALL})),
        "the call has other parameters than were asked for",
    ),
]


@pytest.mark.parametrize(("reply", "reason"), [pytest.param(*case[1:], id=case[0]) for case in BAD])
def test_a_bad_answer_is_counted_and_the_good_ones_are_kept(
    serve: Callable[..., Script], caplog: pytest.LogCaptureFixture, reply: Reply | None, reason: str
) -> None:
    first: list[dict[str, Any]] = []

    def answer(body: dict[str, Any], number: int) -> Reply | None:
        if not first:
            first.append(body)
        return reply if body == first[0] else good(body)

    triplets = made(serve(answer), optional=1.0)
    assert len(triplets) == 4
    assert [proved(triplet.record()) for triplet in triplets] == triplets
    (left_out,) = (line for line in caplog.messages if "left out" in line)
    assert left_out.startswith(f"teacher: 1 left out: {reason}")


def test_retry_after_is_honoured(serve: Callable[..., Script]) -> None:
    script = serve(lambda body, number: good(body) if number else (429, {"Retry-After": "1"}, b"{}"))
    assert len(made(script, 1)) == 1
    assert script.times[1] - script.times[0] >= 1  # the client's own first pause is half a second


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_ends_it_at_once(serve: Callable[..., Script], status: int) -> None:
    script = serve(lambda body, number: (status, {}, b'{"error": {"message": "bad key sk-secret"}}'))
    with pytest.raises(InputError, match=f"refuses: HTTP {status}: check it") as caught:
        made(script)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_more_questions_are_under_way_than_allowed(serve: Callable[..., Script]) -> None:
    under_way, most, lock = 0, 0, threading.Lock()

    def slow(body: dict[str, Any], number: int) -> Reply:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.05)
        with lock:
            under_way -= 1
        return good(body)

    assert len(made(serve(slow), 8)) == 8
    assert most == 2


def test_a_silent_server_is_given_up(serve: Callable[..., Script]) -> None:
    def silent(body: dict[str, Any], number: int) -> None:
        time.sleep(1)

    with pytest.raises(InputError, match="at last: no answer: APITimeoutError"):
        made(serve(silent), teacher=replace(TEACHER, concurrency=2, timeout=0.1))


def test_a_server_that_dies_loses_nothing_that_was_paid_for(
    serve: Callable[..., Script], caplog: pytest.LogCaptureFixture
) -> None:
    dying = serve(lambda body, number: good(body) if number < 3 else (503, {}, b""))
    with pytest.raises(InputError, match="fails: 3 times in a row, at last: the server answered 503"):
        made(dying, 12)
    assert "teacher: 3 answers paid for, 0 kept from earlier, 300 tokens in and 30 out, $0.0002" in caplog.messages
    kept = len(list(teacher.CACHE.glob("*.json")))
    assert kept == 3
    well = serve(lambda body, number: good(body))
    assert len(made(well, 12)) == 12
    assert len(well.bodies) == 12 - kept


def test_without_a_key_it_says_what_to_do(serve: Callable[..., Script], monkeypatch: pytest.MonkeyPatch) -> None:
    script = serve(lambda body, number: good(body))
    monkeypatch.delenv(teacher.KEY)
    with pytest.raises(InputError, match=f"export {teacher.KEY}="):
        made(script)
    assert script.bodies == []


def test_a_tool_that_the_teacher_cannot_do_is_short_of_triplets_not_fatal(
    serve: Callable[..., Script], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert made(serve(lambda body, number: completion("No."))) == []
    assert "teacher: 12 left out: the answer is not JSON" in caplog.messages
    assert any("gives 0 different requests with a provable violation, 4 are needed" in one for one in caplog.messages)
