"""No bytes make a parser do anything but read them or refuse them in one line. See tests/fuzz."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.mutations import mutate
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import CASES, TARGETS, check

KEPT = sorted((CASES / "fuzz").glob("*/*"))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_crashed_once_does_no_more(path: Path) -> None:
    assert check(path.parent.name, path.read_bytes()) is None


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_are_read(name: str) -> None:
    assert seeds(name)
    assert [check(name, seed) for seed in seeds(name)] == [None] * len(seeds(name))


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=25)  # the nightly run of tests.fuzz makes thousands
@given(index=st.integers(0, 1000), seed=st.integers(0, 2**32))
def test_mutations_are_read_or_refused(name: str, index: int, seed: int) -> None:
    known = seeds(name)
    assert check(name, mutate(known[index % len(known)], Random(seed))) is None


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=25)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    assert check(name, data) is None
