"""The two-layer random model and a few triplets, for tests that train."""

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers import ROOT
from tool_dpo.models.weights import prepare
from tool_dpo.params import ModelParams, load_params
from tool_dpo.records import write_lines
from tool_dpo.tools.tool import read_tools
from tool_dpo.training.pairs import typed
from tool_dpo.training.sft import train_sft
from tool_dpo.triplets.generate import generate
from tool_dpo.triplets.triplet import Triplet

PARAMS = load_params(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def tiny() -> ModelParams:
    return PARAMS.models["tiny"]


@pytest.fixture(scope="session")
def base(tiny: ModelParams, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder for the untrained tiny model."""
    folder = tmp_path_factory.mktemp("models") / "base"
    prepare(tiny.weights, folder)
    return folder


@pytest.fixture(scope="session")
def triplets() -> list[Triplet]:
    return list(generate(read_tools(ROOT / "data/tools"), replace(PARAMS.generate, triplets=160, variants=0), seed=1))[
        :40
    ]


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
