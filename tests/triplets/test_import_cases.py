"""Documents that are easy to read wrongly, of every kind: the tools in them, and their proof."""

from random import Random
from typing import Any

import pytest

from tests.helpers import CASES, load, params_of
from tool_dpo.errors import InputError
from tool_dpo.tools.catalog import Speaker
from tool_dpo.tools.importers import read
from tool_dpo.tools.tool import parse_tool
from tool_dpo.triplets.import_tools import import_tools

TABLE = load("import")
READ = [case for case in TABLE if "tools" in case]
DRAWS = {
    ("06_yaml_e_numbers.yaml", "fuel"): ["e5", "e10", "diesel"],
    ("10_openai_allOf_ref_enum.json", "color"): ["red", "blue"],
    ("27_openai_strict_nullable.json", "view"): ["sea", "garden", None],
}


def waiting(cases: list[dict[str, Any]], reason: str) -> list[Any]:
    """The cases as pytest parameters. Those that wait for another part of the project are expected to fail."""
    return [
        pytest.param(case, id=case["id"], marks=[pytest.mark.xfail(reason=case[reason])] if reason in case else [])
        for case in cases
    ]


@pytest.mark.parametrize("case", waiting(READ, "unread"))
def test_a_document_becomes_tools(case: dict[str, Any]) -> None:
    found = read(CASES / "import" / case["id"])
    assert {entry.name: entry.tool["function"]["parameters"] for entry in found.kept} == case["tools"]
    assert [f"{entry.where}: {entry.reason}" for entry in found.left_out] == case.get("left_out", [])
    assert {entry.name: entry.notes for entry in found.kept if entry.notes} == case.get("notes", {})


@pytest.mark.parametrize("case", waiting(READ, "waits"))
def test_every_tool_of_a_document_is_proved(case: dict[str, Any]) -> None:
    adopted = import_tools(str(CASES / "import" / case["id"]))
    assert [entry.name for entry in adopted.kept] == [*case["tools"]]


@pytest.mark.parametrize("case", params_of([case for case in TABLE if "error" in case]))
def test_a_document_that_cannot_be_read_is_reported_in_one_line(case: dict[str, Any]) -> None:
    path = CASES / "import" / case["id"]
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value) == f"{path}{case['error']}"


@pytest.mark.parametrize(("name", "parameter"), DRAWS)
def test_every_value_of_a_document_is_drawn(name: str, parameter: str) -> None:
    path = CASES / "import" / name
    for item in import_tools(str(path)).tools:
        tool = parse_tool(item, path)
        calls = [Speaker(Random(seed), 0.5).request(tool).parameters for seed in range(60)]
        values = [call[parameter] for call in calls]
        assert all(value in values for value in DRAWS[name, parameter])
        assert all(value in DRAWS[name, parameter] for value in values)
