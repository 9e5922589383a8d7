"""Mined pairs: the model's own wrong answers."""

from pathlib import Path

import pytest

from tests.helpers import load
from tool_dpo.params import BatchParams, MineParams
from tool_dpo.records import write_lines
from tool_dpo.schema.forms import read_form
from tool_dpo.training.mine import mine
from tool_dpo.training.pair import read_pairs
from tool_dpo.triplets.triplet import Triplet, proved


def test_mined_pairs_are_verified_mistakes_of_the_model(
    base: Path, triplets: list[Triplet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    params = MineParams(samples=2, temperature=1.0)
    decided = (proved(one).record() for one in load("decisions")["triplets"].values())
    write_lines(tmp_path / "data", [*(one.record() for one in triplets), *decided])
    for name in ("once", "again"):
        mine(tmp_path / "data", base, tmp_path / name, params, 3, BatchParams(batch_size=8), seed=5)
    pairs = read_pairs(tmp_path / "once")
    assert pairs == read_pairs(tmp_path / "again")
    asked = {triplet.prompt for triplet in triplets}
    single = [pair for pair in pairs if pair.decision is None]
    assert {pair.prompt for pair in single} == asked
    assert len(triplets) < len(single) <= 2 * len(triplets)
    assert len({(pair.prompt, pair.rejected) for pair in pairs}) == len(pairs)
    assert all(pair.mined for pair in pairs)
    for pair in pairs:
        _, words = read_form(pair.rejected)
        assert words is not None or pair.fault == "json_error"
        assert pair.decision in (None, "choose") or words is None  # where words are right, none are rejected
