"""Pairs: what is wrong with a rejected answer, and how typed and mined ones are mixed."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import load
from tool_dpo.errors import InputError
from tool_dpo.params import PairsParams
from tool_dpo.records import write_lines
from tool_dpo.schema.calls import call_schema
from tool_dpo.training.pair import Pair, fault, read_pairs
from tool_dpo.training.pairs import balanced, decided, mined, mix, typed
from tool_dpo.triplets.triplet import Triplet, proved

GOOD = proved(load("triplets")["triplet"])
DECIDED = [proved(one) for one in load("decisions")["triplets"].values()]
CALL = json.loads(GOOD.chosen)
OTHER = {**CALL, "parameters": {**CALL["parameters"], "title": "Another"}}
SPARE = proved(
    {
        "prompt": "Create 'Review PR', due 2026-11-02.",
        "schema": call_schema(
            "create_task",
            {
                "type": "object",
                "properties": {
                    "title": {"type": "string"},
                    "due": {"type": "string", "format": "date"},
                    "hours": {"type": "integer"},
                },
                "required": ["title"],
            },
        ),
        "chosen": json.dumps({"tool": "create_task", "parameters": {"title": "Review PR", "due": "2026-11-02"}}),
        "rejected": json.dumps({"tool": "create_task", "parameters": {"due": "2026-11-02"}}),
    }
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD.chosen, None),
        (f"  {json.dumps(CALL, indent=1)}", None),
        (json.dumps(OTHER), "wrong_value"),
        (GOOD.rejected, GOOD.violation),
        (GOOD.chosen[:-1], "json_error"),
        (f"```json\n{GOOD.chosen}\n```", "json_error"),
        (GOOD.chosen.replace("create_task", "delete_task"), "wrong_tool"),
    ],
)
def test_the_fault_of_an_answer(text: str, expected: str | None) -> None:
    assert fault(GOOD.schema, text, GOOD.chosen) == expected


@pytest.mark.parametrize("case", load("isolated"), ids=lambda case: case["mistakes"])
def test_each_mistake_is_put_alone_into_the_chosen_call(case: dict[str, Any]) -> None:
    text = case["answer"] if isinstance(case["answer"], str) else json.dumps(case["answer"])
    expected = [(fault, text if rejected is None else json.dumps(rejected)) for fault, rejected in case["rejected"]]
    pairs = mined(SPARE, text)
    assert [(pair.fault, pair.rejected) for pair in pairs] == expected
    assert all(pair.chosen == SPARE.chosen and pair.mined for pair in pairs)


@pytest.mark.parametrize(
    ("urgent", "count", "answer"),
    [
        ({"type": "boolean"}, 1, True),
        ({"type": "array", "items": {"type": "boolean"}}, [1], [True]),
    ],
)
def test_a_parameter_counts_as_renamed_only_with_the_same_value(
    urgent: dict[str, Any], count: Any, answer: Any
) -> None:
    schema = call_schema("add", {"type": "object", "properties": {"count": {}, "urgent": urgent}})
    triplet = replace(GOOD, schema=schema, chosen=json.dumps({"tool": "add", "parameters": {"count": count}}))
    assert mined(triplet, json.dumps({"tool": "add", "parameters": {"urgent": answer}})) == []


def test_a_renamed_parameter_with_a_second_fault_counts_as_missing() -> None:
    mode = {"type": "object", "properties": {"mode": {}}, "required": ["mode"], "propertyNames": {"maxLength": 4}}
    triplet = replace(GOOD, schema=call_schema("set", mode), chosen='{"tool": "set", "parameters": {"mode": "r"}}')
    (pair,) = mined(triplet, '{"tool": "set", "parameters": {"modes": "r"}}')
    assert (pair.fault, pair.rejected) == ("missing_required", '{"tool": "set", "parameters": {}}')


@pytest.mark.parametrize(
    ("due", "faults"), [("today", []), ("to-morrow night", ["other_schema_error"]), ("\ud800" * 10, ["json_error"])]
)
def test_a_mistake_that_cannot_be_written_makes_no_pair(due: str, faults: list[str]) -> None:
    schema = call_schema("add", {"type": "object", "properties": {"due": {"type": "string", "maxLength": 9}}})
    call = {"tool": "add", "parameters": {"due": "today"}}
    triplet = replace(GOOD, schema=schema, chosen=json.dumps(call))
    assert [pair.fault for pair in mined(triplet, json.dumps({**call, "parameters": {"due": due}}))] == faults


def test_balanced_pairs_leave_a_parameter_out_and_add_one() -> None:
    drawn = [balanced(SPARE, random.Random(seed)) for seed in range(20)]
    said = {(pair.fault, json.dumps(json.loads(pair.rejected)["parameters"])) for pairs in drawn for pair in pairs}
    assert all(len(pairs) == 2 for pairs in drawn)
    title, due = ("title", "Review PR"), ("due", "2026-11-02")
    assert said == {
        (fault, json.dumps(dict(parameters)))
        for fault, parameters in (
            ("missing_required", [due]),
            ("wrong_value", [title]),
            ("type_mismatch", [title, due, ("hours", "Review PR")]),
            ("type_mismatch", [title, due, ("hours", "2026-11-02")]),
        )
    }


def test_a_call_without_a_place_for_both_makes_no_balanced_pairs() -> None:
    assert balanced(GOOD, random.Random(1)) == []
    bare = replace(
        GOOD, schema={"type": "object", "properties": {"tool": {"const": "ping"}}}, chosen='{"tool": "ping"}'
    )
    assert balanced(bare, random.Random(1)) == []


def _mixed(
    folder: Path,
    triplets: int,
    failures: list[str],
    share: float,
    seed: int = 1,
    *,
    typed: Any = "triplets",
    asked: Triplet = GOOD,
    decisions: float = 0.0,
) -> list[Pair]:
    questions = [replace(asked, prompt=f"{asked.prompt} {number}") for number in range(triplets)]
    decided = [replace(one, prompt=f"{one.prompt} {number}") for one in DECIDED for number in range(triplets)]
    write_lines(folder / "triplets", (question.record() for question in [*decided, *questions]))
    write_lines(folder / "mined", (pair.record() for text in failures for pair in mined(questions[0], text)))
    mix(
        folder / "triplets",
        folder / "mined",
        folder / "out",
        folder / "metrics",
        PairsParams(typed, share, decisions),
        seed,
    )
    return read_pairs(folder / "out")


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.25, 2), (0.5, 6), (0.6, 9), (0.9, 12)])
def test_mined_pairs_fill_their_share_at_most(share: float, expected: int, tmp_path: Path) -> None:
    failures = [GOOD.chosen[:-size] for size in range(1, 13)]
    pairs = _mixed(tmp_path, 6, failures, share)
    assert [pair.rejected for pair in pairs[:6]] == [GOOD.rejected] * 6
    assert len({pair.rejected for pair in pairs[6:]}) == len(pairs[6:]) == expected
    metrics = json.loads((tmp_path / "metrics").read_text())
    assert metrics == {
        "failures_found": 12,
        "decisions": {},
        "typed": {"pairs": 6, "faults": {GOOD.violation: 6}},
        "mined": {"pairs": expected, "faults": {"json_error": expected} if expected else {}},
    }


@pytest.mark.parametrize(("typed", "own", "others"), [("triplets", 2, 0), ("balanced", 0, 4), ("both", 2, 4)])
def test_typed_pairs_are_the_triplets_own_or_balanced(typed: str, own: int, others: int, tmp_path: Path) -> None:
    pairs = _mixed(tmp_path, 2, [], 0, typed=typed, asked=SPARE)
    assert [pair.rejected for pair in pairs[:own]] == [SPARE.rejected] * own
    assert len(pairs[own:]) == others
    values = [len(json.loads(pair.rejected)["parameters"]) for pair in pairs[own:]]
    assert values == [1, 3] * (others // 2)


def test_a_mistake_that_is_among_the_typed_pairs_counts_once(tmp_path: Path) -> None:
    assert [pair.rejected for pair in _mixed(tmp_path, 2, [GOOD.rejected, GOOD.chosen[:-1]], 0.5)[2:]] == [
        GOOD.chosen[:-1]
    ]


def test_a_balanced_pair_that_is_the_triplet_s_own_counts_once(tmp_path: Path) -> None:
    for seed in range(10):
        pairs = _mixed(tmp_path, 1, [], 0, seed=seed, typed="both", asked=SPARE)
        assert len({pair.rejected for pair in pairs}) == len(pairs) in (2, 3)


def test_the_seed_decides_the_mix(tmp_path: Path) -> None:
    failures = [GOOD.chosen[:-size] for size in range(1, 13)]
    assert _mixed(tmp_path, 4, failures, 0.5) == _mixed(tmp_path, 4, failures, 0.5)
    assert _mixed(tmp_path, 4, failures, 0.5) != _mixed(tmp_path, 4, failures, 0.5, seed=2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rejected": GOOD.chosen}, "rejected must have the fault enum_violation, found None"),
        ({"fault": "json_error"}, "rejected must have the fault json_error, found enum_violation"),
        ({"chosen": GOOD.rejected}, "chosen must have the fault None, found enum_violation"),
        ({"extra": 1}, f"not a pair: keys {sorted([*typed(GOOD).record(), 'extra'])}"),
    ],
)
def test_a_pair_with_a_wrong_label_is_reported(change: dict[str, object], reason: str, tmp_path: Path) -> None:
    write_lines(tmp_path / "pairs", [typed(GOOD).record(), typed(GOOD).record() | change])
    with pytest.raises(InputError) as caught:
        read_pairs(tmp_path / "pairs")
    assert str(caught.value) == f"{tmp_path / 'pairs'}:2: {reason}"


def test_a_share_of_one_takes_mined_pairs_alone(tmp_path: Path) -> None:
    failures = [GOOD.chosen[:-size] for size in range(1, 13)]
    assert [pair.rejected for pair in _mixed(tmp_path, 6, failures, 1)] == failures
    with pytest.raises(InputError, match=r"no failures were mined, expected some for pairs\.mined 1"):
        _mixed(tmp_path, 6, [], 1)
    with pytest.raises(InputError, match=r"no call has both .*: set it to triplets"):
        _mixed(tmp_path, 6, [], 0, typed="balanced")


def test_without_failures_only_typed_pairs_remain(tmp_path: Path) -> None:
    assert [pair.rejected for pair in _mixed(tmp_path, 3, [], 0.5)] == [GOOD.rejected] * 3


def test_an_invalid_triplet_makes_no_pair(tmp_path: Path) -> None:
    write_lines(tmp_path / "triplets", [GOOD.record() | {"rejected": GOOD.chosen}])
    write_lines(tmp_path / "mined", [])
    with pytest.raises(InputError, match="exactly one way, found 0"):
        mix(
            tmp_path / "triplets",
            tmp_path / "mined",
            tmp_path / "out",
            tmp_path / "m",
            PairsParams(typed="triplets", mined=0, decisions=0),
            1,
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.5, 30, 50), (1.0, 80, 80)])
def test_a_share_of_the_prompts_with_a_decision_makes_pairs(share: float, low: int, high: int, tmp_path: Path) -> None:
    pairs = _mixed(tmp_path, 20, [], 0, decisions=share)
    calls, decided = ([pair for pair in pairs if (pair.decision is None) is own] for own in (True, False))
    assert [pair.rejected for pair in calls] == [GOOD.rejected] * 20
    assert low <= len(decided) <= high
    rejected = {one.decision: one.rejected for one in DECIDED}
    assert all(pair.rejected == rejected[pair.decision] for pair in decided)
    counts = json.loads((tmp_path / "metrics").read_text())
    assert sum(counts["decisions"].values()) == len(decided)
    assert counts["typed"]["pairs"] == 20


def test_a_larger_share_has_the_pairs_of_a_smaller_one(tmp_path: Path) -> None:
    fewer, more = (_mixed(tmp_path, 20, [], 0, typed="none", decisions=share) for share in (0.3, 0.6))
    assert 0 < len(fewer) < len(more)
    assert [pair for pair in more if pair in fewer] == fewer


def test_without_hard_negatives_only_decisions_make_pairs(tmp_path: Path) -> None:
    pairs = _mixed(tmp_path, 1, [], 0, typed="none", decisions=1)
    assert [pair.decision for pair in pairs] == ["no_tool", "ask", "choose", "several"]
    with pytest.raises(InputError, match=r"no pairs to be made: set pairs\.typed to balanced, or pairs\.decisions"):
        _mixed(tmp_path, 1, [], 0, typed="none")


@pytest.mark.parametrize("name", sorted(load("decisions")["triplets"]))
def test_a_wrong_decision_of_the_model_makes_a_pair_if_it_is_proved(name: str) -> None:
    triplet = proved(load("decisions")["triplets"][name])
    assert mined(triplet, triplet.rejected) == [replace(decided(triplet), mined=True)]
    for right_or_broken in (triplet.chosen, triplet.rejected[:-1], ""):
        assert mined(triplet, right_or_broken) == []
