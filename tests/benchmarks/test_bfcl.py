"""The BFCL benchmark: its cases become ours, its own checker judges the calls, and any model folder can be scored."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bfcl.cases import CATEGORIES, asked, cases, json_schema, triplet
from benchmarks.bfcl.check import correct
from benchmarks.bfcl.compare import compare
from benchmarks.bfcl.score import Said, score, too_long
from tests.helpers import ROOT, changed, load, params_of, params_with_tiny
from tool_dpo.formats.plain import Plain
from tool_dpo.records import read_json, write_lines
from tool_dpo.schema.answer import Answer, read_answers
from tool_dpo.triplets.triplet import proved

BFCL = load("bfcl")


@cache
def all_cases() -> dict[str, dict[str, Any]]:
    return {case["id"]: case for case in cases()}


def some(count: int) -> list[dict[str, Any]]:
    """So many cases of each category."""
    return [all_cases()[f"{category}_{number}"] for category in CATEGORIES for number in range(count)]


def calls_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The expected calls."""
    expected = json.loads(case["expected"])
    return expected if isinstance(expected, list) else [expected]


def answered(case: dict[str, Any], document: Any) -> Answer:
    """What a model says in the plain format."""
    text = json.dumps(document)
    read = Plain().read(text)
    kept = (case["prompt"], case["tool"], case["schema"], case["expected"])
    return Answer(*kept, text, read.call, read.found, case["decision"], None, case["tools"])


def says(model: dict[str, Any], those: Iterable[dict[str, Any]]) -> list[Said]:
    """The answers of a model of the cases file."""
    said = []
    for case in those:
        document = model["says"]
        if document == "expected":
            document = json.loads(case["expected"])
        elif document == "first":
            document = {"tool": case["tool"], "parameters": {}} if case["decision"] == "no_tool" else calls_of(case)[0]
        said.append((case, answered(case, document)))
    return said


def test_every_case_is_a_proved_triplet_with_an_answer_that_bfcl_accepts() -> None:
    counts = {"simple_python": 400, "multiple": 200, "parallel": 200, "parallel_multiple": 200, "irrelevance": 240}
    assert Counter(case["category"] for case in all_cases().values()) == counts
    for case in asked([*all_cases().values()]):
        made = proved(triplet(case))
        assert (made.tool, made.decision) == (case["tool"], case["decision"])
        assert case["decision"] == "no_tool" or correct(case, calls_of(case)), case["id"]


def test_only_cases_without_a_strict_right_answer_are_left_out() -> None:
    left_out = [case["id"] for case in all_cases().values() if case["expected"] is None]
    assert left_out == ["parallel_multiple_21", "parallel_multiple_94"]  # code for a list, and texts for numbers


@pytest.mark.parametrize("case", params_of(BFCL["checks"]))
def test_calls_are_right_by_the_rules_of_bfcl(case: dict[str, Any]) -> None:
    bfcl = all_cases()[case["case"]]
    calls = changed(calls_of(bfcl), case.get("change", {}))
    calls = [calls[index] for index in case.get("order", range(len(calls)))]
    assert correct(bfcl, calls) is case["right"]


def test_types_become_json_schema_types_at_every_depth() -> None:
    theirs = {
        "type": "dict",
        "properties": {
            "type": {"type": "float"},
            "some": {"type": "tuple", "items": {"type": "dict", "properties": {}}},
        },
        "required": ["type"],
    }
    assert json_schema(theirs) == {
        "type": "object",
        "properties": {
            "type": {"type": "number"},
            "some": {"type": "array", "items": {"type": "object", "properties": {}}},
        },
        "required": ["type"],
    }


@pytest.mark.parametrize("model", params_of(BFCL["models"]))
def test_a_model_gets_the_rates_of_what_it_says(model: dict[str, Any]) -> None:
    result = score(says(model, some(3)))
    rates = {
        name: {rate: one["rate"] for rate, one in group.items() if isinstance(one, dict) and "rate" in one}
        for name, group in result.items()
        if name != "said"
    }
    assert rates == model["rates"]
    assert {name: result[name]["n"] for name in rates} == dict.fromkeys(rates, 3) | {"simple_and_multiple": 6}
    assert {asked_for: sum(row.values()) for asked_for, row in result["said"].items()} == {
        "call": 3, "choose": 3, "several": 6, "no_tool": 3, "ask": 0
    }  # fmt: skip


def test_a_strict_call_may_have_wrong_values() -> None:
    case = all_cases()["simple_python_0"]
    result = score([(case, answered(case, changed(calls_of(case), {"0.parameters.height": 6})[0]))])["simple_python"]
    assert (result["sspr"]["rate"], result["values"]["rate"]) == (1, 0)


