"""The census of a file of triplets."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT, task
from tool_dpo.errors import InputError
from tool_dpo.formats.plain import Plain
from tool_dpo.params import load_params
from tool_dpo.triplets.census import census, read_checked
from tool_dpo.triplets.generate import generate
from tool_dpo.triplets.triplet import Triplet


class Words:
    """A tokenizer with a token for each word, and a chat template without words of its own."""

    def apply_chat_template(self, conversation: list[Any], tools: None, add_generation_prompt: bool) -> dict[str, Any]:
        return {"input_ids": [0] * len(conversation[-1]["content"].split())}

    def __call__(self, texts: list[str]) -> dict[str, list[list[int]]]:
        return {"input_ids": [[0] * len(text.split()) for text in texts]}


def test_the_census_counts_tools_decisions_violations_and_tokens() -> None:
    triplets = [
        Triplet("a b c", "a", "a b", {}, "t", "type_mismatch", "type", "$.a", "a", "[]"),
        Triplet("a", "a", "a b", {}, "u", "enum_violation", "enum", "$.a", "a", "[]"),
        Triplet("a b", "a b", "a", {}, "t", "enum_violation", "enum", "$.a", "a", "[]", decision="call"),
        Triplet("a b", "a b", "a", {}, "t", "over_call", "no_tool", "$", "a", "[]", decision="no_tool"),
    ]
    assert census(triplets, Words(), Plain()) == {  # type: ignore[arg-type]
        "triplets": 4,
        "tools": 2,
        "decisions": {"no_tool": 1},
        "violations": {"enum_violation": 2, "over_call": 1, "type_mismatch": 1},
        "keywords": {"enum_violation": {"enum": 2}, "over_call": {"no_tool": 1}, "type_mismatch": {"type": 1}},
        "tokens": {
            "prompt": {"mean": 2.0, "longest": 3},
            "chosen": {"mean": 1.5, "longest": 2},
            "rejected": {"mean": 1.5, "longest": 2},
        },
    }


def lines(tmp_path: Path, **changes: Any) -> Path:
    """Six triplets; `changes` replaces fields of the second and the fifth."""
    params = replace(load_params(ROOT / "params.yaml").generate, triplets=6, variants=0, decisions={})
    records = [triplet.record() for triplet in generate([task()], params, 1)]
    for number in (1, 4):
        records[number] |= changes
    path = tmp_path / "triplets.jsonl"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


def test_all_lines_that_cannot_be_proved_are_told_with_the_command_that_removes_them(tmp_path: Path) -> None:
    path = lines(tmp_path, chosen="{}")
    with pytest.raises(InputError) as caught:
        read_checked(path, Words(), Plain(), "tiny", 10_000)  # type: ignore[arg-type]
    first, second, mend = str(caught.value).splitlines()
    assert first.startswith(f"{path}:2: chosen is not valid: ")
    assert second.startswith(f"{path}:5: chosen is not valid: ")
    assert mend == f"to mend it: sed -i.bak '2d;5d' {path}"
    subprocess.run(mend.partition(": ")[2], shell=True, check=True)
    assert len(read_checked(path, Words(), Plain(), "tiny", 10_000)) == 4  # type: ignore[arg-type]


def test_all_lines_that_are_too_long_are_told_with_the_setting_that_takes_them(tmp_path: Path) -> None:
    path = lines(tmp_path, prompt="long " * 500)
    with pytest.raises(InputError) as caught:
        read_checked(path, Words(), Plain(), "tiny", 400)  # type: ignore[arg-type]
    first, second, mend = str(caught.value).splitlines()
    assert re.fullmatch(rf"{path}:2: 5[0-9]+ tokens, expected at most 400: tool 'create_task'", first)
    assert second.startswith(f"{path}:5: ")
    most = int(re.fullmatch(r"to mend it: dvc exp run -S models\.tiny\.weights\.max_length=(\d+)", mend)[1])  # type: ignore[index]
    assert len(read_checked(path, Words(), Plain(), "tiny", most)) == 6  # type: ignore[arg-type]


def test_of_many_lines_the_first_are_told_and_removed(tmp_path: Path) -> None:
    path = lines(tmp_path)
    path.write_text(path.read_text().splitlines()[0] + '\n{"no": "triplet"}' * 51 + "\n")
    with pytest.raises(InputError) as caught:
        read_checked(path, Words(), Plain(), "tiny", 10_000)  # type: ignore[arg-type]
    *shown, more, mend = str(caught.value).splitlines()
    assert (len(shown), more) == (50, "and 1 more")
    subprocess.run(mend.partition(": ")[2], shell=True, check=True)
    assert len(path.read_text().splitlines()) == 2
