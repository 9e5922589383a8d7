"""The preference benchmark: five requests to each held-out tool, and the study's tables of recorded results."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.preference.study import table
from tests.helpers import ROOT, load
from tool_dpo.params import load_params
from tool_dpo.records import write_lines
from tool_dpo.schema.answer import Answer
from tool_dpo.schema.calls import call_schema
from tool_dpo.tools.tool import read_tools
from tool_dpo.triplets.split import held_out
from tool_dpo.triplets.triplet import read_triplets


def test_each_held_out_tool_gets_five_requests(tmp_path: Path) -> None:
    outs = {name: tmp_path / f"{name}.jsonl" for name in ("validation", "test")}
    command = [sys.executable, "-m", "benchmarks.preference.requests", "data/tools", *map(str, outs.values())]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    params = load_params(ROOT / "params.yaml")
    names = [tool.name for tool in read_tools(ROOT / "data/tools")]
    for name, path in outs.items():
        made = list(read_triplets(path))
        expected = {tool for tool in names if held_out(tool, params.split, params.seed) == name}
        assert Counter(one.tool for one in made) == dict.fromkeys(expected, 5)
        assert len({one.prompt for one in made}) == len(made)


def test_the_study_prints_recorded_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    _, sft, ipo, earlier_sft, default = table({"balanced-ipo-1": ["beta=0.05"], "default": []})
    assert [sft[0], sft[2], earlier_sft[0], earlier_sft[2]] == ["SFT alone", "58.1%", "SFT alone", "46.8%"]
    assert ipo[:4] == ["balanced-ipo-1 beta=0.05", "88.4% (84.3% to 91.5%)", "50.3%", "7, 23"]
    assert ipo[4:10] == ["", "0.0052", "7, 31", "", "0.00012", "20.5"]
    assert default[0] == "default"


def test_both_models_are_compared_over_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five requests to one tool are gained, which is no difference between models; and the study prints that."""
    schema = call_schema("create_task", load("answers")["parameters"])
    right = load("answers")["expected"]
    for name, text in (("sft", "no"), ("dpo", right)):
        said = [Answer(f"prompt {n}", "create_task", schema, right, text, text, text).record() for n in range(5)]
        write_lines(tmp_path / f"{name}.jsonl", said)
    paths = [str(tmp_path / name) for name in ("sft.jsonl", "dpo.jsonl", "study/new.json")]
    (tmp_path / "study").mkdir()
    subprocess.run([sys.executable, "-m", "benchmarks.preference.score", *paths], cwd=ROOT, check=True)
    monkeypatch.setattr("benchmarks.preference.study.RESULTS", tmp_path / "study")
    _, sft, new = table({"new": []})
    assert [sft[1], new[1]] == ["0.0% (0.0% to 79.3%)", "100.0% (20.6% to 100.0%)"]
    assert new[3:9] == ["5, 0", "1", "0.062", "5, 0", "1", "0.062"]
