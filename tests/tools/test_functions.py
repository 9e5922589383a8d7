"""Tools from Python functions: their type hints become a JSON Schema, their docstrings descriptions."""

import datetime
import doctest
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from tool_dpo.schema.violations import Validator
from tool_dpo.tools import functions
from tool_dpo.tools.functions import tool_of_function
from tool_dpo.tools.given import given_tools


class Priority(Enum):
    LOW = "low"
    HIGH = "high"


@dataclass
class Person:
    name: str
    age: int | None = None


class Place(TypedDict):
    city: str


class Slot(BaseModel):
    day: datetime.date
    hour: Annotated[int, Field(ge=0, le=23)] = 9


def plan(
    title: str,
    priority: Priority,
    *,
    who: list[Person],
    where: Place,
    slot: Slot,
    kind: Literal["call", "visit"] = "call",
    note: Optional[str] = None,  # noqa: UP045
    share: Annotated[float, Field(gt=0, description="Of the cost.")] = 1.0,
    tags: dict[str, int] | None = None,
) -> bool:
    """Plan a meeting.

    It may be moved later.

    Args:
        title (str): What it is
            about.
        priority: How urgent it is.
        share: Not this text, since the hint has one.
        nobody: No parameter at all.

    Returns:
        Whether it could be planned.
    """
    raise NotImplementedError


GOOD = {
    "title": "Review",
    "priority": "low",
    "who": [{"name": "Ana", "age": 30}, {"name": "Bo"}],
    "where": {"city": "Bern"},
    "slot": {"day": "2026-05-01"},
}


def _parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """The schema as a model gets it: through the one normaliser, without references."""
    (tool,) = given_tools([function]).values()
    return tool.parameters


def test_every_kind_of_hint_becomes_a_schema() -> None:
    schema = _parameters(plan)
    assert schema["required"] == ["title", "priority", "who", "where", "slot"]
    assert schema["properties"]["priority"]["enum"] == ["low", "high"]
    assert schema["properties"]["kind"] == {"default": "call", "enum": ["call", "visit"], "type": "string"}
    assert "$ref" not in str(schema)
    validator = Validator(schema)
    assert validator.is_valid(GOOD)
    assert validator.is_valid({**GOOD, "note": None, "share": 0.5, "tags": {"a": 1}, "kind": "visit"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": 1},
        {"priority": "urgent"},
        {"who": [{"age": 30}]},
        {"who": [{"name": "Ana", "age": "30"}]},
        {"where": {}},
        {"slot": {"day": "tomorrow"}},
        {"slot": {"day": "2026-05-01", "hour": 24}},
        {"kind": "email"},
        {"note": 1},
        {"share": 0},
        {"tags": {"a": "b"}},
        {"unknown": 1},
    ],
    ids=str,
)
def test_what_a_hint_forbids_the_schema_forbids(wrong: dict[str, Any]) -> None:
    assert not Validator(_parameters(plan)).is_valid({**GOOD, **wrong})


def test_descriptions_come_from_the_docstring() -> None:
    function = tool_of_function(plan)["function"]
    assert function["name"] == "plan"
    assert function["description"].startswith("Plan a meeting.")
    described = {name: one.get("description") for name, one in function["parameters"]["properties"].items()}
    assert {name: text for name, text in described.items() if text} == {
        "title": "What it is\nabout.",
        "priority": "How urgent it is.",
        "share": "Of the cost.",
    }


def test_fields_have_no_titles_that_repeat_their_names() -> None:
    assert "Hour" not in str(tool_of_function(plan))


class Reminders:
    def add(self, text: str) -> None:
        """Add a reminder."""

    async def drop(self, number: int) -> None:
        """Drop a reminder."""


@pytest.mark.parametrize(("method", "name"), [(Reminders().add, "text"), (Reminders().drop, "number")])
def test_methods_and_coroutines_are_functions_too(method: Callable[..., Any], name: str) -> None:
    assert list(_parameters(method)["properties"]) == [name]


class Unknown:
    pass


def no_hint(text, number: int = 1):  # type: ignore[no-untyped-def]
    pass


def by_place(text: str, /) -> None:
    pass


def many(*texts: str) -> None:
    pass


def odd(thing: Unknown) -> None:
    pass


def back(then: Callable[[], int]) -> None:
    pass


def later(thing: "Nowhere") -> None:  # type: ignore[name-defined]  # noqa: F821
    pass


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (no_hint, "no_hint: parameter 'text' has no type hint"),
        (by_place, "by_place: parameter 'text' cannot be given by name"),
        (many, "many: parameter 'texts' cannot be given by name"),
        (odd, "odd: a type hint has no JSON Schema: .*Unknown"),
        (back, "back: a type hint has no JSON Schema: .*Callable"),
        (later, "later: a type hint has no JSON Schema: name 'Nowhere' is not defined"),
    ],
)
def test_a_function_that_cannot_be_a_tool_is_refused_in_a_line(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        tool_of_function(function)
    assert "\n" not in str(caught.value)


def test_the_example_of_the_docstring_is_true() -> None:
    assert doctest.testmod(functions).failed == 0
    assert doctest.testmod(functions).attempted == 2
