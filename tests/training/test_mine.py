"""Mined pairs: the model's own wrong answers."""

from pathlib import Path

import pytest

from tool_dpo.params import BatchParams, MineParams
from tool_dpo.training.mine import mine
from tool_dpo.training.pair import read_pairs
from tool_dpo.triplets.triplet import Triplet


def test_mined_pairs_are_verified_mistakes_of_the_model(
    base: Path, data: Path, triplets: list[Triplet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    params = MineParams(samples=2, temperature=1.0)
    for name in ("once", "again"):
        mine(data, base, tmp_path / name, params, 3, BatchParams(batch_size=8), seed=5)
    pairs = read_pairs(tmp_path / "once")
    assert pairs == read_pairs(tmp_path / "again")
    assert {pair.prompt for pair in pairs} == {triplet.prompt for triplet in triplets}
    assert len(triplets) < len(pairs) <= 2 * len(triplets)
    assert len({(pair.prompt, pair.rejected) for pair in pairs}) == len(pairs)
    assert {(pair.fault, pair.mined) for pair in pairs} == {("json_error", True)}
