"""Requests drawn from templates: the text and the call agree."""

import json
import random
import re
from collections import Counter
from typing import Any

import pytest

from tests.helpers import ROOT, load, params_of, task
from tool_dpo.schema.calls import call_schema, strict
from tool_dpo.schema.violations import violations
from tool_dpo.tools.catalog import Request, Speaker
from tool_dpo.tools.tool import Tool, read_tools

TOOLS = read_tools(ROOT / "data/tools")
DRAWS = 40


def requests(tool: Tool, optional: float = 0.5, draws: int = DRAWS) -> list[Request]:
    return [Speaker(random.Random(seed), optional).request(tool) for seed in range(draws)]


def test_the_same_seed_gives_the_same_request() -> None:
    for tool in TOOLS:
        assert requests(tool, draws=3) == requests(tool, draws=3)
    assert len({request.text for request in requests(task())}) > DRAWS / 2


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_request_to_a_tool_of_the_project_has_a_valid_call(tool: Tool) -> None:
    schema = call_schema(tool.name, tool.parameters)
    for request in requests(tool):
        assert violations(schema, {"tool": tool.name, "parameters": request.parameters}) == []
        assert not re.search(r"[\[\]{}|]", request.text)
        assert list(request.parameters) == [
            name for name in tool.parameters["properties"] if name in request.parameters
        ]
        for said in verbatim(tool, request):
            assert said in request.text


def verbatim(tool: Tool, request: Request) -> list[str]:
    """The values of a call that its request must repeat as they are."""
    plain = (
        (tool.parameters["properties"][name], value)
        for name, value in request.parameters.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool)
    )
    return [str(value) for schema, value in plain if "enum" not in schema and schema.get("format") != "date"]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_request_mentions_exactly_the_parameters_of_its_call(tool: Tool) -> None:
    required = set(tool.parameters.get("required", []))
    mentioned = [
        {slot.name for optional in (False, True) for slot in template.slots(optional=optional)}
        for template in tool.requests
    ]
    assert all(set(request.parameters) == required for request in requests(tool, optional=0, draws=5))
    assert all(set(request.parameters) in mentioned for request in requests(tool, optional=1, draws=5))


@pytest.mark.parametrize("case", params_of(load("values")))
def test_a_value_fits_its_schema_and_its_text(case: dict[str, Any]) -> None:
    for seed in range(DRAWS):
        said = Speaker(random.Random(seed), 0.5).say(case["schema"])
        assert re.fullmatch(case["values"], json.dumps(said.value, ensure_ascii=False))
        assert re.fullmatch(case["texts"], said.text)
        assert violations(strict(case["schema"]), said.value) == []


@pytest.mark.parametrize("case", params_of(load("named_values")))
def test_a_parameter_s_name_decides_its_values_where_the_schema_does_not(case: dict[str, Any]) -> None:
    for seed in range(DRAWS):
        said = Speaker(random.Random(seed), 0.5).say(case["schema"], case["name"])
        assert re.fullmatch(case["values"], json.dumps(said.value, ensure_ascii=False))
        assert violations(strict(case["schema"]), said.value) == []


@pytest.mark.parametrize(("words", "value"), [("tell the team", True), ("no need to tell anyone", False)])
def test_a_boolean_has_words_of_its_own(words: str, value: bool) -> None:
    found = [request for request in requests(task(), optional=1) if words in request.text]
    assert found
    assert all(request.parameters["notify"] is value for request in found)


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"anyOf": [{"const": 1}, {"const": "a"}, {"type": "null"}]}, {"1", '"a"', "null"}),
        ({"oneOf": [{"const": 1}, {"enum": [2, 3]}], "type": "integer"}, {"1", "2", "3"}),
        ({"type": ["integer", "boolean", "null"], "minimum": 1, "maximum": 1}, {"1", "true", "false", "null"}),
    ],
    ids=lambda case: str(sorted(case)),
)
def test_every_alternative_is_drawn(schema: Any, values: set[str]) -> None:
    assert {json.dumps(Speaker(random.Random(seed), 0.5).say(schema).value) for seed in range(100)} == values


