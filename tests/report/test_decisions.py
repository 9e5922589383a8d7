"""Decisions: what an answer says, in which rates it counts, and where they are shown."""

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import command, load, params_of
from tool_dpo.errors import InputError
from tool_dpo.formats.plain import Plain
from tool_dpo.kinds import DECISIONS
from tool_dpo.records import read_json, write_lines
from tool_dpo.report.compare import compare
from tool_dpo.report.decisions import RATES, SAID, decided, decisions, said_as
from tool_dpo.report.metrics import MODELS, measure, score
from tool_dpo.schema.answer import Answer
from tool_dpo.schema.calls import call_schema, no_call_schema, several_schema
from tool_dpo.schema.forms import no_call

GIVEN = load("decided")
CALLS, CASES = GIVEN["calls"], GIVEN["cases"]
SEVERAL = several_schema(GIVEN["tools"], 2), f"[{CALLS['pay']}, {CALLS['wait']}]"
ONE = call_schema("pay", GIVEN["tools"]["pay"]), CALLS["pay"]
ASKED = {
    None: ONE,
    "call": ONE,
    "choose": ONE,
    "several": SEVERAL,
    "no_tool": (no_call_schema(), no_call("None fits.")),
    "ask": (no_call_schema(), no_call('Which "payTo"?')),
}


def answer(case: dict[str, Any], prompt: str = "p", tool: str = "pay") -> Answer:
    """The answer of a case, in the plain format. `<pay>` in its text stands for the call with this name."""
    text = no_call(case["words"]) if "words" in case else case["text"]
    for name, call in CALLS.items():
        text = text.replace(f"<{name}>", call)
    schema, expected = ASKED[case["decision"]]
    read, missing = Plain().read(text), "payTo" if case["decision"] == "ask" else None
    return Answer(prompt, tool, schema, expected, text, read.call, read.found, case["decision"], missing)


@pytest.mark.parametrize("case", params_of(CASES))
def test_an_answer_counts_in_the_rates_of_its_decision(case: dict[str, Any]) -> None:
    other = {"id": "", "decision": "choose" if case["decision"] in (None, "call") else "call", "text": "<pay>"}
    one = answer(case)
    assert said_as(one) == case["said"]
    found = decisions([one, answer(other)])
    counts = {name: found[name]["rate"] for name in RATES if name in found}
    if case["decision"] in (None, "call"):
        assert counts.pop("tool_chosen") == 1
    else:
        assert counts.pop("sspr_of_single_calls") == 1
    if "call_recall" not in case["counts"]:
        assert counts.pop("call_recall") == 1
        assert counts == {name: float(value) for name, value in case["counts"].items()}
    else:
        assert counts == {**case["counts"], "call_recall": (1 + case["counts"]["call_recall"]) / 2}
    assert found["said"][case["decision"] or "call"][case["said"]] >= 1


def test_answers_that_ask_for_no_decision_have_none() -> None:
    plain = [answer(case) for case in CASES if case["decision"] is None]
    assert decisions(plain) == decided(plain, plain) == {}
    assert "decisions" not in measure(plain)


@given(st.lists(st.tuples(st.sampled_from(CASES), st.sampled_from("abcd")), min_size=1, max_size=30))
def test_every_answer_is_counted_once_and_rates_are_over_tools(drawn: list[tuple[dict[str, Any], str]]) -> None:
    said = [answer(case, tool=tool) for case, tool in drawn]
    found = decisions(said)
    if not found:
        return
    assert tuple(found["said"]) == DECISIONS
    assert all(tuple(counts) == SAID for counts in found["said"].values())
    assert sum(sum(counts.values()) for counts in found["said"].values()) == len(said)
    for name in RATES:
        over = [case["counts"][name] for case, _ in drawn if name in case["counts"]]
        assert (name in found) == bool(over)
        if over:
            one = found[name]
            assert 0 <= one["low"] <= one["rate"] <= one["high"] <= 1
            if name != "tool_chosen":  # the tool that is drawn is not that of the call
                assert one["rate"] == round(sum(over) / len(over), 4)


@pytest.mark.parametrize("found", ["", "{", "[]", '{"tool": 1}', '{"tool": "pay", "tool": "pay"}', "\x00"])
def test_no_answer_raises(found: str) -> None:
    for decision, (schema, expected) in ASKED.items():
        one = Answer("p", "pay", schema, expected, found, found, found, decision, "payTo")
        assert measure([one, answer(CASES[-1])])["sspr"]["rate"] == 0


