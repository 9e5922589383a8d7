"""The census of a file of triplets."""

from tool_dpo.triplets.census import census
from tool_dpo.triplets.triplet import Triplet


def test_the_census_counts_tools_violations_and_tokens() -> None:
    def words(texts: list[str]) -> dict[str, list[list[int]]]:
        return {"input_ids": [[0] * len(text.split()) for text in texts]}

    triplets = [
        Triplet("a b c", "a", "a b", {}, "t", "type_mismatch", "type", "$.a"),
        Triplet("a", "a", "a b", {}, "u", "enum_violation", "enum", "$.a"),
        Triplet("a b", "a b", "a", {}, "t", "enum_violation", "enum", "$.a"),
    ]
    assert census(triplets, words) == {
        "triplets": 3,
        "tools": 2,
        "violations": {"enum_violation": 2, "type_mismatch": 1},
        "keywords": {"enum_violation": {"enum": 2}, "type_mismatch": {"type": 1}},
        "tokens": {
            "prompt": {"mean": 2.0, "longest": 3},
            "chosen": {"mean": 1.3, "longest": 2},
            "rejected": {"mean": 1.7, "longest": 2},
        },
    }
