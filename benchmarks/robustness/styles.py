"""The test prompts under other styles: how strict a model stays when prompt, names and surroundings change."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tool_dpo.errors import run
from tool_dpo.formats.format import Question, tools_text
from tool_dpo.formats.plain import definition, prompt, signature
from tool_dpo.models.answers import ask
from tool_dpo.params import Params, load_params
from tool_dpo.records import write_json
from tool_dpo.report.metrics import summarize
from tool_dpo.schema.calls import call_schema
from tool_dpo.schema.verdict import judge
from tool_dpo.stage import paths
from tool_dpo.triplets.augment import Case, plain, rename, reorder, restyle_enums
from tool_dpo.triplets.triplet import Triplet, read_triplets

Style = Callable[[str, Case, list[Case], random.Random], tuple[str, list[Case]]]
"""Of a request, its case and all others: the prompt of the plain format, and the cases that it lists. The native format
writes the prompt from the request and the cases, so there the styles that differ in the prompt alone are the same."""


def main() -> None:
    data, model, out = paths("data", "model", "out", description=__doc__)
    params = load_params()
    write_json(out, measure(list(read_triplets(data)), model, params))


def measure(triplets: list[Triplet], model: Path, params: Params) -> dict[str, Any]:
    """SSPR and exact values of each style, and the lowest SSPR of all."""
    cases = [_case(one) for one in triplets]
    asked: list[tuple[Question, Case]] = []
    for name, style in STYLES.items():
        for index, (triplet, case) in enumerate(zip(triplets, cases, strict=True)):
            rng = random.Random(f"{name}/{index}")
            text, listed = style(triplet.request, case, cases, rng)
            tools = tools_text((one.tool, one.description, one.parameters) for one in rng.sample(listed, len(listed)))
            asked.append((Question(text, triplet.request, tools), listed[0]))
    answers = ask([one for one, _ in asked], model, params.answer.max_new_tokens, params.chosen.answer.batch_size)
    verdicts = [
        judge(call_schema(case.tool, case.parameters), read.call, _call(case))
        for (_, case), (_, read) in zip(asked, answers, strict=True)
    ]
    result: dict[str, Any] = {}
    for index, name in enumerate(STYLES):
        found = summarize(verdicts[index * len(cases) : (index + 1) * len(cases)], [case.tool for case in cases])
        result[name] = {key: found[key] for key in ("n", "sspr", "exact", "failures")}
    worst = min(STYLES, key=lambda name: result[name]["sspr"]["rate"])
    return {**result, "worst": {"style": worst, "sspr": result[worst]["sspr"]["rate"]}}


def _case(triplet: Triplet) -> Case:
    tools = {one["function"]["name"]: one["function"] for one in json.loads(triplet.tools)}
    parameters = triplet.schema["properties"]["parameters"]
    values = json.loads(triplet.chosen)["parameters"]
    return Case(triplet.tool, parameters, values, tools[triplet.tool].get("description", ""))


def _call(case: Case) -> str:
    return json.dumps({"tool": case.tool, "parameters": case.values})


def as_trained(request: str, case: Case, others: list[Case], rng: random.Random) -> tuple[str, list[Case]]:
    return prompt(request, (case.tool, case.parameters)), [case]


def tool_first(request: str, case: Case, others: list[Case], rng: random.Random) -> tuple[str, list[Case]]:
    return f"Tool: {signature(case.tool, case.parameters)}\n{request}", [case]


def another_heading(request: str, case: Case, others: list[Case], rng: random.Random) -> tuple[str, list[Case]]:
    return f"User request: {request}\n\nAvailable function:\n{signature(case.tool, case.parameters)}", [case]


def json_schema(request: str, case: Case, others: list[Case], rng: random.Random) -> tuple[str, list[Case]]:
    return prompt(request, (case.tool, case.parameters), written=definition), [case]


def renamed(request: str, case: Case, others: list[Case], rng: random.Random) -> tuple[str, list[Case]]:
    new = case
    while plain(new.tool) == plain(case.tool) and new.parameters == case.parameters:
        new = restyle_enums(rename(case, rng), rng)
    return prompt(request, (new.tool, new.parameters)), [new]


def reordered(request: str, case: Case, others: list[Case], rng: random.Random) -> tuple[str, list[Case]]:
    new = reorder(case, rng)
    return prompt(request, (new.tool, new.parameters)), [new]


def three_tools(request: str, case: Case, others: list[Case], rng: random.Random) -> tuple[str, list[Case]]:
    distractors = rng.sample([other for other in others if other.tool != case.tool], 2)
    listed = rng.sample([case, *distractors], 3)
    return prompt(request, *((one.tool, one.parameters) for one in listed)), [
        case,
        *(one for one in listed if one is not case),
    ]


STYLES: dict[str, Style] = {
    style.__name__: style
    for style in (as_trained, tool_first, another_heading, json_schema, renamed, reordered, three_tools)
}

if __name__ == "__main__":
    run(main)
