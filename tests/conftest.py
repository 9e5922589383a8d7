"""Settings of all tests, and the two-layer random model and the few triplets that tests of models and training share.

HYPOTHESIS_PROFILE=nightly makes the property tests try more examples. Each test that trains uses one thread.
"""

import contextlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings

from tests.helpers import PARAMS, ROOT, TINY
from tool_dpo.models.weights import prepare
from tool_dpo.params import ModelParams
from tool_dpo.records import write_lines
from tool_dpo.tools.tool import read_tools
from tool_dpo.training.pairs import typed
from tool_dpo.training.sft import train_sft
from tool_dpo.triplets.generate import generate
from tool_dpo.triplets.triplet import Triplet

settings.register_profile("ordinary", max_examples=200, deadline=None)
settings.register_profile("nightly", max_examples=10_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ordinary"))

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side, and the tiny model is no faster with more


@pytest.fixture(scope="session")
def tiny() -> ModelParams:
    return TINY


@pytest.fixture(scope="session")
def base(tiny: ModelParams, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder for the untrained tiny model."""
    folder = tmp_path_factory.mktemp("models") / "base"
    prepare(tiny.weights, folder, tiny.format, tiny.template)
    return folder


@pytest.fixture(scope="session")
def plain_base(tiny: ModelParams, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in the plain format."""
    folder = tmp_path_factory.mktemp("models") / "plain"
    prepare(tiny.weights, folder)
    return folder


@pytest.fixture(scope="session")
def triplets() -> list[Triplet]:
    params = replace(PARAMS.generate, triplets=160, variants=0, decisions={})
    return list(generate(read_tools(ROOT / "data/tools"), params, seed=1))[:40]


@pytest.fixture(scope="session")
def data(triplets: list[Triplet], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "triplets.jsonl"
    write_lines(path, (triplet.record() for triplet in triplets))
    return path


@pytest.fixture(scope="session")
def pairs(data: Path, triplets: list[Triplet]) -> Path:
    path = data.with_name("pairs.jsonl")
    write_lines(path, (typed(triplet).record() for triplet in triplets))
    return path


@pytest.fixture(scope="session")
def sft(tiny: ModelParams, base: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sft")
    with contextlib.chdir(folder):
        train_sft(data, base, folder / "sft", folder / "sft.csv", replace(tiny.sft, batch_size=4, epochs=2), seed=3)
    return folder / "sft"
