"""The preference benchmark: its requests to each held-out tool, the study on the tiny model, and its tables."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.preference import study
from benchmarks.preference.study import GRID, Row
from benchmarks.preference.table import changes, levels
from tests.helpers import ROOT, load, params_with_tiny
from tool_dpo.errors import InputError
from tool_dpo.params import load_params
from tool_dpo.records import write_lines
from tool_dpo.schema.answer import Answer
from tool_dpo.schema.calls import call_schema
from tool_dpo.tools.tool import read_tools
from tool_dpo.triplets.split import held_out
from tool_dpo.triplets.triplet import read_triplets


def test_each_held_out_tool_gets_requests_of_every_decision(tmp_path: Path) -> None:
    outs = {name: tmp_path / f"{name}.jsonl" for name in ("validation", "test")}
    files = ["data/tools", "data/small_talk.txt", *map(str, outs.values())]
    subprocess.run([sys.executable, "-m", "benchmarks.preference.requests", *files], cwd=ROOT, check=True)
    params = load_params(ROOT / "params.yaml")
    names = [tool.name for tool in read_tools(ROOT / "data/tools")]
    part_of = {tool: held_out(tool, params.split, params.seed) for tool in names}
    for name, path in outs.items():
        made = list(read_triplets(path))
        expected = {tool for tool in names if part_of[tool] == name}
        each = {None: 2, "ask": 1, "choose": 1, "several": 1}
        assert Counter((one.tool, one.decision) for one in made if one.decision != "no_tool") == {
            (tool, decision): count for tool in expected for decision, count in each.items()
        }
        wrong = [one.tool for one in made if one.decision == "no_tool"]  # of the tools listed, the likeliest
        assert len(wrong) == len(expected)
        assert set(wrong) <= expected
        assert len({one.prompt for one in made}) == len(made)
        listed = {one["function"]["name"] for triplet in made for one in json.loads(triplet.tools)}
        assert {part_of[tool] for tool in listed} == {name}


SMALL = {
    "triplets: 802": "triplets: 60",
    "variants: 2 ": "variants: 0 ",
    "preference: 0.06": "preference: 0.4",
    "max_new_tokens: 224": "max_new_tokens: 4",
}


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of six files of tools, with the tiny model; two rows of the grid, and one more seed."""
    (tmp_path / "data/tools").mkdir(parents=True)
    for path in sorted((ROOT / "data/tools").glob("*.json"))[:6]:
        shutil.copy(path, tmp_path / "data/tools")
    shutil.copy(ROOT / "data/small_talk.txt", tmp_path / "data")
    text = params_with_tiny()
    for old, new in SMALL.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "params.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(study, "GRID", [Row("some", "none"), Row("some", "both")])
    monkeypatch.setattr(study, "MORE_SEEDS", (1,))
    return tmp_path


def _study(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["study", *arguments])
    study.main()


