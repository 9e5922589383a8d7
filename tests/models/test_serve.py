"""An export behind real servers, asked with the official OpenAI client: the calls are those of the model itself."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from openai import InternalServerError, OpenAI
from transformers import AutoTokenizer

from benchmarks import serve
from tests.helpers import ROOT
from tests.models.conftest import TASK, Learnt
from tool_dpo.errors import InputError
from tool_dpo.formats.format import Question, as_text, function_tool
from tool_dpo.formats.plain import prompt
from tool_dpo.models.answers import answer, ask
from tool_dpo.models.gguf import to_gguf
from tool_dpo.models.weights import load_tokenizer
from tool_dpo.params import AnswerParams, BatchParams
from tool_dpo.records import read_json, write_lines
from tool_dpo.schema.calls import call_schema
from tool_dpo.schema.violations import violations
from tool_dpo.tools.tool import read_tools
from tool_dpo.triplets.triplet import proved

LLAMA_CPP = os.environ.get("LLAMA_CPP")
TASKS = function_tool("create_task", "", TASK)
OTHER = function_tool("play_song", "Play a song.", {"type": "object", "properties": {"song": {"type": "string"}}})
NEVER_SEEN = function_tool(
    "plan", "", {"type": "object", "properties": {"steps": {"type": "array", "items": {"$ref": "#/$defs/step"}}},
                 "$defs": {"step": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
)  # fmt: skip


@pytest.fixture(scope="module")
def gguf(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not LLAMA_CPP or not shutil.which("llama-server"):
        pytest.skip("needs llama.cpp: its source named by LLAMA_CPP, and llama-server on the PATH")
    path = tmp_path_factory.mktemp("gguf") / "export-f32.gguf"
    to_gguf(exported, path, "f32", Path(LLAMA_CPP))
    return path


@pytest.fixture(scope="module", params=["transformers serve", "llama-server"])
def server(request: pytest.FixtureRequest, exported: Path) -> Iterator[tuple[Path, OpenAI]]:
    model = exported if request.param == "transformers serve" else request.getfixturevalue("gguf")
    with serve.serving(model) as url:
        yield model, OpenAI(base_url=url, api_key="none", max_retries=0, timeout=300)


def _asked(server: tuple[Path, OpenAI], request: str, tools: list[dict[str, Any]]) -> Any:
    model, client = server
    messages = [{"role": "user", "content": request}]
    answer = client.chat.completions.create(
        model=str(model), messages=messages, tools=tools, max_tokens=60, temperature=0  # type: ignore[arg-type]
    )  # fmt: skip
    return answer.choices[0]


def test_the_call_comes_back_as_a_tool_call(
    server: tuple[Path, OpenAI], learnt: Learnt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = _asked(server, learnt.question.request, json.loads(learnt.question.tools))
    (call,) = answer.message.tool_calls
    assert answer.finish_reason == "tool_calls"
    assert (call.type, call.function.name) == ("function", "create_task")
    assert json.loads(call.function.arguments) == {"title": "Send the slides", "priority": "high"}
    ((_, direct),) = ask([learnt.question], learnt.folder, max_new_tokens=60, batch_size=1)
    assert json.loads(serve.call_of(answer.message)) == json.loads(direct.call) == json.loads(learnt.call)


@pytest.mark.parametrize("others", [[OTHER], [NEVER_SEEN], [OTHER, NEVER_SEEN], [TASKS, OTHER, NEVER_SEEN]])
def test_other_tools_are_served_in_the_same_way(
    others: list[dict[str, Any]],
    server: tuple[Path, OpenAI],
    learnt: Learnt,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Several at once, ones that do not fit, and schemas that the model has never seen: what the model itself answers.

    llama.cpp holds calls to the schema, so there they may differ.
    """
    monkeypatch.chdir(tmp_path)
    asked = Question("", learnt.question.request, as_text(others))
    ((text, _),) = ask([asked], learnt.folder, max_new_tokens=60, batch_size=1)
    try:
        message = load_tokenizer(learnt.folder).parse_response(text, prefix="")
    except ValueError:  # a call cut short, or without arguments
        message = None
    try:
        answer = _asked(server, learnt.question.request, others).message
    except InternalServerError:  # what `transformers serve` makes of such a call
        assert message is None
        return
    if server[0].is_dir():
        assert message
        calls = [(one["function"]["name"], one["function"]["arguments"]) for one in message.get("tool_calls", [])]
        served = [(one.function.name, json.loads(one.function.arguments)) for one in answer.tool_calls or []]
        assert (served, answer.content or "") == (calls, message.get("content", ""))
        return
    schemas = {one["function"]["name"]: one["function"]["parameters"] for one in others}
    for one in answer.tool_calls or []:
        assert not violations(schemas[one.function.name], json.loads(one.function.arguments))