def test_the_interval_of_call_free_answers_is_that_of_over_calls_turned_round() -> None:
    calling, declining = (says(model, some(3)[-3:]) for model in BFCL["models"][:0:-1])
    found = score([calling[0], *declining[1:]])["irrelevance"]
    for end, other in (("rate", "rate"), ("low", "high"), ("high", "low")):
        assert found["call_free"][end] == pytest.approx(1 - found["over_call"][other], abs=1e-4)


def test_models_are_compared_in_each_group() -> None:
    right, declines, once = (says(model, some(3)) for model in BFCL["models"])
    tests = compare(declines, right)
    assert {name: (one["sspr"]["gained"], one["values"]["gained"]) for name, one in tests.items() if "sspr" in one} == {
        "simple_and_multiple": (6, 6), "simple_python": (3, 3), "multiple": (3, 3), "parallel": (3, 3),
        "parallel_multiple": (3, 3),
    }  # fmt: skip
    assert tests["parallel"]["all_calls"]["gained"] == 3
    assert (compare(right, once)["irrelevance"]["over_call"]["gained"], tests["irrelevance"].keys()) == (
        3,
        {"over_call"},
    )


def run_module(folder: Path, module: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the cases and triplets of three cases of each category, and the params of the tiny model."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "params.yaml").write_text(params_with_tiny())
    left_out = all_cases()["parallel_multiple_21"]
    write_lines(tmp_path / "cases.jsonl", [*some(3), left_out])
    write_lines(tmp_path / "triplets.jsonl", map(triplet, some(3)))
    return tmp_path


def test_any_model_folder_is_asked_and_scored(folder: Path, base: Path) -> None:
    out = "answers/sft.jsonl"
    assert run_module(folder, "benchmarks.bfcl.answer", "triplets.jsonl", base, out).returncode == 0
    assert run_module(folder, "benchmarks.bfcl.score", "cases.jsonl", out, base, "scores/sft.json").stderr == ""
    assert len(read_answers(folder / out)) == 15
    for name in ("base", "dpo"):
        shutil.copy(folder / out, folder / f"answers/{name}.jsonl")
        shutil.copy(folder / "scores/sft.json", folder / f"scores/{name}.json")
    alone = read_json(folder / "scores/sft.json")
    assert (alone["too_long"], alone["irrelevance"]["n"]) == (0, 3)
    compared = run_module(folder, "benchmarks.bfcl.compare", "cases.jsonl", "answers", "scores", "metrics.json")
    assert compared.stderr == ""
    metrics = read_json(folder / "metrics.json")
    assert metrics["excluded"] == ["parallel_multiple_21"]
    assert metrics["sft"] == alone
    assert metrics["sft_to_dpo"]["multiple"]["values"] == {"gained": 0, "lost": 0, "p": 1.0, "mcnemar": 1.0}


def test_prompts_longer_than_the_models_max_length_are_counted(base: Path, tmp_path: Path) -> None:
    shutil.copytree(base, tmp_path / "short")
    weights = read_json(base / "weights.json")
    (tmp_path / "short/weights.json").write_text(json.dumps(weights | {"max_length": 1}))
    assert (too_long(some(3), base), too_long(some(3), tmp_path / "short")) == (0, 15)


def test_answers_to_other_requests_are_refused(folder: Path, base: Path) -> None:
    write_lines(folder / "said.jsonl", (answer.record() for _, answer in says(BFCL["models"][0], some(2))))
    result = run_module(folder, "benchmarks.bfcl.score", "cases.jsonl", "said.jsonl", base, "out.json")
    expected = "said.jsonl: expected an answer to each request of cases.jsonl, in its order"
    assert (result.returncode, result.stderr.strip()) == (1, expected)
    assert not (folder / "out.json").exists()


@pytest.mark.parametrize("name", BFCL["trained on"])
def test_a_case_in_the_training_data_is_found(name: str, folder: Path) -> None:
    """A case that is trained on shares its tools, their schemas and its words with itself alone."""
    trained = all_cases()[name]
    write_lines(folder / "sft.jsonl", [triplet(trained)])
    write_lines(folder / "preference.jsonl", [triplet(trained)])
    paths = ("triplets.jsonl", "sft.jsonl", "preference.jsonl", "contamination.json")
    assert run_module(folder, "benchmarks.bfcl.contamination", *paths).stderr == ""
    found = read_json(folder / "contamination.json")
    assert found == {"held_out": 15, "same_tool": 1, "same_schema": 1, "same_request_words": 1}
