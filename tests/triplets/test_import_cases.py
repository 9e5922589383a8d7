"""Documents that are easy to read wrongly, of every kind: the tools in them, and their proof."""

from dataclasses import replace
from functools import reduce
from random import Random
from typing import Any

import pytest

from tests.helpers import CASES, PARAMS, load, params_of
from tool_dpo.errors import InputError
from tool_dpo.tools.catalog import Speaker
from tool_dpo.tools.importers import read
from tool_dpo.tools.tool import parse_tool
from tool_dpo.triplets.generate import generate
from tool_dpo.triplets.import_tools import import_tools

TABLE = load("import")
READ = [case for case in TABLE if "tools" in case]
DRAWS = {
    ("06_yaml_e_numbers.yaml", "fuel"): ["e5", "e10", "diesel"],
    ("10_openai_allOf_ref_enum.json", "color"): ["red", "blue"],
    ("12_boolean_const.mcp.json", "confirm"): [True],
    ("27_openai_strict_nullable.json", "view"): ["sea", "garden", None],
    ("28_discriminated_union.mcp.json", "target.kind"): ["mail", "room"],
}


@pytest.mark.parametrize("case", params_of(READ))
def test_a_document_becomes_tools(case: dict[str, Any]) -> None:
    found = read(CASES / "import" / case["id"])
    assert {entry.name: entry.tool["function"]["parameters"] for entry in found.kept} == case["tools"]
    assert [f"{entry.where}: {entry.reason}" for entry in found.left_out] == case.get("left_out", [])
    assert {entry.name: entry.notes for entry in found.kept if entry.notes} == case.get("notes", {})


@pytest.mark.parametrize("case", params_of(READ))
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
        values = [reduce(dict.__getitem__, parameter.split("."), call) for call in calls]
        assert all(value in values for value in DRAWS[name, parameter])
        assert all(value in DRAWS[name, parameter] for value in values)


def test_a_pattern_gives_five_hundred_triplets() -> None:
    path = CASES / "import/26_pattern_by_luck.mcp.json"
    (item,) = import_tools(str(path)).tools
    params = replace(PARAMS.generate, triplets=500, variants=0, decisions={})
    assert sum(1 for _ in generate([parse_tool(item, path)], params, 0)) == 500