@pytest.mark.parametrize(
    ("rules", "values"),
    [
        (
            {
                "if": {"properties": {"country": {"const": "US"}}},
                "then": {"properties": {"code": {"pattern": "^[0-9]$"}}},
                "else": {"properties": {"code": {"pattern": "^[A-Z]{3}$"}}},
            },
            r"(US [0-9]|(CA|NL) [A-Z]{3})( 1)?",
        ),
        (
            {
                "oneOf": [
                    {"properties": {"country": {"const": "US"}, "code": {"pattern": "^U{4}$"}}},
                    {"properties": {"country": {"const": "CA"}, "code": {"pattern": "^C{4}$"}}},
                    {"properties": {"country": {"enum": ["NL"]}, "code": {"pattern": "^N{4}$"}}},
                ]
            },
            r"(US UUUU|CA CCCC|NL NNNN)( 1)?",
        ),
        (
            {"allOf": [{"if": {"properties": {"country": {"enum": ["US", "CA"]}}}, "else": {"required": ["extra"]}}]},
            r"(US|CA) \w+( 1)?|NL \w+ 1",
        ),
        ({"not": {"properties": {"country": {"const": "US"}}, "required": ["extra"]}}, r"US \w+|(CA|NL) \w+( 1)?"),
    ],
    ids=str,
)
def test_all_values_that_decide_on_others_are_drawn(rules: Any, values: str) -> None:
    properties = {"country": {"enum": ["US", "CA", "NL"]}, "code": {"type": "string"}, "extra": {"const": 1}}
    parameters = {"type": "object", "properties": properties, "required": ["country", "code"], **rules}
    tool = task(function__parameters=parameters, requests=["{country} {code}[ {extra}]"])
    found = requests(tool, draws=2 * DRAWS)
    counts = Counter(request.parameters["country"] for request in found)
    assert all(re.fullmatch(values, request.text) for request in found)
    assert all(count > DRAWS / 4 for count in counts.values())
    assert len(counts) == 3


def test_null_is_not_said_of_an_optional_parameter() -> None:
    tool = task(function__parameters__properties__due={"anyOf": [{"type": "integer"}, {"type": "null"}]})
    found = [request.parameters["due"] for request in requests(tool, optional=1) if "due" in request.parameters]
    assert found
    assert None not in found


def test_a_request_says_something_of_an_object_that_it_mentions() -> None:
    schema = {"type": "object", "properties": {"a": {"const": 1}}, "x-phrase": "it[ {a}]"}
    assert {Speaker(random.Random(seed), 0.2).say(schema).text for seed in range(DRAWS)} == {"it 1"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 2, "maximum": 1},
        {"type": "array", "items": False},
        {"anyOf": [False, {"enum": []}]},
        False,
    ],
    ids=str,
)
def test_a_parameter_without_a_source_of_values_is_reported(schema: Any) -> None:
    tool = task(function__parameters__properties__title=schema)
    with pytest.raises(ValueError, match="title: no way to draw a value: give it an enum, examples, a range"):
        requests(tool)


def test_a_nested_parameter_without_a_source_of_values_is_reported() -> None:
    owner = {"type": "object", "properties": {"name": False}, "required": ["name"], "x-phrase": "{name}"}
    with pytest.raises(ValueError, match="title: name: no way to draw a value"):
        requests(task(function__parameters__properties__title=owner))


@pytest.mark.parametrize("provider", ["no_such_thing", 5])
def test_an_unknown_faker_provider_is_reported(provider: Any) -> None:
    with pytest.raises(ValueError, match=f"title: x-faker {provider!r} is not a provider of Faker"):
        requests(task(function__parameters__properties__title={"type": "string", "x-faker": provider}))


@pytest.mark.parametrize("provider", ["image", "binary", "zip"])
def test_a_faker_provider_of_no_text_is_reported(provider: str) -> None:
    with pytest.raises(ValueError, match=f"title: x-faker {provider!r} (gives bytes|cannot be used)") as caught:
        requests(task(function__parameters__properties__title={"type": "string", "x-faker": provider}))
    assert "\n" not in str(caught.value)


def test_numbers_of_a_small_step_differ() -> None:
    schema = {"type": "number", "multipleOf": 1e-9, "minimum": 0, "maximum": 1}
    assert len({Speaker(random.Random(seed), 0.5).say(schema).value for seed in range(DRAWS)}) > DRAWS / 2


def test_a_default_number_is_drawn_half_the_time() -> None:
    schema = {"type": "integer", "default": 700, "minimum": 1, "maximum": 900}
    drawn = [Speaker(random.Random(seed), 0.5).say(schema).value for seed in range(400)]
    assert drawn.count(700) == pytest.approx(200, abs=40)
    assert len(set(drawn)) > 100
