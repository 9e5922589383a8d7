"""`make_call`, from Python and from the command line."""

import json
from pathlib import Path

import pytest

from tests.helpers import ROOT, command
from tool_dpo.errors import InputError
from tool_dpo.models.call import make_call, pick, problems
from tool_dpo.schema.calls import call_schema
from tool_dpo.tools.tool import read_tools

TOOL = {
    "type": "function",
    "function": {
        "name": "create_task",
        "parameters": {
            "type": "object",
            "properties": {"title": {"type": "string"}, "priority": {"enum": ["low", "high"]}},
            "required": ["title", "priority"],
        },
    },
}
SCHEMA = call_schema("create_task", TOOL["function"]["parameters"])  # type: ignore[index, arg-type]


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A plain OpenAI tool: it needs no request templates to be called."""
    path = tmp_path / "tools.json"
    path.write_text(json.dumps([TOOL]))
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"tool": "create_task", "parameters": {"title": "a", "priority": "low"}}', []),
        ("Sure!", ["json_error at $: Expecting value: line 1 column 1 (char 0)"]),
        (
            '{"tool": "create_task", "parameters": {"priority": "urgent", "due": 1}}',
            [
                'missing_required at $.parameters.title: "title" is a required property',
                'hallucinated_param at $.parameters.due: "due" is not among the properties',
                'enum_violation at $.parameters.priority: "urgent" is not one of "low" or "high"',
            ],
        ),
    ],
)
def test_every_problem_is_reported(text: str, expected: list[str]) -> None:
    assert problems(SCHEMA, text) == expected


def test_python_and_command_line_agree(base: Path, tools: Path) -> None:
    (tool,) = read_tools(tools)
    answer = make_call("Review the PR, it is urgent", tool, base, max_new_tokens=8)
    options: list[str | Path] = ["--tools", tools, "--model", base, "--max-new-tokens", "8"]
    result = command("call", "Review the PR, it is urgent", *options)
    assert result.stdout == answer.text + "\n"
    assert answer.problems
    assert result.returncode == 1
    assert all(problem in result.stderr for problem in answer.problems)


def test_one_of_several_tools_must_be_chosen() -> None:
    tools = read_tools(ROOT / "data/tools")
    assert pick(tools, tools[3].name) == tools[3]
    for name in (None, "no_such_tool"):
        with pytest.raises(InputError, match=r"^--tool must name one of the tools, got "):
            pick(tools, name)
