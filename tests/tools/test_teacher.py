"""The teacher source against a scripted OpenAI-compatible server on loopback."""

import gzip
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT, TASK_ITEM, changed, task
from tool_dpo.cache import cache_folder
from tool_dpo.errors import InputError
from tool_dpo.params import GenerateParams, load_params
from tool_dpo.tools import teacher
from tool_dpo.tools.tool import parse_tool
from tool_dpo.triplets.generate import generate
from tool_dpo.triplets.import_tools import import_tools
from tool_dpo.triplets.triplet import Triplet, proved

DEFAULT = replace(load_params(ROOT / "params.yaml").generate, decisions={})
assert DEFAULT.teacher
TEACHER = DEFAULT.teacher
Reply = tuple[int, dict[str, str], bytes | Iterable[bytes]]
SECRET = "sk-secret"


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
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv(teacher.KEY, SECRET)
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
                size = {"Content-Length": str(len(content))} if isinstance(content, bytes) else {}
                for name, value in {**size, **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(OSError):  # the client may have left
                    for part in [content] if isinstance(content, bytes) else content:
                        self.wfile.write(part)

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        script.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        return script

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def made(script: Script, count: int = 4, **changes: Any) -> list[Triplet]:
    settings = replace(changes.pop("teacher", replace(TEACHER, concurrency=2, timeout=600.0)), base_url=script.url)
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


def test_it_writes_templates_for_imported_tools(
    serve: Callable[..., Script], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Those that mention the parameters wrongly are left out; if few are left, the tool keeps its own too."""
    good_ones = [f"Style {style}: {{title}} at {{priority}}[ by {{due}}]" for style in range(6)]
    wrong = ["{title}", "{title}, {priority} and {nothing}", "{title} {priority", 7, good_ones[0]]
    source = tmp_path / "tools.json"
    source.write_text(json.dumps([changed(TASK_ITEM, {"requests": "..."})]))
    for texts in (good_ones, good_ones[:2]):
        script = serve(lambda body, number, texts=texts: completion(json.dumps({"requests": [*texts, *wrong]})))
        settings = replace(TEACHER, base_url=script.url, model=f"writes-{len(texts)}")
        (tool,) = import_tools(str(source), teacher=settings).tools
        assert tool["requests"][: len(texts)] == texts
        assert len(tool["requests"]) >= len(texts) + (len(texts) < 5)
        assert len(script.bodies) == 1
        assert "all of: title, priority." in script.bodies[0]["messages"][1]["content"]
        assert "teacher: 4 left out: a template does not mention the parameters correctly" in caplog.messages
    assert len(list(generate([parse_tool(tool, source)], replace(DEFAULT, triplets=10, variants=0), 1))) == 10


def test_a_teacher_without_templates_leaves_a_tool_its_own(serve: Callable[..., Script], tmp_path: Path) -> None:
    source = tmp_path / "tools.json"
    source.write_text(json.dumps([TASK_ITEM]))
    script = serve(lambda body, number: completion("[]"))
    (tool,) = import_tools(str(source), teacher=replace(TEACHER, base_url=script.url)).tools
    assert tool["requests"] == TASK_ITEM["requests"]


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
        "the answer is not JSON",
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


@pytest.mark.parametrize("status", [307, 401, 403, 404])
def test_a_refusal_ends_it_at_once(serve: Callable[..., Script], status: int) -> None:
    script = serve(lambda body, number: (status, {"Location": "/"}, b'{"error": {"message": "bad key sk-secret"}}'))
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

    with pytest.raises(InputError, match=r"at last: no answer in 0\.1 s"):
        made(serve(silent), teacher=replace(TEACHER, concurrency=2, timeout=0.1))


def test_a_server_that_dies_loses_nothing_that_was_paid_for(
    serve: Callable[..., Script], caplog: pytest.LogCaptureFixture
) -> None:
    dying = serve(lambda body, number: good(body) if number < 3 else (503, {}, b""))
    with pytest.raises(InputError, match="fails: 3 times in a row, at last: the server answered 503"):
        made(dying, 12)
    assert "teacher: 3 answers paid for, 0 kept from earlier, 300 tokens in and 30 out, $0.0002" in caplog.messages
    kept = len(list(cache_folder("teacher").glob("*.json")))
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


def test_a_teacher_that_says_nothing_of_use_is_an_error(
    serve: Callable[..., Script], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InputError, match="no triplet can be made of any request"):
        made(serve(lambda body, number: completion("No.")))
    assert "teacher: 12 left out: the answer is not JSON" in caplog.messages
    assert any("gives 0 different requests with a provable violation, 4 are needed" in one for one in caplog.messages)


def test_the_earlier_triplets_stay_where_there_are_no_new_ones(serve: Callable[..., Script], tmp_path: Path) -> None:
    script = serve(lambda body, number: completion("No."))
    params = (ROOT / "params.yaml").read_text()
    for key, value in {"source": "openai", "triplets": "2", "base_url": script.url}.items():
        params = re.sub(rf"^( +{key}:) \S+", rf"\1 {value}", params, count=1, flags=re.MULTILINE)
    (tmp_path / "params.yaml").write_text(params)
    (tmp_path / "triplets.jsonl").write_text("earlier\n")
    process = subprocess.run(
        [
            *(sys.executable, "-m", "stages.generate"),
            *(ROOT / "data/tools/calendar.json", ROOT / "data/small_talk.txt", "triplets.jsonl"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    assert process.stderr.splitlines()[-1].startswith("generate: no triplet can be made of any request")
    assert (tmp_path / "triplets.jsonl").read_text() == "earlier\n"
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_tool_that_the_teacher_cannot_do_is_short_of_triplets_not_fatal(serve: Callable[..., Script]) -> None:
    script = serve(lambda body, number: good(body) if number == 0 else completion("No."))
    assert len(made(script)) == 1


def test_a_copy_of_the_project_pays_nothing_again(
    serve: Callable[..., Script], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `dvc exp run --temp` makes one."""
    script = serve(lambda body, number: good(body))
    triplets = made(script)
    (tmp_path / "copy").mkdir()
    monkeypatch.chdir(tmp_path / "copy")
    assert made(script) == triplets
    assert len(script.bodies) == 4


def test_no_other_user_can_read_the_answers(serve: Callable[..., Script]) -> None:
    cache_folder("teacher").mkdir(parents=True, mode=0o755)
    made(serve(lambda body, number: good(body)))
    assert cache_folder("teacher").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in cache_folder("teacher").iterdir()} == {0o600}


@pytest.mark.parametrize(("home", "folder"), [("/c", "/c"), ("", "~/.cache"), ("relative", "~/.cache")])
def test_the_cache_is_where_other_programs_have_theirs(home: str, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    assert cache_folder("teacher") == Path(folder, "tool-dpo/teacher").expanduser()


SPOILT = [
    b"",
    b'{"text": "{\\"req',
    b"\xff",
    b"null",
    b"[]",
    b"[" * 100_000,
    b'{"text": 1, "cut_off": false, "tokens_in": 1, "tokens_out": 1}',
    b'{"text": "", "cut_off": "no", "tokens_in": 1, "tokens_out": 1}',
    b'{"text": "", "cut_off": false, "tokens_in": -1, "tokens_out": 1}',
    b'{"text": "", "cut_off": false, "tokens_in": 1' + b"0" * 5000 + b', "tokens_out": 1}',
    b'{"text": "", "finish_reason": "stop", "usage": [1, 1]}',
]


@pytest.mark.parametrize("content", SPOILT, ids=[repr(content[:40]) for content in SPOILT])
def test_a_spoilt_file_of_the_cache_is_asked_for_again(serve: Callable[..., Script], content: bytes) -> None:
    script = serve(lambda body, number: good(body))
    triplets = made(script)
    for path in cache_folder("teacher").iterdir():
        path.write_bytes(content)
    assert made(script) == triplets
    assert len(script.bodies) == 8
    assert made(script) == triplets
    assert len(script.bodies) == 8


def test_a_cache_that_cannot_be_written_is_one_line(serve: Callable[..., Script]) -> None:
    cache_folder("").mkdir(parents=True)
    cache_folder("teacher").write_text("")
    with pytest.raises(FileExistsError) as caught:  # errors.run makes it a line
        made(serve(lambda body, number: good(body)))
    assert caught.value.filename == str(cache_folder("teacher"))


def test_a_server_that_drips_is_given_up_in_time(serve: Callable[..., Script]) -> None:
    """Every byte in time, the whole answer never."""

    def drip(body: dict[str, Any], number: int) -> Reply:
        return 200, {"Content-Type": "application/json"}, slowly(b" " * 3000)

    start = time.monotonic()
    with pytest.raises(InputError, match=r"at last: no answer in 0\.5 s"):
        made(serve(drip), teacher=replace(TEACHER, concurrency=2, timeout=0.5))
    assert time.monotonic() - start < 250  # the answer would take 300 s


def slowly(content: bytes) -> Iterator[bytes]:
    for index in range(len(content)):
        yield content[index : index + 1]
        time.sleep(0.1)


def test_what_is_tried_again_has_no_more_time(serve: Callable[..., Script], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "_RETRIES", 1000)
    busy = serve(lambda body, number: (503, {"Retry-After": "0.2"}, b""))
    with pytest.raises(InputError, match="at last: no answer in 1 s"):
        made(busy, teacher=replace(TEACHER, concurrency=1, timeout=1.0))


@cache
def bomb() -> bytes:
    """A third of a megabyte that stands for 300."""
    deflate = zlib.compressobj(wbits=31)
    return b"".join([*(deflate.compress(b" " * 2**20) for _ in range(300)), deflate.flush()])


HUGE: list[tuple[str, int, dict[str, str], Callable[[], bytes | Iterable[bytes]]]] = [
    ("plain", 200, {}, lambda: (b" " * 2**20 for _ in range(500))),
    ("gzip", 200, {"Content-Encoding": "gzip"}, bomb),
    ("gzip of an error", 500, {"Content-Encoding": "gzip"}, bomb),
    ("gzip of gzip", 200, {"Content-Encoding": "gzip, gzip"}, lambda: gzip.compress(bomb())),
    ("gzip of a redirect", 307, {"Content-Encoding": "gzip", "Location": "/v1"}, bomb),
]


@pytest.mark.parametrize(("status", "headers", "content"), [pytest.param(*case[1:], id=case[0]) for case in HUGE])
def test_an_answer_without_end_takes_little_memory(
    serve: Callable[..., Script], status: int, headers: dict[str, str], content: Callable[[], Any]
) -> None:
    bomb()
    script = serve(lambda body, number: (status, headers, content()))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"generate\.teacher\.base_url"):
            made(script, teacher=replace(TEACHER, concurrency=1, timeout=600.0))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50_000_000


def test_a_compressed_answer_is_read(serve: Callable[..., Script]) -> None:
    def compressed(body: dict[str, Any], number: int) -> Reply:
        status, headers, content = good(body)
        assert isinstance(content, bytes)
        return status, {**headers, "Content-Encoding": "gzip"}, gzip.compress(content)

    assert len(made(serve(compressed))) == 4


ODD = [
    {"finish_reason": None},
    {"finish_reason": ["length"]},
    {"finish_reason": {"length": 1}},
    {"finish_reason": "x" * 1000},
    {"usage": None},
    {"usage": "many"},
    {"usage": [1, 2]},
    {"usage": {"prompt_tokens": 10**400, "completion_tokens": -5}},
    {"usage": {"prompt_tokens": 1.5, "completion_tokens": True}},
    {"usage": {"prompt_tokens": "100", "completion_tokens": None}},
    {"id": 5, "object": [], "created": "now", "model": None},
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: str(odd)[:60])
def test_what_is_odd_beside_the_text_does_no_harm(
    serve: Callable[..., Script], caplog: pytest.LogCaptureFixture, odd: dict[str, Any]
) -> None:
    def answer(body: dict[str, Any], number: int) -> Reply:
        status, headers, content = good(body)
        assert isinstance(content, bytes)
        document = json.loads(content)
        for name, value in odd.items():
            (document["choices"][0] if name == "finish_reason" else document)[name] = value
        return status, headers, json.dumps(document).encode()

    assert len(made(serve(answer))) == 4
    tokens = "0 tokens in and 0 out, $0.0000" if "usage" in odd else "400 tokens in and 40 out, $0.0002"
    assert caplog.messages == [f"teacher: 4 answers paid for, 0 kept from earlier, {tokens}"]


@pytest.mark.parametrize(
    "spelt", [SECRET, "sk-\\u0073ecret", "\\u0073\\u006b-secret"], ids=["plainly", "in escapes", "in many escapes"]
)
def test_a_key_that_the_server_repeats_is_in_no_file_and_no_message(
    serve: Callable[..., Script], caplog: pytest.LogCaptureFixture, spelt: str
) -> None:
    caplog.set_level(logging.DEBUG)

    def answer(body: dict[str, Any], number: int) -> Reply:
        if number:
            return good(body)
        parameters = {name: spelt if name == "title" else value for name, value in said(good(body)).items()}
        return completion(json.dumps({"request": f"Say {spelt}", "parameters": parameters}).replace("\\\\u", "\\u"))

    triplets = made(serve(answer), teacher=replace(TEACHER, concurrency=1, timeout=600.0))
    assert len(triplets) == 4
    assert f"teacher: 1 left out: the answer repeats {teacher.KEY}" in caplog.messages
    texts = [path.read_text() for path in cache_folder("teacher").iterdir()]
    texts += [json.loads(text)["text"] for text in texts]
    texts += [json.dumps(json.loads(text)) for text in texts]
    assert not [text for text in [*texts, *map(str, triplets), caplog.text] if SECRET in text]


def said(reply: Reply) -> dict[str, Any]:
    """The parameters that a good answer holds."""
    assert isinstance(reply[2], bytes)
    parameters: dict[str, Any] = json.loads(json.loads(reply[2])["choices"][0]["message"]["content"])["parameters"]
    return parameters


def test_a_local_servers_short_key_may_stand_in_answers(
    serve: Callable[..., Script], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(teacher.KEY, "high")
    assert len(made(serve(lambda body, number: good(body)))) == 4


@pytest.mark.parametrize("key", ["sk-a\nb", "sk-\u00e9", "sk-\0"])
def test_a_key_that_no_header_takes_is_one_line(
    serve: Callable[..., Script], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ, teacher.KEY: key})
    with pytest.raises(InputError, match=f"^{teacher.KEY} must be one line of ASCII characters$"):
        made(serve(lambda body, number: good(body)))


def test_a_password_in_the_address_is_refused_and_not_said(
    serve: Callable[..., Script], caplog: pytest.LogCaptureFixture
) -> None:
    script = serve(lambda body, number: good(body))
    script.url = script.url.replace("//", "//user:hunter2@")
    with pytest.raises(InputError, match="without user and password") as caught:
        made(script)
    assert "hunter2" not in str(caught.value) + caplog.text
    assert script.bodies == []


def test_ctrl_c_ends_it_at_once_and_loses_nothing_that_was_paid_for(
    serve: Callable[..., Script], tmp_path: Path
) -> None:
    answered = threading.Event()

    def answer(body: dict[str, Any], number: int) -> Reply:
        if number < 3:
            return good(body)
        answered.set()
        return 200, {"Content-Type": "application/json"}, slowly(b" " * 3000)

    script = serve(answer)
    code = """
import sys
from dataclasses import replace
from tests.tools.test_teacher import TEACHER, Script, made
from tool_dpo.errors import run

run(lambda: made(Script(None, url=sys.argv[1]), 12, teacher=replace(TEACHER, concurrency=2, timeout=600.0)))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code, script.url],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler
        ),  # a job in the background ignores it
    )
    assert answered.wait(250)
    while len(list(cache_folder("teacher").glob("*.json"))) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=250)
    assert time.monotonic() - start < 250  # the answers under way would take 300 s
    assert process.returncode == 130
    assert error.splitlines()[-1] == "interrupted: earlier outputs are untouched; run the same command to continue"
    assert "teacher: 3 answers paid for" in error
    assert "Traceback" not in error
    assert len(list(cache_folder("teacher").iterdir())) == 3
