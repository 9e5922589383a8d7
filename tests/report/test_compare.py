"""The comparison of models, and the table."""

import csv
from pathlib import Path

import pytest

from tests.helpers import load
from tool_dpo.errors import InputError
from tool_dpo.formats.plain import Plain
from tool_dpo.records import read_json, write_lines
from tool_dpo.report.compare import compare
from tool_dpo.report.metrics import MODELS, headline, score
from tool_dpo.report.tables import markdown, tables
from tool_dpo.schema.answer import Answer
from tool_dpo.schema.calls import call_schema

SCHEMA = call_schema("create_task", load("answers")["parameters"])
RIGHT = load("answers")["expected"]
SAID = {
    "base": ["no", "no", "no", f"So: {RIGHT}"],
    "sft": [RIGHT, "no", "no", "{}"],
    "dpo": [RIGHT, RIGHT.replace("high", "low"), "no", "{}"],
}


def answers(folder: Path, said: dict[str, list[str]]) -> Path:
    """Write what each model said, to two requests a tool."""
    for name, texts in said.items():
        records = [
            Answer(f"prompt {n}", f"tool {n // 2}", SCHEMA, RIGHT, text, read.call, read.found).record()
            for n, (text, read) in enumerate((text, Plain().read(text)) for text in texts)
        ]
        write_lines(folder / "answers" / f"{name}.jsonl", records)
    return folder / "answers"


@pytest.fixture
def done(tmp_path: Path) -> Path:
    """A folder in which the answers are scored and compared."""
    said = answers(tmp_path, SAID)
    for name in MODELS:
        score(said / f"{name}.jsonl", tmp_path / f"metrics/{name}.json", tmp_path / f"metrics/details/{name}.json")
    (tmp_path / "curves").mkdir()
    (tmp_path / "curves/sft.csv").write_text("step,loss\n1,0.5\n")
    (tmp_path / "curves/dpo.csv").write_text("step,displacement\n1,0.5\n2,-0.12345\n")
    metrics, details = tmp_path / "metrics", tmp_path / "metrics/details"
    compare(said, details, tmp_path / "curves", metrics / "compare.json", details / "compare.json", tmp_path / "plots")
    return tmp_path


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.reader(file))


def test_models_are_compared_in_pairs_over_tools(done: Path) -> None:
    none, one, two = ({"gained": n, "lost": 0, "p": 1.0, "mcnemar": p} for n, p in ((0, 1.0), (1, 1.0), (2, 0.5)))
    assert read_json(done / "metrics/details/compare.json") == {
        "base_to_sft": {"sspr": one, "exact": one},
        "base_to_dpo": {"sspr": two, "exact": one},
        "sft_to_dpo": {"sspr": one, "exact": none},
    }


def test_metrics_are_the_few_numbers_that_people_compare(done: Path) -> None:
    assert read_json(done / "metrics/dpo.json") == {"sspr": 0.5, "exact": 0.25, "n": 4}
    assert read_json(done / "metrics/compare.json") == {
        "gained": 1, "lost": 0, "p": 1.0, "p_exact": 1.0, "displacement": -0.1235,
    }  # fmt: skip


def test_the_p_that_people_compare_is_over_tools() -> None:
    tests = {"sspr": {"gained": 5, "lost": 1, "p": 0.5, "mcnemar": 0.219}, "exact": {"p": 0.25, "mcnemar": 0.125}}
    assert headline(tests, 0.1) == {"gained": 5, "lost": 1, "p": 0.5, "p_exact": 0.25, "displacement": 0.1}


def test_plots_hold_rates_failures_and_the_training_curves(done: Path) -> None:
    rates = {(model, measure): float(rate) for model, rate, measure in rows(done / "plots/rates.csv")[1:]}
    assert {model: rates[model, "sspr"] for model in MODELS} == {"base": 0.0, "sft": 0.25, "dpo": 0.5}
    assert rates["base", "extracted"] == 0.25
    assert ["base", "json_error", "4"] in rows(done / "plots/failures.csv")
    assert ["dpo", "missing_required", "1"] in rows(done / "plots/failures.csv")
    assert rows(done / "plots/sft.csv") == [["step", "loss"], ["1", "0.5"]]


def test_the_table_shows_every_model_side_by_side(done: Path) -> None:
    cells = {label: row for label, *row in tables(done / "metrics")[0]}
    assert cells[""] == list(MODELS)
    assert cells["answers"] == ["4", "4", "4"]
    assert cells["SSPR"][:2] == ["0.0% (0.0% to 65.8%)", "25.0% (0.0% to 50.0%)"]
    assert cells["json_error"] == ["4", "2", "1"]
    assert cells["SSPR against base, p over tools"] == ["", "1.0", "1.0"]
    assert cells["SSPR against base, McNemar p"] == ["", "1.0", "0.5"]
    assert cells["SSPR against sft, McNemar p"] == ["", "", "1.0"]
    lines = markdown(*tables(done / "metrics")).splitlines()
    assert lines[:2] == ["|  | base | sft | dpo |", "|:--|:--|:--|:--|"]
    assert len({line.count("|") for line in lines}) == 1


def test_answers_to_different_prompts_are_not_compared(tmp_path: Path) -> None:
    said = answers(tmp_path, {**SAID, "dpo": SAID["dpo"][:2]})
    with pytest.raises(InputError, match="the models' answers are to different prompts"):
        compare(said, tmp_path, tmp_path, tmp_path / "compare.json", tmp_path / "tests.json", tmp_path)


def test_other_json_is_no_metrics(done: Path) -> None:
    (done / "metrics/details/dpo.json").write_text("[]")
    with pytest.raises(InputError, match=r"metrics: not the metrics of this pipeline: "):
        tables(done / "metrics")
