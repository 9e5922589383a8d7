"""Each dvc.yaml, the benchmarks' too, names exactly the code that a stage imports and the params that it reads."""

import ast
import sys
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml

from tests.helpers import ROOT

GRAPH = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES = [
    pytest.param(stage, id=f"{path.parent.relative_to(ROOT)}:{name}")
    for path in (ROOT / "dvc.yaml", *sorted(ROOT.glob("benchmarks/*/dvc.yaml")))
    for name, stage in yaml.safe_load(path.read_text())["stages"].items()
]
PACKAGES = ("tool_dpo", "stages", "benchmarks")
NO_OUTPUT = {"tool_dpo.errors", "tool_dpo.params"}
"""Code that changes no output: how a program ends, and how params.yaml is read, whose values DVC follows itself."""


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    sys.path.insert(0, str(ROOT))
    try:
        return grimp.build_graph(*PACKAGES, cache_dir=None)
    finally:
        sys.path.remove(str(ROOT))


@pytest.mark.parametrize("stage", STAGES)
def test_code_deps_are_the_import_closure(stage: dict[str, Any], imports: grimp.ImportGraph) -> None:
    declared = {dep for dep in stage["deps"] if dep.endswith(".py")}
    assert declared == set(map(_file, _closure(_module(stage), imports)))


def _module(stage: dict[str, Any]) -> str:
    """The module that a stage runs."""
    words: list[str] = stage["cmd"].split()
    assert words[:2] == ["python", "-m"]
    return words[2]


def _file(module: str) -> str:
    return f"{module.replace('.', '/')}.py"


def _closure(module: str, imports: grimp.ImportGraph) -> set[str]:
    """The modules that decide what a module computes: itself and what it imports, at any remove."""
    found: set[str] = set()
    left = {module}
    while left:
        found |= left
        left = {one for name in left for one in imports.find_modules_directly_imported_by(name)} - found - NO_OUTPUT
    return {name for name in found if (ROOT / _file(name)).exists()}


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_those_read(stage: dict[str, Any]) -> None:
    assert set(stage.get("params", [])) == _read(ROOT / _file(_module(stage)))


def _read(script: Path) -> set[str]:
    """The params keys that a script reads from what `load_params()` returned, in every script named `params`."""
    keys = set()
    text = script.read_text()
    assert text.count("load_params()") == text.count(" params = load_params()\n")
    tree = ast.parse(text)
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in inner:
            name, *attributes = ast.unparse(node).split(".")
            if name == "params" and attributes[0] == "chosen":
                keys |= {"model", f"models.${{model}}.{attributes[1]}"}
            elif name == "params":
                keys.add(".".join(attributes))
    return keys


@pytest.mark.parametrize("init", [path for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")])
def test_packages_hold_no_code_of_their_own(init: Path) -> None:
    """They run on every import, yet no stage names them. The topmost one has the public names, imported when used."""
    body = ast.parse(init.read_text()).body
    names = [ast.ImportFrom, ast.ImportFrom, ast.If, ast.Assign, ast.Assign, ast.FunctionDef]
    assert [type(node) for node in body] == [ast.Expr, *(names if init == ROOT / "tool_dpo/__init__.py" else [])]


def test_every_stage_that_trains_or_answers_has_a_run_cache() -> None:
    """An out that persists, or is not cached, turns it off: then going back to earlier settings trains again."""
    for name in ("sft", "mine", "dpo", "answer"):
        assert all(isinstance(out, str) for out in GRAPH["stages"][name]["outs"])


def test_nothing_persists() -> None:
    assert "persist" not in (ROOT / "dvc.yaml").read_text()


def test_every_key_of_params_is_used_by_a_stage() -> None:
    """But for the other models' settings, and those that only benchmarks read."""
    used = {param for stage in STAGES for param in stage.values[0].get("params", [])}
    document = yaml.safe_load((ROOT / "params.yaml").read_text())
    keys = document.keys() - {"models"} | {f"models.${{model}}.{key}" for key in document["models"]["smollm2-135m"]}
    assert {key for key in keys if not any(param == key or param.startswith(f"{key}.") for param in used)} == set()
