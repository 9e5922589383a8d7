"""`ToolCaller` and `tool-dpo call`: the model's calls, and what is wrong with them."""

import doctest
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import mcp.types
import pytest
import torch

from tests.helpers import ROOT, command
from tests.models.conftest import Deciding
from tool_dpo import Call, InputError, ToolCaller
from tool_dpo.formats.format import Format
from tool_dpo.models.weights import load_format, load_tokenizer
from tool_dpo.schema.forms import no_call

TASK = {
    "type": "function",
    "function": {
        "name": "create_task",
        "description": "Create a task.",
        "parameters": {
            "type": "object",
            "properties": {"title": {"type": "string", "maxLength": 8}, "priority": {"enum": ["low", "high"]}},
            "required": ["title", "priority"],
        },
    },
}
PING = {"name": "net/ping", "inputSchema": {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}}}


def remind(who: Literal["Ana", "Bo"]) -> None:
    """Remind a person."""


TOOLS: list[Any] = [TASK, mcp.types.Tool.model_validate(PING), remind]


@pytest.fixture(scope="module")
def caller(base: Path) -> ToolCaller:
    return ToolCaller.load(base)


class Parrot:
    """A model that answers what it is told."""

    device = "cpu"

    def __init__(self, tokenizer: Any, text: str) -> None:
        self._answer = [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]

    def generate(self, input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
        return torch.cat([input_ids, torch.tensor([self._answer] * len(input_ids))], dim=1)


@pytest.fixture(params=["native", "plain"])
def form(request: pytest.FixtureRequest, base: Path, tmp_path: Path) -> tuple[Any, Format]:
    """A tokenizer, and a format that writes with it."""
    folder = tmp_path / "model"
    shutil.copytree(base, folder)
    weights = json.loads((folder / "weights.json").read_text())
    (folder / "weights.json").write_text(json.dumps({**weights, "format": request.param}))
    tokenizer = load_tokenizer(folder)
    return tokenizer, load_format(folder, tokenizer)


def _said(text: str, form: tuple[Any, Format]) -> Call:
    """The call that is read in an answer."""
    return ToolCaller(Parrot(form[0], text), *form, max_length=1000)("Do it", TOOLS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "arguments", "violations"),
    [
        ("create_task", {"title": "a", "priority": "low"}, []),
        ("net_ping", {"n": 3}, []),
        ("net_ping", {}, []),
        ("remind", {"who": "Bo"}, []),
        (
            "create_task",
            {"priority": "urgent", "due": 1},
            [
                'missing_required at $.arguments.title: "title" is a required property',
                'hallucinated_param at $.arguments.due: "due" is not among the properties',
                'enum_violation at $.arguments.priority: "urgent" is not one of "low" or "high"',
            ],
        ),
        ("remind", {"n": 3}, ["missing_required at $.arguments.who: ", "hallucinated_param at $.arguments.n: "]),
        ("net_ping", {"n": 10}, ["other_schema_error at $.arguments.n: "]),
        ("delete_task", {"title": "a"}, ["wrong_tool at $.name: "]),
    ],
)
def test_a_call_is_checked_against_the_schema_of_its_tool(
    name: str, arguments: dict[str, Any], violations: list[str], form: tuple[Any, Format]
) -> None:
    written = json.dumps({"tool": name, "parameters": arguments})
    call = _said(form[1].write(written, written), form)
    assert (call.name, call.arguments) == ("net/ping" if name == "net_ping" else name, arguments)
    assert len(call.violations) == len(violations)
    assert all(str(one).startswith(line) for one, line in zip(call.violations, violations, strict=True))
    assert call.text == form[1].write(written, written)


def test_words_around_a_call_are_a_fault_but_the_call_is_read(form: tuple[Any, Format]) -> None:
    written = '{"tool": "remind", "parameters": {"who": "Ana"}}'
    call = _said("Sure! " + form[1].write(written, written), form)
    assert (call.name, call.arguments) == ("remind", {"who": "Ana"})
    assert [one.kind for one in call.violations] == ["json_error"]
    assert call.message is None


