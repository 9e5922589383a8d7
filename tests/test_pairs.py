"""Pairs: what is wrong with a rejected answer, and how typed and mined ones are mixed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import load
from tool_dpo.errors import InputError
from tool_dpo.pairs import Pair, fault, mined, mix, read_pairs, typed
from tool_dpo.params import PairsParams
from tool_dpo.records import write_lines
from tool_dpo.schema import call_schema
from tool_dpo.triplets import Triplet, proved

GOOD = proved(load("triplets")["triplet"])
CALL = json.loads(GOOD.chosen)
OTHER = {**CALL, "parameters": {**CALL["parameters"], "title": "Another"}}
SPARE = proved(
    {
        "prompt": "Create 'Review PR', due 2026-11-02.",
        "schema": call_schema(
            "create_task",
            {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("title", "due", "notes", "owner")},
                "required": ["title"],
            },
        ),
        "chosen": json.dumps({"tool": "create_task", "parameters": {"title": "Review PR", "due": "2026-11-02"}}),
        "rejected": json.dumps({"tool": "create_task", "parameters": {"due": "2026-11-02"}}),
    }
)
LESS, MORE, MISSING, INVENTED = (
    json.dumps({"tool": "create_task", "parameters": parameters})
    for parameters in (
        {"title": "Review PR"},
        {"title": "Review PR", "due": "2026-11-02", "notes": "Review PR"},
        {"due": "2026-11-02"},
        {"title": "Review PR", "due": "2026-11-02", "day": "2026-11-02"},
    )
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
    pair = mined(GOOD, text)
    assert (pair and pair.fault) == expected
    assert pair is None or (pair.chosen, pair.rejected, pair.mined) == (GOOD.chosen, text, True)


def _mixed(
    folder: Path,
    triplets: int,
    failures: list[str],
    share: float,
    seed: int = 1,
    *,
    wrong_values: Any = "all",
    asked: Triplet = GOOD,
) -> list[Pair]:
    write_lines(folder / "triplets", (asked.record() for _ in range(triplets)))
    write_lines(folder / "mined", (pair.record() for text in failures if (pair := mined(asked, text))))
    mix(
        folder / "triplets",
        folder / "mined",
        folder / "out",
        folder / "metrics",
        PairsParams(share, wrong_values),
        seed,
    )
    return read_pairs(folder / "out")


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.25, 2), (0.5, 6), (0.6, 9), (0.9, 12)])
def test_mined_pairs_fill_their_share_at_most(share: float, expected: int, tmp_path: Path) -> None:
    failures = [GOOD.chosen[:-size] for size in range(1, 13)]
    pairs = _mixed(tmp_path, 6, failures, share)
    assert pairs[:6] == [typed(GOOD)] * 6
    assert len({pair.rejected for pair in pairs[6:]}) == len(pairs[6:]) == expected
    metrics = json.loads((tmp_path / "metrics").read_text())
    assert metrics == {
        "failures_found": 12,
        "typed": {"pairs": 6, "faults": {GOOD.violation: 6}},
        "mined": {"pairs": expected, "faults": {"json_error": expected} if expected else {}},
    }


@pytest.mark.parametrize(("wrong_values", "faults"), [("all", ["json_error", "wrong_value"]), ("none", ["json_error"])])
def test_wrong_values_can_be_left_out(wrong_values: str, faults: list[str], tmp_path: Path) -> None:
    failures = [GOOD.chosen[:-1], json.dumps(OTHER)]
    assert [pair.fault for pair in _mixed(tmp_path, 6, failures, 1, wrong_values=wrong_values)] == faults


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ([SPARE.chosen[:-1]], []),
        ([MISSING], [MORE]),
        ([MISSING, MISSING], [MORE, MORE]),
        ([MISSING] * 4, [MORE, MORE]),
        ([INVENTED], [LESS]),
        ([INVENTED, MISSING], []),
    ],
)
def test_wrong_values_balance_answers_that_say_too_little_and_too_much(
    broken: list[str], expected: list[str], tmp_path: Path
) -> None:
    wrong = [SPARE.chosen.replace("Review", "Read"), MORE, MORE, LESS]
    pairs = _mixed(tmp_path, 1, [*broken, *wrong], 1, wrong_values="balance", asked=SPARE)
    assert [pair.rejected for pair in pairs] == [*broken, *expected]


def test_the_seed_chooses(tmp_path: Path) -> None:
    failures = [GOOD.chosen[:-size] for size in range(1, 13)]
    assert _mixed(tmp_path, 4, failures, 0.5) == _mixed(tmp_path, 4, failures, 0.5)
    assert _mixed(tmp_path, 4, failures, 0.5) != _mixed(tmp_path, 4, failures, 0.5, seed=2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rejected": GOOD.chosen}, "rejected must have the fault enum_violation, found None"),
        ({"fault": "json_error"}, "rejected must have the fault json_error, found enum_violation"),
        ({"chosen": GOOD.rejected}, "chosen must have the fault None, found enum_violation"),
        ({"extra": 1}, "not a pair: keys ['chosen', 'extra', 'fault', 'mined', 'prompt', 'rejected', 'schema']"),
    ],
)
def test_a_pair_that_is_not_what_it_says_is_named(change: dict[str, object], reason: str, tmp_path: Path) -> None:
    write_lines(tmp_path / "pairs", [typed(GOOD).record(), typed(GOOD).record() | change])
    with pytest.raises(InputError) as caught:
        read_pairs(tmp_path / "pairs")
    assert str(caught.value) == f"{tmp_path / 'pairs'}:2: {reason}"


def test_a_share_of_one_takes_mined_pairs_alone(tmp_path: Path) -> None:
    failures = [GOOD.chosen[:-size] for size in range(1, 13)]
    assert [pair.rejected for pair in _mixed(tmp_path, 6, failures, 1)] == failures
    with pytest.raises(InputError, match=r"no failures were mined, expected some for pairs\.mined 1"):
        _mixed(tmp_path, 6, [], 1)


def test_no_failures_leave_the_typed_pairs(tmp_path: Path) -> None:
    assert _mixed(tmp_path, 3, [], 0.5) == [typed(GOOD)] * 3


def test_a_triplet_without_its_promise_makes_no_pair(tmp_path: Path) -> None:
    write_lines(tmp_path / "triplets", [GOOD.record() | {"rejected": GOOD.chosen}])
    write_lines(tmp_path / "mined", [])
    with pytest.raises(InputError, match="exactly one way, found 0"):
        mix(
            tmp_path / "triplets",
            tmp_path / "mined",
            tmp_path / "out",
            tmp_path / "m",
            PairsParams(mined=0, wrong_values="all"),
            1,
        )
    assert not (tmp_path / "out").exists()