def test_the_study_runs_on_the_tiny_model_and_continues(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _study(monkeypatch, "--model", "tiny", "--finalists", "some-both", "--test")
    printed = capsys.readouterr().out
    results = small / "benchmarks/preference/study/tiny"
    names = {str(path.relative_to(results)) for path in results.rglob("*.json")}
    rows = (
        "validation/some-none",
        "validation/some-both",
        "validation/some-both-1",
        "test/some-none",
        "test/some-both",
    )
    assert names == {f"{row}.json" for row in rows}
    for row in rows:
        result = json.loads((results / f"{row}.json").read_text())
        assert ("sft_to_dpo" in result) == ("both" in row)
        assert all(result["cost"][part]["gb"] > 0.1 for part in ("training", "answers"))
        assert f"\n| {Path(row).name} |" in printed
    assert result["sft"] == json.loads((results / "test/some-none.json").read_text())["sft"]

    runs = small / "benchmarks/preference/runs/tiny"
    trained = {path: path.stat().st_mtime_ns for path in runs.glob("*/*/model-cost.json")}
    assert len(trained) == 3
    before = (results / "test/some-both.json").read_text()
    (results / "test/some-both.json").unlink()
    _study(monkeypatch, "--model", "tiny", "--finalists", "some-both", "--test")
    assert (results / "test/some-both.json").read_text() == before
    assert {path: path.stat().st_mtime_ns for path in runs.glob("*/*/model-cost.json")} == trained

    (small / "params.yaml").write_text((small / "params.yaml").read_text().replace("beta: ", "beta: 0.5", 1))
    monkeypatch.setattr(study, "_make_data", lambda data, model: study._write_params(data, model, {}))
    with pytest.raises(InputError, match="recorded with other settings, requests or training data"):
        _study(monkeypatch, "--model", "tiny")


@pytest.mark.usefixtures("small")
def test_an_unknown_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    told = "--model: 'huge' is not in params.yaml, expected one of smollm2-135m, .*tiny"
    with pytest.raises(InputError, match=told):
        _study(monkeypatch, "--model", "huge")


def test_all_rows_of_a_model_are_asked_alike(small: Path) -> None:
    """The prompt says that words are allowed, whatever params.yaml says of the model that the pipeline trains."""
    text = (small / "params.yaml").read_text()
    told = "      descriptions: none\n"
    assert told in text
    (small / "params.yaml").write_text(text.replace(told, f"{told}      decisions: false\n", 1))
    study._write_params(small / "row", "tiny", {})
    assert load_params(small / "row/params.yaml").models["tiny"].template["decisions"] is True


def test_finalists_are_the_rows_with_the_best_rates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rate counts as much as any other, and a call that should not be made counts against a row."""
    names = ("sspr_of_single_calls", "call_recall", "asked_rightly", "tool_chosen", "all_calls")
    one = {name: {"rate": 0.5} for name in names}

    def summary(sspr: float, over_call: float) -> dict[str, Any]:
        return {"sspr": {"rate": sspr}, "exact": {"rate": 0.5}, "decisions": {**one, "over_call": {"rate": over_call}}}

    results = {row.name: {"sft": summary(0.5, 0.5)} for row in GRID}
    results["some-schema"] = {"sft": summary(0.9, 0), "dpo": summary(0.6, 0.5)}
    results["none-both"] = {"sft": summary(0.1, 1), "dpo": summary(0.5, 0.3)}
    results["none-none"] = {"sft": summary(0.9, 0.99)}
    for name, result in results.items():
        (tmp_path / "validation").mkdir(exist_ok=True)
        (tmp_path / f"validation/{name}.json").write_text(json.dumps(result))
    assert study.best(tmp_path) == ["none-both", "some-schema"]


def test_the_study_prints_recorded_results(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [ROOT / f"benchmarks/preference/study/earlier/{name}.json" for name in ("balanced-ipo-1", "default")]
    _, sft, ipo, earlier_sft, default = levels(paths)
    assert [sft[0], sft[3], earlier_sft[0], earlier_sft[3]] == [
        "SFT alone",
        "58.1% (52.5% to 63.4%)",
        "SFT alone",
        "46.8% (41.3% to 52.3%)",
    ]
    assert ipo[:3] == ["balanced-ipo-1", "310", "88.4% (84.3% to 91.5%)"]
    assert default[0] == "default"
    _, _, ipo, *_ = changes(paths)
    assert ipo == ["balanced-ipo-1", "7, 23 (McNemar 0.0052)", "7, 31 (McNemar 0.00012)", *[""] * 6, "20.5", "", ""]


def test_both_models_are_compared_over_tools(tmp_path: Path) -> None:
    """Five requests to one tool are gained, which is no difference between models; and the study prints that."""
    schema = call_schema("create_task", load("answers")["parameters"])
    right = load("answers")["expected"]
    for name, text in (("sft", "no"), ("dpo", right)):
        said = [Answer(f"prompt {n}", "create_task", schema, right, text, text, text).record() for n in range(5)]
        write_lines(tmp_path / f"{name}.jsonl", said)
    paths = [str(tmp_path / name) for name in ("sft.jsonl", "dpo.jsonl", "new.json")]
    subprocess.run([sys.executable, "-m", "benchmarks.preference.score", *paths], cwd=ROOT, check=True)
    _, sft, new = levels([tmp_path / "new.json"])
    assert [sft[2], new[2]] == ["0.0% (0.0% to 79.3%)", "100.0% (20.6% to 100.0%)"]
    assert changes([tmp_path / "new.json"])[2][1:3] == ["5, 0 (p 1, McNemar 0.062)"] * 2
