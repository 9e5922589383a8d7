"""requirements/ pins all that pyproject.toml asks for, and what that needs in turn, each with hashes."""

import re
import tomllib
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.helpers import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUP = ("build", "dev", "torch")  # and torch-cpu instead of torch, where pip finds it
PIN = re.compile(r"([\w.-]+)==([\w.+]+)(?: ; [^\\]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n")


def pins(*files: str) -> dict[str, str]:
    text = "".join((ROOT / "requirements" / f"{name}.txt").read_text() for name in files)
    return {canonicalize_name(name): pinned for name, pinned in PIN.findall(text)}


def unfit(requirements: list[Requirement], pinned: dict[str, str]) -> list[str]:
    """The requirements that no pin satisfies."""
    found = [(each, pinned.get(canonicalize_name(each.name))) for each in requirements]
    return [f"{each}, pinned: {pin}" for each, pin in found if pin is None or not each.specifier.contains(pin)]


def needed(requirement: Requirement, seen: dict[str, Requirement]) -> None:
    """Collect what an installed package needs on this machine, directly or not."""
    for each in map(Requirement, requires(requirement.name) or []):
        extras = requirement.extras or {""}
        if str(each) not in seen and (not each.marker or any(each.marker.evaluate({"extra": it}) for it in extras)):
            seen[str(each)] = each
            needed(each, seen)


@pytest.mark.parametrize("file", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda file: file.stem)
def test_every_line_is_a_version_with_hashes(file: Path) -> None:
    assert PIN.sub("", file.read_text()) == ""


@pytest.mark.parametrize(
    ("asked", "files"),
    [
        (PROJECT["build-system"]["requires"], ("build",)),
        (PROJECT["project"]["dependencies"], SETUP),
        (PROJECT["dependency-groups"]["alone"], SETUP),
        *(
            (asked, (*SETUP, extra) if extra in {"gpu", "fuzz"} else SETUP)
            for extra, asked in PROJECT["project"]["optional-dependencies"].items()
        ),
    ],
)
def test_what_the_project_asks_for_is_pinned(asked: list[str], files: tuple[str, ...]) -> None:
    assert unfit(list(map(Requirement, asked)), pins(*files)) == []


def test_what_that_needs_is_pinned_and_installed() -> None:
    found: dict[str, Requirement] = {}
    needed(Requirement("tool-dpo[dev]"), found)
    pinned = pins(*SETUP)
    assert len(found) > 100
    assert unfit(list(found.values()), pinned) == []
    names = {canonicalize_name(each.name) for each in found.values()}
    assert [name for name in names if not SpecifierSet(f"=={pinned[name]}").contains(version(name))] == []


def test_both_builds_of_torch_are_of_one_version() -> None:
    assert pins("torch-cpu")["torch"] == pins("torch")["torch"] + "+cpu"


def test_actions_are_pinned_by_commit() -> None:
    text = "".join(file.read_text() for file in (ROOT / ".github/workflows").glob("*.yml"))
    assert re.findall(r"uses: (?!\S+@[0-9a-f]{40}\s)\S+", text) == []
    assert "uses: " in text
