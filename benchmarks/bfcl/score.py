"""Judge one model's answers to BFCL: what it decides, strict schema, and right calls by BFCL's own rules."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bfcl.cases import CATEGORIES, asked
from benchmarks.bfcl.check import correct
from tool_dpo.errors import InputError, run
from tool_dpo.formats.format import Question
from tool_dpo.models.weights import load_format, load_tokenizer, read_weights
from tool_dpo.records import read_lines, write_json
from tool_dpo.report.decisions import RATES, calling, decisions
from tool_dpo.report.metrics import judge_all, summarize, tools_of
from tool_dpo.report.rates import rate
from tool_dpo.schema.answer import Answer, read_answers
from tool_dpo.schema.forms import read_form
from tool_dpo.stage import paths

_GROUPS = {"simple_and_multiple": ("simple_python", "multiple"), **{name: (name,) for name in CATEGORIES}}
"""The categories that are counted together, by the name of their metrics."""

DECIDED = tuple(name for name in RATES if name != "sspr_of_single_calls")
"""The rates of decisions. Single calls have categories of their own, so their SSPR is `sspr` there."""

Said = tuple[Mapping[str, Any], Answer]
"""A case, and a model's answer to it."""


def main() -> None:
    cases, answers, model, out = paths("cases", "answers", "model", "out", description=__doc__)
    said = read_said(cases, answers)
    write_json(out, {**score(said), "too_long": too_long([case for case, _ in said], model)})


def read_said(cases: Path, answers: Path) -> list[Said]:
    """The cases that models are asked, each with its answer.

    Raises:
        InputError: the answers are to other requests.
    """
    those, said = asked([case for _, case in read_lines(cases)]), read_answers(answers)
    if [case["prompt"] for case in those] != [answer.prompt for answer in said]:
        raise InputError(f"{answers}: expected an answer to each request of {cases}, in its order")
    return list(zip(those, said, strict=True))


def score(said: Sequence[Said]) -> dict[str, Any]:
    """Metrics of each group of categories, and counts of what was said by what was asked for."""
    result = {name: _measure(some) for name, some in groups(said).items()}
    return {**result, "said": decisions(answers_of(said))["said"]}


def groups(said: Sequence[Said]) -> dict[str, list[Said]]:
    """The cases that are counted together. There are none of a group without a case."""
    found = {name: [one for one in said if one[0]["category"] in those] for name, those in _GROUPS.items()}
    return {name: some for name, some in found.items() if some}


def answers_of(said: Sequence[Said]) -> list[Answer]:
    """The answers alone."""
    return [answer for _, answer in said]


def right(said: Sequence[Said]) -> list[bool]:
    """Whether BFCL accepts each answer, which must be calls as a whole."""
    return [correct(case, read_form(answer.call)[0]) for case, answer in said]


def _measure(said: Sequence[Said]) -> dict[str, Any]:
    answers = answers_of(said)
    decided = {name: found for name, found in decisions(answers).items() if name in DECIDED}
    if not calling(answers):
        called = decided["over_call"]
        free = {name: round(1 - called[end], 4) for name, end in (("rate", "rate"), ("low", "high"), ("high", "low"))}
        return {"n": len(answers), **decided, "call_free": free}
    summary = summarize(judge_all(answers), tools_of(answers))
    return {
        **{name: summary[name] for name in ("n", "sspr", "failures", "other_keywords")},
        "values": rate(right(said), tools_of(answers)),
        **decided,
    }


def too_long(cases: Sequence[Mapping[str, Any]], model: Path) -> int:
    """How many prompts leave no room for an answer in the `max_length` of a model's training. They are asked too."""
    tokenizer, most = load_tokenizer(model), read_weights(model).max_length
    form = load_format(model, tokenizer)
    chats = (form.chat(Question(case["prompt"], case["request"], case["tools"])) for case in cases)
    prompts = (tokenizer.apply_chat_template(**chat, add_generation_prompt=True)["input_ids"] for chat in chats)
    return sum(len(prompt) >= most for prompt in prompts)


if __name__ == "__main__":
    run(main)