def test_llama_cpp_writes_the_prompts_of_training(gguf: Path, exported: Path) -> None:
    """Token for token, for every tool: its Jinja and its tokenizer are its own."""
    tokenizer = AutoTokenizer.from_pretrained(exported)
    with serve.serving(gguf) as url:
        for tool in read_tools(ROOT / "data/tools"):
            chat = [{"role": "user", "content": f"Höflich: {tool.description} 3½ 2026-05-01"}]
            listed = [function_tool(tool.name, tool.description, tool.parameters)]
            ours = tokenizer.apply_chat_template(chat, tools=listed, add_generation_prompt=True)["input_ids"]
            prompt = _post(f"{url}/../apply-template", {"messages": chat, "tools": listed})["prompt"]
            assert prompt == tokenizer.decode(ours)
            assert (
                _post(f"{url}/../tokenize", {"content": prompt, "parse_special": True, "add_special": True})["tokens"]
                == ours
            )


def _post(url: str, body: dict[str, Any]) -> Any:
    request = Request(url.replace("/v1/..", ""), json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


def _benchmark(*arguments: str | Path, path: Path) -> subprocess.CompletedProcess[str]:
    """Run the benchmark, with a folder of programs that come before others."""
    env = {**os.environ, "PATH": os.pathsep.join([str(path), os.environ["PATH"]])}
    command = [sys.executable, "-m", "benchmarks.serve", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_a_model_in_the_plain_format_is_one_line(plain_base: Path, tmp_path: Path) -> None:
    done = _benchmark(plain_base, path=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"{plain_base}: is asked in the plain format, which no server knows"


def test_a_missing_server_or_model_is_one_line(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "model.gguf").write_text("no model")
    with pytest.raises(InputError, match=r"model\.gguf: llama-server is not on the PATH"):
        serve.command_of(tmp_path / "model.gguf", 0)
    with pytest.raises(InputError, match=r"nothing: no such file or folder"):
        serve.command_of(tmp_path / "nothing", 0)


def test_a_server_that_does_not_start_is_one_line(exported: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    shutil.copytree(exported, folder)
    (folder / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(InputError, match=f"^{folder}: its server did not start: ") as caught, serve.serving(folder):
        pass
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["transformers serve", "llama-server"])
def test_a_port_in_use_is_one_line(
    kind: str, exported: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = exported if kind == "transformers serve" else request.getfixturevalue("gguf")
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setattr(serve, "free_port", lambda: other.getsockname()[1])
        with pytest.raises(InputError, match=f"^{model}: its server did not start: "), serve.serving(model):
            pass


def test_the_benchmark_keeps_each_result_and_leaves_out_a_model_whose_server_fails(
    learnt: Learnt, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    question = replace(learnt.question, prompt=prompt(learnt.question.request, ("create_task", TASK)))
    calls = {"chosen": learnt.call, "rejected": learnt.call.replace("high", "urgent")}
    triplet = proved({**asdict(question), **calls, "schema": call_schema("create_task", TASK)})
    write_lines(Path("data.jsonl"), [triplet.record()])
    params = AnswerParams(split="test", max_new_tokens=60, constrained=False)
    answer(Path("data.jsonl"), learnt.folder, Path("answers.jsonl"), params, BatchParams(batch_size=1))
    Path("broken.gguf").touch()
    Path("llama-server").write_text("#!/bin/sh\necho the file is cut\nexit 1\n")
    Path("llama-server").chmod(0o755)
    files = {"--data": "data.jsonl", "--answers": "answers.jsonl", "--out": "out.json"}
    options = [part for option, name in files.items() for part in (option, tmp_path / name)]
    for model in (exported, tmp_path / "broken.gguf"):
        done = _benchmark(*options, model, path=tmp_path)
        assert done.returncode == 0, done.stderr
    assert f"{model}: its server did not start: the file is cut" in done.stderr.splitlines()
    results = read_json(Path("out.json"))
    assert list(results) == ["pipeline", "export, transformers", "export, transformers serve"]
    for one in results.values():
        assert (one["same"], one["n"], one["sspr"]["rate"], one["exact"]["rate"]) == (1, 1, 1, 1)
    assert done.stdout.count("| 1 of 1 |") == 3


@pytest.mark.parametrize(
    ("content", "calls", "expected"),
    [
        ("", [("f", '{"a": 1}')], '{"tool": "f", "parameters": {"a": 1}}'),
        (None, [("f", '{"a": 1, "a": 2}')], '{"tool": "f", "parameters": {"a": 1, "a": 2}}'),
        ("Sure!", [("f", "{}")], '"Sure!"'),
        ("", [("f", "{}"), ("g", "{}")], '[{"tool": "f", "parameters": {}}, {"tool": "g", "parameters": {}}]'),
        ("Which n?", [], '{"tool": null, "message": "Which n?"}'),
        (
            '{"tool": "f", "parameters": {}}',
            [],
            '{"tool": null, "message": "{\\"tool\\": \\"f\\", \\"parameters\\": {}}"}',
        ),
        (" 7 ", [], '"7"'),
        (None, [], '""'),
    ],
)
def test_a_message_is_read_as_the_formats_read_answers(
    content: str | None, calls: list[tuple[str, str]], expected: str
) -> None:
    from openai.types.chat import ChatCompletionMessage

    tools = [
        {"id": str(index), "type": "function", "function": {"name": name, "arguments": arguments}}
        for index, (name, arguments) in enumerate(calls)
    ]
    message = ChatCompletionMessage.model_validate({"role": "assistant", "content": content, "tool_calls": tools})
    assert serve.call_of(message) == expected