@pytest.mark.parametrize(
    ("answers", "violations"),
    [
        ([("remind", {"who": "Bo"}), ("remind", {"who": "Ana"})], []),
        ([("remind", {"who": "Bo"}), ("net_ping", {"n": 3}), ("create_task", {"title": "a", "priority": "low"})], []),
        (
            [("remind", {"who": "Bo"}), ("net_ping", {"n": "3"})],
            ["type_mismatch at $[1].arguments.n: "],
        ),
        (
            [("delete_task", {}), ("remind", {"who": "Eve", "tool": 1})],
            [
                "wrong_tool at $[0].name: ",
                "hallucinated_param at $[1].arguments.tool: ",
                "enum_violation at $[1].arguments.who: ",
            ],
        ),
    ],
)
def test_several_calls_are_each_checked(
    answers: list[tuple[str, dict[str, Any]]], violations: list[str], form: tuple[Any, Format]
) -> None:
    written = json.dumps([{"tool": name, "parameters": arguments} for name, arguments in answers])
    call = _said(form[1].write(written, written), form)
    made = [("net/ping" if name == "net_ping" else name, arguments) for name, arguments in answers]
    assert [(one.name, one.arguments) for one in call.calls] == made
    assert ((call.name, call.arguments), call.message) == (made[0], None)
    assert len(call.violations) == len(violations)
    assert all(str(one).startswith(line) for one, line in zip(call.violations, violations, strict=True))
    assert json.loads(call.line()) == [{"name": name, "arguments": arguments} for name, arguments in made]
    assert call.record()["calls"] == json.loads(call.line())


@pytest.mark.parametrize("words", ['Which "priority"?', "No tool does that.\nDésolé."])
def test_words_without_a_call_are_the_message(words: str, form: tuple[Any, Format]) -> None:
    text = form[1].write(no_call(words), no_call(words))
    call = _said(text, form)
    assert call == Call((), words, (), text)
    assert (call.name, call.arguments, call.line()) == (None, None, words.replace("\n", " "))
    assert call.record() == {
        "name": None, "arguments": None, "calls": [], "message": words, "violations": [], "text": text
    }  # fmt: skip


@pytest.mark.parametrize("text", ["7!", "", '{"name": 3}', '{"tool": "remind", "parameters": {"who": "A', "[1]"])
def test_an_answer_that_is_neither_calls_nor_words(text: str, form: tuple[Any, Format]) -> None:
    call = _said(text, form)
    assert (call.calls, call.name, call.arguments, call.message, call.text) == ((), None, None, None, text)
    assert call.violations


def test_a_constrained_answer_is_one_valid_call_of_any_of_the_tools(caller: ToolCaller) -> None:
    requests = ["Remind Ana", "Create a task", "Ping"]
    for call in caller(requests, TOOLS, constrained=True, max_new_tokens=80):
        assert call.violations == ()
        assert call.name in ("create_task", "net/ping", "remind")
    for tool, name in zip(TOOLS, ("create_task", "net/ping", "remind"), strict=True):
        call = caller("Do it", [tool], constrained=True, max_new_tokens=80)
        assert (call.name, call.violations) == (name, ())


def test_a_list_of_requests_gives_what_each_gives_alone(caller: ToolCaller) -> None:
    requests = ["Remind Ana to send the slides", "Ping", "Create a task with a long name and a high priority"]
    together = caller(requests, TOOLS, constrained=True, max_new_tokens=80, batch_size=2)
    assert together == [caller(one, TOOLS, constrained=True, max_new_tokens=80) for one in requests]
    assert caller([], TOOLS) == []


def test_requests_with_tools_of_their_own_are_answered_as_they_come(caller: ToolCaller) -> None:
    read = []

    def asked() -> Iterator[tuple[str, Any]]:
        for request, tools in [("Ping", [PING]), ("Do", []), ("", [PING]), ("Remind", [remind]), ("Ping", [PING])]:
            read.append(request)
            yield request, tools

    calls = caller.calls(asked(), constrained=True, max_new_tokens=80, batch_size=3)
    first = next(calls)
    assert isinstance(first, Call)
    assert first.name == "net/ping"
    assert read == ["Ping", "Do", ""]
    rest = list(calls)
    assert [str(one) for one in rest if isinstance(one, InputError)] == [
        "tools: there are none",
        "the request is empty",
    ]
    assert [one.name for one in rest if isinstance(one, Call)] == ["remind", "net/ping"]


class Untyped:
    pass


def untyped(thing: Untyped) -> None:
    pass


@pytest.mark.parametrize(
    ("request_", "tools", "message"),
    [
        ("Do it", [], "tools: there are none"),
        ("Do it", [TASK, TASK], "tools[1]: a tool before it is named 'create_task' too"),
        ("Do it", [untyped], "tools[0]: untyped: a type hint has no JSON Schema: "),
        (" \n", [TASK], "the request is empty"),
        ("very " * 1000, [TASK], "the request with its tools is too long: 1"),
    ],
)
def test_what_cannot_be_asked_is_an_error_of_one_line(
    request_: str, tools: Any, message: str, caller: ToolCaller
) -> None:
    with pytest.raises(InputError) as caught:
        caller(request_, tools)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value).splitlines()) == 1


