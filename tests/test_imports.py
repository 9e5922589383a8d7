"""What is imported: the core and `--help` do without the libraries that take seconds to load."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import tool_dpo

HEAVY = {"torch", "transformers", "trl", "peft", "openai"}


def run(*arguments: str | Path) -> tuple[str, set[str]]:
    """What a Python program prints, and the packages that it imports, at once or later."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return done.stdout, {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def modules(name: str) -> list[str]:
    """A module, and if it is a package, all the modules in it."""
    path = getattr(importlib.import_module(name), "__path__", [])
    return [name, *(found.name for found in pkgutil.walk_packages(path, f"{name}."))]


@pytest.mark.parametrize(
    "name",
    [
        "tool_dpo.tools",
        "tool_dpo.report",
        "tool_dpo.triplets.negatives",
        "tool_dpo.schema.verdict",
        "tool_dpo.models.call",
    ],
)
def test_the_core_imports_no_heavy_library(name: str) -> None:
    _, imported = run("-c", f"import {', '.join(modules(name))}")
    assert "tool_dpo" in imported
    assert imported & HEAVY == set()


def test_the_package_itself_imports_nothing() -> None:
    text, imported = run("-c", "import tool_dpo; print(tool_dpo.__all__)")
    assert "ToolCaller" in text
    assert imported & (HEAVY | {"ruamel", "jsonschema_rs", "pydantic"}) == set()


def test_the_package_has_what_it_names_and_no_more() -> None:
    assert all(hasattr(tool_dpo, name) for name in tool_dpo.__all__)
    with pytest.raises(AttributeError, match=r"^module 'tool_dpo' has no attribute 'Nothing'$"):
        tool_dpo.Nothing  # noqa: B018


def test_help_imports_no_heavy_library() -> None:
    text, imported = run(Path(sys.executable).with_name("tool-dpo"), "--help")
    assert "Train and use models whose tool calls follow" in text
    assert "typer" in imported
    assert imported & HEAVY == set()
