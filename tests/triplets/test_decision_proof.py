"""Decision triplets: a file is read only if the rejected answer is strict calls, and wrong only as it is stated."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import changed, load, params_of
from tool_dpo.errors import InputError
from tool_dpo.triplets.triplet import proved, read_triplets

CASES = load("decisions")
TRIPLETS: dict[str, dict[str, Any]] = CASES["triplets"]


@pytest.mark.parametrize("decision", TRIPLETS)
def test_what_a_triplet_does_not_state_is_worked_out(decision: str) -> None:
    assert proved(TRIPLETS[decision]).record() == TRIPLETS[decision] | CASES["found"][decision]


@pytest.mark.parametrize("decision", TRIPLETS)
def test_what_was_written_is_read_again(decision: str) -> None:
    triplet = proved(TRIPLETS[decision])
    assert triplet.decides
    assert proved(triplet.record()) == triplet


@pytest.mark.parametrize("case", CASES["faults"], ids=lambda case: f"{case['violation']} at {case['path']}")
def test_what_is_wrong_with_several_calls_is_found(case: dict[str, str]) -> None:
    triplet = proved(TRIPLETS[case["decision"]] | {"rejected": case["rejected"]})
    assert (triplet.violation, triplet.path) == (case["violation"], case["path"])


@pytest.mark.parametrize("case", params_of(CASES["cases"]))
def test_a_tampered_triplet_is_reported_with_its_line(case: dict[str, Any], tmp_path: Path) -> None:
    good = TRIPLETS[case["decision"]]
    path = tmp_path / "triplets.jsonl"
    path.write_text(f"{json.dumps(good)}\n{json.dumps(changed(good, case['set']))}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        list(read_triplets(path))
    assert str(caught.value) == f"{path}:2: {case['error']}"


def test_a_decision_to_call_is_proved_as_a_plain_call() -> None:
    good = load("triplets")["triplet"]
    triplet = proved(good | {"decision": "call"})
    assert not triplet.decides
    assert triplet.record() == proved(good).record() | {"decision": "call"}
