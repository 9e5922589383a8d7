"""The BFCL benchmark: its cases become ours, and our verdicts agree with its own checker."""

import json
import random
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, get_args

import pytest

from benchmarks.bfcl.cases import cases, json_schema, triplet
from benchmarks.bfcl.check import correct
from benchmarks.bfcl.score import score
from tool_dpo.kinds import Kind
from tool_dpo.records import write_lines
from tool_dpo.report.metrics import MODELS
from tool_dpo.schema.answer import Answer
from tool_dpo.triplets.negatives import negative
from tool_dpo.triplets.triplet import proved

CASES = list(cases())
BFCL = Callable[[dict[str, Any], dict[str, Any], str, dict[str, Any]], bool]


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> BFCL:
    """BFCL's own checker, without the clients of all models that its module of settings would import."""
    settings = ModuleType("bfcl_eval.constants.model_config")
    settings.MODEL_CONFIG_MAPPING = defaultdict(lambda: SimpleNamespace(underscore_to_dot=False))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, settings.__name__, settings)
    from bfcl_eval.constants.enums import Language
    from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker

    def check(function: dict[str, Any], accepted: dict[str, Any], tool: str, values: dict[str, Any]) -> bool:
        right = {function["name"]: accepted}
        verdict = ast_checker([function], [{tool: values}], [right], Language.PYTHON, "simple_python", "any")
        return bool(verdict["valid"])

    return check


def test_all_cases_are_read_and_the_expected_call_is_strict() -> None:
    assert [sum(case["id"].startswith(name) for case in CASES) for name in ("simple_python", "multiple")] == [400, 200]
    for case in CASES:
        if case["expected"]:
            assert proved(triplet(case)).tool == case["tool"]
    left_out = [case["id"] for case in CASES if not case["expected"]]
    assert 0 < len(left_out) < 30


def variants(case: dict[str, Any], rng: random.Random) -> list[dict[str, Any]]:
    """The expected call, one with every hard negative, others with other accepted values, spelling and omissions."""
    call = json.loads(case["expected"])
    parameters = case["schema"]["properties"]["parameters"]
    broken = [negative(kind, parameters, case["schema"], call, rng, ["other"]) for kind in get_args(Kind)]
    calls = [call, *(json.loads(one.text) for one in broken if one and one.violation != "json_error")]
    for name, options in case["accepted"].items():
        for value in [*options, [], 7, 7.5, True, "x", {"a": 1}]:
            calls.append({"tool": case["tool"], "parameters": {**call["parameters"], name: value}})
        rest = {other: value for other, value in call["parameters"].items() if other != name}
        calls.append({"tool": case["tool"], "parameters": rest})
    for spell in (str.upper, lambda text: text.replace(" ", "-"), lambda text: text + "."):
        values = {name: spell(one) if isinstance(one, str) else one for name, one in call["parameters"].items()}
        calls.append({"tool": case["tool"], "parameters": values})
    return [one for one in calls if isinstance(one.get("parameters"), dict)]


def test_our_verdict_agrees_with_bfcl(theirs: BFCL) -> None:
    rng = random.Random(1)
    verdicts = defaultdict(int)
    for case in CASES:
        for call in variants(case, rng) if case["expected"] else []:
            asked = (case["function"], case["accepted"], call["tool"], call["parameters"])
            try:
                wanted = theirs(*asked)
            except (KeyError, TypeError, AttributeError):  # it takes neither texts nor objects where it expects lists
                continue
            verdicts[wanted] += 1
            assert correct(*asked) is wanted, (case["id"], call)
    assert min(verdicts[True], verdicts[False]) > 1000


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


def test_strictness_and_values_are_counted_separately(tmp_path: Path) -> None:
    asked = [case for case in CASES if case["expected"]][:3]
    wrong = json.loads(asked[1]["expected"])
    name = next(iter(wrong["parameters"]))
    wrong["parameters"][name] += 1  # strict, and not the value that was asked for
    said = {"base": ["", "I cannot", "{"], "sft": ["", json.dumps(wrong), '{"tool": 7, "parameters": {}}']}
    said["dpo"] = [asked[0]["expected"], said["sft"][1], '{"tool": "x", "parameters": []}']
    for model in MODELS:
        answers = [
            Answer(case["prompt"], case["tool"], case["schema"], case["expected"], text, text, None).record()
            for case, text in zip(asked, said[model], strict=True)
        ]
        write_lines(tmp_path / f"{model}.jsonl", answers)
    result = score([*asked, {"id": "simple_python_x", "expected": None}], tmp_path)
    assert result["excluded"] == ["simple_python_x"]
    assert [round(3 * result[model]["sspr"]["rate"]) for model in MODELS] == [0, 1, 2]
    assert [round(3 * result[model]["values"]["rate"]) for model in MODELS] == [0, 0, 1]
    assert [round(3 * result[model]["tool"]["rate"]) for model in MODELS] == [0, 1, 2]
    assert result["sft_to_dpo"]["values"] == {"gained": 1, "lost": 0, "p": 1.0, "mcnemar": 1.0}
