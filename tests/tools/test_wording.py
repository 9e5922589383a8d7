"""Requests written for tools that have none: which parameters they mention, and in which words."""

import random
import re
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import CASES, load, params_of
from tool_dpo.schema.calls import call_schema
from tool_dpo.schema.violations import violations
from tool_dpo.tools.catalog import Speaker
from tool_dpo.tools.deeds import deed_of
from tool_dpo.tools.importers import read
from tool_dpo.tools.names import words
from tool_dpo.tools.tool import Tool, parse_tool
from tool_dpo.tools.wording import never_mentioned, word


def silent(name: str = "go", description: str = "", **parameters: Any) -> Tool:
    parameters = {"type": "object", "properties": {}, **parameters}
    return parse_tool(
        {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}, CASES
    )


@pytest.mark.parametrize("case", params_of(load("wording")))
def test_requests_are_written_for_a_tool(case: dict[str, Any]) -> None:
    worded = word(silent(**case["tool"]))
    for request in case["requests"]:
        assert request in worded["requests"]
    assert never_mentioned(parse_tool(worded, CASES)) == case.get("never", [])


@pytest.mark.parametrize("case", params_of(load("deeds")))
def test_a_description_becomes_an_imperative(case: dict[str, Any]) -> None:
    assert word(silent(case["name"], case["description"]))["requests"][0] == case["request"]


@pytest.mark.parametrize("case", params_of(load("unsayable")))
def test_a_tool_that_cannot_be_asked_for_is_reported(case: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=case["error"]):
        word(silent(**case["tool"]))


@pytest.mark.parametrize("path", sorted((CASES / "documents").iterdir()), ids=lambda path: path.name)
def test_every_request_has_a_valid_call(path: Path) -> None:
    for item in read(path).tools:
        worded = word(parse_tool(item, path))
        tool = parse_tool(worded, path)
        assert len(set(worded["requests"])) >= 5
        assert sum(request.endswith("?") for request in worded["requests"]) >= 2
        for seed in range(30):
            request = Speaker(random.Random(seed), 0.5).request(tool)
            call = {"tool": tool.name, "parameters": request.parameters}
            assert violations(call_schema(tool.name, tool.parameters), call) == []


NAMES = [
    "user", "user_id", "userId", "id", "is_active", "active", "with", "with_files", "file[name]", "file_name", "city",
    "town", "lang", "locale", "limit", "per_page", "name", "title", "q", "query", "since", "from", "to", "recipient",
    "timeout_ms", "timeout", "include_all", "notify",
]  # fmt: skip
OBJECT = {"type": "object", "properties": {"active": {"type": "boolean"}, "notes": {"type": "boolean"}, "id": {}}}
KINDS: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "integer"},
    {"type": "boolean"},
    {"type": "string", "format": "date"},
    {"type": "string", "description": "The user."},
    OBJECT,
    {**OBJECT, "required": ["active", "notes"]},
]


def mixed(seed: int) -> Tool:
    """A tool with parameters of which some have names that are alike."""
    rng = random.Random(seed)
    properties = {name: rng.choice(KINDS) for name in rng.sample(NAMES, 5)}
    required = rng.sample([*properties], rng.randint(0, 5))
    worded = word(
        silent(rng.choice(["get_file", "create_user", "sign_with", "go"]), "", properties=properties, required=required)
    )
    return parse_tool(worded, CASES)


@pytest.mark.parametrize("seed", range(60))
def test_no_request_has_two_lead_words_in_a_row(seed: int) -> None:
    tool = mixed(seed)
    for index in range(100):
        text = Speaker(random.Random(index), 0.5).request(tool).text
        assert not re.search(r"\bwith (with|without|not|do)\b|\b(in|to|and|please|the|as|from) \2\b", text), text


@pytest.mark.parametrize("seed", range(60))
def test_no_two_parameters_of_a_request_are_called_the_same(seed: int) -> None:
    worded = word(mixed(seed))
    deed = deed_of(worded["function"]["name"], "")
    spoken = "|".join((*deed.others, deed.text, rf"{words(worded['function']['name'])}:", "for me", "(?<!the )with"))
    for text in worded["requests"]:
        plain = re.sub(r"\{[^{}?]+", "{", re.sub(f"(?i)\\b({spoken})\\b", ",", text)).replace("'", "").replace('"', "")
        said = [one.strip() for one in re.findall(r"[^\[\].,]*\{[^{}]*\}[^\[\].,:?]*", plain)]
        assert len(said) == text.count("{")
        assert len(set(said)) == len(said), text


def test_a_nested_object_has_a_phrase_of_its_own() -> None:
    person = {"type": "object", "properties": {"name": {}, "age": {"type": "integer"}}, "required": ["name"]}
    parameters = word(silent(properties={"guests": {"type": "array", "items": person}}))["function"]["parameters"]
    assert parameters["properties"]["guests"]["items"]["x-phrase"] == [
        "(name {name}[, age {age}])",
        "(name: {name}[, age: {age}])",
    ]


def test_only_some_of_many_optional_parameters_are_mentioned() -> None:
    properties = {f"p{index}": {"type": "integer"} for index in range(30)}
    assert all(request.count("{") == 6 for request in word(silent(properties=properties))["requests"])


def test_the_same_tool_gets_the_same_words() -> None:
    tool = silent(properties={"a": {"type": "string"}})
    assert word(tool) == word(tool)


def test_a_deeply_nested_tool_takes_few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    draw = Speaker.say

    def counted(speaker: Speaker, schema: Any, *name: str) -> Any:
        drawn.append(schema)
        if len(drawn) > 2000:
            pytest.fail("more than 2,000 values drawn")
        return draw(speaker, schema, *name)

    monkeypatch.setattr(Speaker, "say", counted)
    schema: dict[str, Any] = {"type": "string", "pattern": "^#[0-9]{7}!$"}
    for _ in range(12):
        schema = {"type": "object", "properties": {"a": schema, "b": {"not": {}}, "c": {"type": "boolean"}}}
    assert "{a}" in word(silent(properties={"a": schema}))["requests"][0]
    assert drawn