def test_a_schema_that_no_grammar_can_hold_is_an_error_of_one_line(caller: ToolCaller) -> None:
    ahead = {"type": "object", "properties": {"code": {"type": "string", "pattern": "(?=a)b"}}}
    tool = {"name": "open", "inputSchema": ahead}
    with pytest.raises(InputError, match=r"^tools: their calls cannot be constrained: .*look-around"):
        caller("Open", [tool], constrained=True)
    assert caller("Open", [tool], max_new_tokens=1).violations


def test_a_folder_that_is_no_model_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"^{tmp_path}/weights.json: no such file: expected a model folder"):
        ToolCaller.load(tmp_path)


@pytest.fixture
def _with_model(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in which models/dpo is the tiny model."""
    shutil.copytree(base, tmp_path / "models/dpo")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_with_model")
def test_the_examples_of_the_documentation_are_true() -> None:
    page = doctest.testfile(str(ROOT / "docs/python.md"), module_relative=False)
    assert (page.failed, page.attempted) == (0, 15)
    finder = doctest.DocTestFinder(recurse=False)
    (example,) = finder.find(ToolCaller, "ToolCaller", globs={"ToolCaller": ToolCaller, "Literal": Literal})
    assert doctest.DocTestRunner().run(example) == (0, 4)


# The command line.


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    path = tmp_path / "tools.json"
    path.write_text(json.dumps([TASK, {**PING, "name": "ping"}]))
    return path


def _piped(lines: bytes, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    program = [sys.executable, "-c", "from tool_dpo.cli import main; main()", "call", *arguments]
    return subprocess.run(program, input=lines, capture_output=True, check=False)


def test_python_and_command_line_agree(base: Path, tools: Path, caller: ToolCaller) -> None:
    options: list[str | Path] = ["--tools", tools, "--model", base, "--max-new-tokens", "80"]
    call = caller("Ping it", json.loads(tools.read_text()), constrained=True, max_new_tokens=80)
    result = command("call", "Ping it", *options, "--constrained")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {"name": call.name, "arguments": call.arguments}
    free = command("call", "Ping it", *options[:-1], "8", "--json")
    call = caller("Ping it", json.loads(tools.read_text()), max_new_tokens=8)
    assert json.loads(free.stdout) == {"request": "Ping it", **call.record()}


def test_tools_of_several_files_are_offered_or_those_that_are_named(base: Path, tools: Path) -> None:
    more = tools.with_name("more.yaml")
    more.write_text("tools: [{name: wait, inputSchema: {type: object, properties: {}}}]")
    options = ["--tools", tools, "--tools", more, "--model", base, "--constrained", "--max-new-tokens", "80"]
    for names in (["wait"], ["ping", "wait"]):
        result = command("call", "Do it", *options, *(part for name in names for part in ("--tool", name)))
        assert json.loads(result.stdout)["name"] in names
    wrong = command("call", "Do it", *options, "--tool", "none")
    assert (wrong.returncode, wrong.stderr) == (
        1,
        "--tool must name one of the tools, got 'none': create_task, ping, wait\n",
    )
    twice = command("call", "Do it", "--tools", tools, "--tools", tools, "--model", base)
    assert (twice.returncode, twice.stderr) == (1, f"{tools}: tool 'create_task' is already defined in {tools}\n")


def test_every_line_of_stdin_is_answered_and_a_bad_one_ends_nothing(base: Path, tools: Path) -> None:
    wait = [{"name": "wait", "inputSchema": {"type": "object", "properties": {}}}]
    lines = [
        b"\xef\xbb\xbfPing it",
        b"",
        json.dumps({"request": "Wait", "tools": wait}).encode(),
        b'{"request": "Wait", "tools": "' + json.dumps(wait).replace('"', '\\"').encode() + b'", "id": 7}',
        b'{"request": 3}',
        b"{broken",
        b"\xff",
        b'{"request": "a", "tools": []}',
        b'{"request": "' + b"very " * 1000 + b'"}',
        "Créer une tâche".encode(),
    ]
    options = ["--tools", tools, "--model", base, "--constrained", "--max-new-tokens", "80", "--batch-size", "2"]
    result = _piped(b"\r\n".join(lines), *options, "--json")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["line"] for one in records] == [1, 3, 4, 10]
    assert [one["request"] for one in records] == ["Ping it", "Wait", "Wait", "Créer une tâche"]
    assert [one["name"] for one in records[1:3]] == ["wait", "wait"]
    assert all(one["violations"] == [] and one["text"] for one in records)
    told = [line for line in result.stderr.decode().splitlines() if line.startswith("stdin:")]
    assert [line.split(":")[1] for line in told] == ["5", "6", "7", "8", "9"]
    assert result.returncode == 2


@pytest.mark.parametrize(
    ("asked", "code", "printed", "told"),
    [
        ("call", 0, '{"name": "ping", "arguments": {"n": 3}}', ""),
        ("several", 0, '[{"name": "ping", "arguments": {"n": 3}}, {"name": "ping", "arguments": {"n": 4}}]', ""),
        ("words", 3, "No tool does that.", ""),
        (
            "invalid",
            1,
            '{"name": "ping", "arguments": {"n": 10}}',
            "other_schema_error at $.arguments.n: 10 is greater than the maximum of 9\n",
        ),
    ],
)
def test_the_exit_code_tells_what_the_model_decided(
    asked: str, code: int, printed: str, told: str, deciding: Deciding
) -> None:
    result = command("call", getattr(deciding, asked), "--tools", deciding.tools, "--model", deciding.folder)
    assert (result.returncode, result.stdout, result.stderr) == (code, f"{printed}\n", told)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (["call", "several"], 0),
        (["call", "words"], 3),
        (["words", "invalid", "call"], 1),
        (["words", "invalid", "{"], 2),
    ],
)
def test_the_exit_code_of_many_requests_is_that_of_the_worst(asked: list[str], code: int, deciding: Deciding) -> None:
    lines = "\n".join(getattr(deciding, one, one) for one in asked).encode()
    result = _piped(lines, "--tools", deciding.tools, "--model", deciding.folder, "--json")
    assert result.returncode == code, result.stderr
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["request"] for one in records] == [getattr(deciding, one) for one in asked if one != "{"]
    assert [one["message"] is not None for one in records] == [one == "words" for one in asked if one != "{"]
    told = [line for line in result.stderr.decode().splitlines() if line.startswith("stdin:")]
    assert sum("other_schema_error at $.arguments.n: " in line for line in told) == asked.count("invalid")


def test_python_has_what_the_model_decided(deciding: Deciding) -> None:
    tools = json.loads(deciding.tools.read_text())
    requests = [deciding.call, deciding.several, deciding.words]
    one, two, none = ToolCaller.load(deciding.folder)(requests, tools)
    assert [(made.name, made.arguments) for made in one.calls] == [("ping", {"n": 3})]
    assert [made.arguments for made in two.calls] == [{"n": 3}, {"n": 4}]
    assert (none.calls, none.name, none.message, none.violations) == ((), None, "No tool does that.", ())


@pytest.mark.parametrize(
    ("lines", "code", "message"),
    [
        (b"", 1, "stdin: no request in it\n"),
        (b"\n \n", 1, "stdin: no request in it\n"),
        (b"{\n", 2, "stdin:1: not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)\n"),
    ],
)
def test_no_request_is_told_before_a_model_is_loaded(lines: bytes, code: int, message: str, tmp_path: Path) -> None:
    result = _piped(lines, "--model", tmp_path)
    assert (result.returncode, result.stdout, result.stderr.decode()) == (code, b"", message)


def test_no_tools_is_told(base: Path) -> None:
    result = command("call", "Ping", "--model", base)
    told = "no tools: name a file or a folder of tools with --tools\n"
    assert (result.returncode, result.stdout, result.stderr) == (1, "", told)


@pytest.mark.usefixtures("_with_model")
def test_the_commands_of_the_documentation_run() -> None:
    """With the tiny model, whose answers are no calls, and may be words."""
    tool = {"name": "remind", "inputSchema": {"type": "object", "properties": {"who": {"type": "string"}}}}
    Path("my_tools.json").write_text(json.dumps([tool]))
    Path("data").mkdir()
    Path("data/test.jsonl").write_text(json.dumps({"request": "Remind Bo", "tools": json.dumps([tool])}) + "\n")
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / "docs/python.md").read_text(), re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    assert len(commands) == 3
    program = f'tool-dpo() {{ "{sys.executable}" -c "from tool_dpo.cli import main; main()" "$@" --max-new-tokens 2; }}'
    printed = []
    for line in commands:
        done = subprocess.run(["bash", "-c", f"{program}\n{line}"], capture_output=True, text=True, check=False)
        assert done.returncode in (1, 3), done.stderr
        printed.append(len(done.stdout.splitlines()))
    assert printed == [1, 2, 0]
    assert json.loads(Path("calls.jsonl").read_text())["request"] == "Remind Bo"