def test_strict_passes_are_over_requests_that_ask_for_a_call() -> None:
    found = measure([answer(case) for case in CASES])
    calling = [case for case in CASES if case["decision"] not in ("no_tool", "ask")]
    assert found["n"] == len(calling) == found["passed"] + sum(found["failures"].values())
    assert found["failures"]["no_call"] == sum("words" in case for case in calling)
    assert sum(sum(counts.values()) for counts in found["decisions"]["said"].values()) == len(CASES)


def test_two_models_are_compared_over_tools() -> None:
    """One calls for three tools of four where it should not, the other never does."""
    words = {"decision": "no_tool", "words": "None fits."}
    call = {"decision": "no_tool", "text": "<pay>"}
    first = [answer(call if n < 6 else words, tool=f"tool {n // 2}") for n in range(8)]
    second = [answer(words, tool=f"tool {n // 2}") for n in range(8)]
    assert decided(first, second) == {"over_call": {"gained": 0, "lost": 6, "p": 0.25, "mcnemar": 0.0312}}


@pytest.fixture
def done(tmp_path: Path) -> Path:
    """The metrics of three models: the first declines always, and the others are alike."""
    declining = [answer({**case, "words": "I cannot."}, prompt=str(n)) for n, case in enumerate(CASES)]
    said = [answer(case, prompt=str(n)) for n, case in enumerate(CASES)]
    for name, those in zip(MODELS, (declining, said, said), strict=True):
        write_lines(tmp_path / f"answers/{name}.jsonl", (one.record() for one in those))
        metrics = tmp_path / "metrics"
        score(tmp_path / f"answers/{name}.jsonl", metrics / f"{name}.json", metrics / f"details/{name}.json")
    (tmp_path / "curves").mkdir()
    (tmp_path / "curves/dpo.csv").write_text("step,displacement\n1,0.5\n")
    details, out = metrics / "details", metrics / "compare.json"
    compare(tmp_path / "answers", details, tmp_path / "curves", out, details / "compare.json", metrics / "plots")
    return metrics


def test_decisions_are_among_the_numbers_that_people_compare(done: Path) -> None:
    assert list(read_json(done / "dpo.json")) == ["sspr", "exact", *RATES, "n"]
    assert read_json(done / "base.json") | {"n": 0} == {
        "sspr": 0.0, "exact": 0.0, "sspr_of_single_calls": 0.0, "over_call": 0.0, "call_recall": 0.0,
        "asked_rightly": 0.0, "tool_chosen": 0.0, "all_calls": 0.0, "n": 0,
    }  # fmt: skip
    tests = read_json(done / "details/compare.json")
    assert list(tests["base_to_dpo"]) == ["sspr", "exact", *RATES]
    assert tests["base_to_dpo"]["tool_chosen"]["gained"] == 3


def test_decisions_are_plotted(done: Path) -> None:
    with (done / "plots/decisions_base.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(CASES)
    assert {row["said"] for row in rows} == {"declines"}
    assert {row["asked"] for row in rows} == set(DECISIONS)
    with (done / "plots/rates.csv").open() as file:
        assert {row["measure"] for row in csv.DictReader(file)} == {"sspr", "exact", "extracted", *RATES}


def test_the_report_shows_rates_and_what_was_said(done: Path) -> None:
    printed = command("report", done, "--markdown")
    assert printed.returncode == 0, printed.stderr
    first, second = printed.stdout.strip().split("\n\n")
    assert "| called when it should not | 0.0% (" in first
    assert "| called when it should not, against sft, p over tools |  |  | 1.0 |" in first
    assert "| no_call | 16 | 3 | 3 |" in first
    assert second.splitlines()[0] == "| asked for | model | call | several | asks | declines | broken |"
    assert "| no_tool | base | 0 | 0 | 0 | 7 | 0 |" in second
    assert "| no_tool | dpo | 2 | 1 | 1 | 1 | 2 |" in second
    assert command("report", done).stdout.count("when it should not") == 2


def test_answers_without_a_request_for_a_call_are_one_line(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [answer(case).record() for case in CASES if case["decision"] == "ask"])
    with pytest.raises(InputError, match=r"a\.jsonl: no request that asks for a call$"):
        score(tmp_path / "a.jsonl", tmp_path / "out.json", tmp_path / "details.json")
