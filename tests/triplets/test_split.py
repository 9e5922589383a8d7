"""The split: by tool, and stable."""

import re
from dataclasses import astuple, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import load
from tool_dpo.errors import InputError
from tool_dpo.formats.format import Reading
from tool_dpo.formats.plain import Plain
from tool_dpo.params import SplitParams
from tool_dpo.triplets.split import Split, sayable, split
from tool_dpo.triplets.triplet import Triplet, proved

SHARES = SplitParams(validation=0.3, test=0.3, preference=0.5)
TOOLS = [f"tool_{number}" for number in range(200)]
PARTS = ("sft", "preference", "validation", "test")
seeds = st.integers(0, 2**32 - 1)


def made(tools: list[str], prompts: int = 2) -> list[Triplet]:
    return [Triplet(f"{tool}: {n}", "", "", {}, tool, "", "", "", "", "[]") for tool in tools for n in range(prompts)]


def places(parts: Split) -> dict[str, str]:
    """The part of each prompt; a later part takes a prompt that stands in two."""
    return {triplet.prompt: part for part in PARTS for triplet in getattr(parts, part)}


def tools(part: list[Triplet]) -> set[str]:
    return {triplet.tool for triplet in part}


@given(seeds)
def test_every_triplet_has_one_place_and_every_held_out_tool_one_part(seed: int) -> None:
    asked = made(TOOLS)
    parts = split(asked, SHARES, seed)
    placed = [triplet for name in PARTS for triplet in getattr(parts, name)]
    assert sorted(map(astuple, placed)) == sorted(map(astuple, asked))
    assert not tools(parts.test) & tools(parts.validation)
    assert not (tools(parts.test) | tools(parts.validation)) & (tools(parts.sft) | tools(parts.preference))


@given(seeds, st.lists(st.text(), unique=True, max_size=20).map(lambda names: [f"new_{name}" for name in names]))
def test_new_tools_leave_the_others_in_their_parts(seed: int, more: list[str]) -> None:
    before, after = (places(split(made(names), SHARES, seed)) for names in (TOOLS, more + TOOLS))
    assert before.items() <= after.items()


@given(seeds)
def test_varied_schemas_follow_the_tool_they_were_made_from_and_only_into_training(seed: int) -> None:
    asked = made(TOOLS)
    varied = [replace(one, prompt=f"{one.prompt}, varied", tool="other", varied_from=one.tool) for one in asked]
    plain, parts = split(asked, SHARES, seed), split(asked + varied, SHARES, seed)
    assert (parts.validation, parts.test) == (plain.validation, plain.test)
    trained = {one.varied_from or one.tool for one in parts.sft + parts.preference}
    assert trained == tools(plain.sft) | tools(plain.preference)
    assert len(parts.sft + parts.preference) == 2 * len(plain.sft + plain.preference)


@given(seeds)
def test_without_a_preference_share_both_stages_train_on_all(seed: int) -> None:
    shared = split(made(TOOLS), SplitParams(validation=0.3, test=0.3, preference=0), seed)
    apart = split(made(TOOLS), SHARES, seed)
    assert shared.sft == shared.preference
    assert (shared.validation, shared.test) == (apart.validation, apart.test)
    assert {triplet.prompt for triplet in shared.sft} == {one.prompt for one in apart.sft + apart.preference}


def test_shares_are_kept_and_the_seed_decides() -> None:
    many = made([f"tool_{number}" for number in range(4000)], prompts=1)
    parts = split(many, SplitParams(validation=0.1, test=0.25, preference=0.4), seed=42)
    shares = [len(getattr(parts, name)) / len(many) for name in PARTS]
    assert shares == pytest.approx([0.39, 0.26, 0.1, 0.25], abs=0.03)
    assert places(split(made(TOOLS), SHARES, 1)) != places(split(made(TOOLS), SHARES, 2))


@pytest.mark.parametrize(
    ("shares", "missing"),
    [
        (SplitParams(validation=0, test=0.3, preference=0.5), "validation"),
        (SplitParams(validation=0.3, test=0, preference=0.5), "test"),
        (SplitParams(validation=0, test=0, preference=0), "validation and test"),
    ],
)
def test_an_empty_part_is_reported(shares: SplitParams, missing: str) -> None:
    with pytest.raises(InputError) as caught:
        split(made(TOOLS), shares, seed=1)
    assert str(caught.value) == (
        f"split: 200 tools leave nothing for {missing}: add tools, or change split in params.yaml"
    )


def test_what_the_model_s_format_cannot_say_is_left_out_and_counted(
    triplets: list[Triplet], caplog: pytest.LogCaptureFixture
) -> None:
    class NoNumbers(Plain):
        def read(self, answer: str) -> Reading:
            return Reading("" if re.search(r"[0-9]", answer) else answer, None)

    kept = list(sayable(triplets, NoNumbers()))
    assert 0 < len(kept) < len(triplets)
    assert kept == [one for one in triplets if not re.search(r"[0-9]", one.chosen + one.rejected)]
    (record,) = caplog.records
    assert record.message.startswith(f"split: {len(triplets) - len(kept)} triplets left out, which the model's tool ")
    assert list(sayable(triplets, Plain())) == triplets


def test_an_answer_without_a_call_is_left_out_where_the_format_cannot_say_it() -> None:
    class OnlyCalls(Plain):
        def read(self, answer: str) -> Reading:
            return Reading("" if '"tool": null' in answer or answer.startswith("[") else answer, None)

    decided = [proved(one) for one in load("decisions")["triplets"].values()]
    assert list(sayable(decided, Plain())) == decided
    assert [one.decision for one in sayable(decided, OnlyCalls())] == ["choose"]
