"""Which parameters a request mentions together."""

import random
from typing import Any

import pytest

from tool_dpo.tools.rules import agreeing

PARTS = [{"b"}, {"c"}, {"d"}]
EITHER = [{"required": ["b"]}, {"required": ["c"]}]


@pytest.mark.parametrize(
    ("rules", "sets"),
    [
        ({"anyOf": EITHER}, {"b", "bd", "c", "cd", "bc", "bcd"}),
        ({"oneOf": EITHER}, {"b", "bd", "c", "cd"}),
        ({"allOf": [{"anyOf": EITHER}, {"dependentRequired": {"b": ["d"]}}]}, {"bd", "c", "cd", "bcd"}),
        ({"dependentRequired": {"b": ["c"], "c": ["b"]}}, {"", "d", "bc", "bcd"}),
        ({"dependentSchemas": {"d": {"required": ["b"]}}}, {"", "b", "c", "bc", "bd", "bcd"}),
        (
            {"if": {"required": ["b"]}, "then": {"required": ["c"]}, "else": {"required": ["d"]}},
            {"bc", "bcd", "d", "cd"},
        ),
        (
            {"if": {"required": ["b"]}, "then": {"properties": {"c": False, "d": {"not": {}}}}},
            {"", "b", "c", "d", "cd"},
        ),
        ({"not": {"required": ["b", "c"]}}, {"", "b", "c", "d", "bd", "cd"}),
        ({"minProperties": 3}, {"bc", "bd", "cd", "bcd"}),
        ({"maxProperties": 1}, {""}),
        (
            {"oneOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"a": {"const": 2}}}], "maxProperties": 1},
            {""},
        ),
    ],
    ids=lambda case: str(sorted(case)),
)
@pytest.mark.parametrize("optional", [0.0, 0.5, 1.0])
def test_all_sets_of_names_that_agree_and_no_others(rules: dict[str, Any], sets: set[str], optional: float) -> None:
    found = {
        "".join(sorted(agreeing({"required": ["a"], **rules}, {"a"}, PARTS, random.Random(seed), optional) - {"a"}))
        for seed in range(200)
    }
    assert found <= sets
    if optional == 0.5:
        assert found == sets


def test_what_no_names_can_meet_is_left_to_the_check_of_the_values() -> None:
    assert "a" in agreeing({"required": ["a"], "anyOf": [{"required": ["z"]}]}, {"a"}, PARTS, random.Random(1), 0.5)
