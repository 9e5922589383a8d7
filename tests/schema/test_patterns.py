"""Patterns mean what ECMA-262 says, in limited time and memory."""

import pytest

from tool_dpo.schema.check import check_schema
from tool_dpo.schema.patterns import matches
from tool_dpo.schema.violations import violations


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (r"^[A-Z]{3}$", "ABC", "ABC\n"),
        (r"^\d+$", "123", "१२३"),
        (r"^\w+$", "abc", "naïve"),
        (r"^\p{L}+$", "naïve", "abc1"),
        (r"^(?=.*\d)[a-z\d]+$", "abc1", "abc"),
        (r"^(?<a>.)\k<a>$", "xx", "xy"),
        (r"^[^]$", "\n", ""),
        (r"^\u{1F600}$", "😀", "😁"),
        (r"((a{100}){100}){100}", "a" * 1_000_000, "a" * 100),
        (r"a{99999999999}", None, "aaa"),
    ],
)
def test_patterns_are_those_of_ecma_262(pattern: str, good: str | None, bad: str) -> None:
    schema = {"pattern": pattern}
    check_schema(schema)
    assert good is None or (matches(pattern, good) and not violations(schema, good))
    assert not matches(pattern, bad)
    assert [one.keyword for one in violations(schema, bad)] == ["pattern"]
