"""The test prompts under other styles: how strict a model stays when prompt, names and surroundings change."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tool_dpo.errors import run
from tool_dpo.formats.plain import definition, prompt, request_of, signature
from tool_dpo.models.answers import ask
from tool_dpo.params import Params, load_params
from tool_dpo.records import write_json
from tool_dpo.report.metrics import summarize
from tool_dpo.schema.calls import call_schema
from tool_dpo.schema.verdict import judge
from tool_dpo.stage import paths
from tool_dpo.triplets.augment import Case, plain, rename, reorder, restyle_enums
from tool_dpo.triplets.triplet import Triplet, read_triplets

Style = Callable[[str, Case, list[Case], random.Random], tuple[str, Case]]
"""Of a request, its case and all others: the prompt and the case that it is about."""


def main() -> None:
    data, model, out = paths("data", "model", "out", description=__doc__)
    params = load_params()
    write_json(out, measure(list(read_triplets(data)), model, params))


def measure(triplets: list[Triplet], model: Path, params: Params) -> dict[str, Any]:
    """SSPR and exact values of each style, and the lowest SSPR of all."""
    cases = [
        Case(one.tool, one.schema["properties"]["parameters"], json.loads(one.chosen)["parameters"]) for one in triplets
    ]
    asked: list[tuple[str, Case]] = []
    for name, style in STYLES.items():
        for index, (triplet, case) in enumerate(zip(triplets, cases, strict=True)):
            asked.append(style(request_of(triplet.prompt), case, cases, random.Random(f"{name}/{index}")))
    texts = ask([text for text, _ in asked], model, params.answer.max_new_tokens, params.chosen.answer.batch_size)
    verdicts = [
        judge(call_schema(case.tool, case.parameters), text, _call(case))
        for (_, case), text in zip(asked, texts, strict=True)
    ]
    result: dict[str, Any] = {}
    for index, name in enumerate(STYLES):
        found = summarize(verdicts[index * len(cases) : (index + 1) * len(cases)], [case.tool for case in cases])
        result[name] = {key: found[key] for key in ("n", "sspr", "exact", "failures")}
    worst = min(STYLES, key=lambda name: result[name]["sspr"]["rate"])
    return {**result, "worst": {"style": worst, "sspr": result[worst]["sspr"]["rate"]}}


def _call(case: Case) -> str:
    return json.dumps({"tool": case.tool, "parameters": case.values})


def as_trained(request: str, case: Case, others: list[Case], rng: random.Random) -> tuple[str, Case]:
    return prompt(request, (case.tool, case.parameters)), case


def tool_first(request: str, case: Case, others: list[Case], rng: random.Random) -> tuple[str, Case]:
    return f"Tool: {signature(case.tool, case.parameters)}\n{request}", case


def another_heading(request: str, case: Case, others: list[Case], rng: random.Random) -> tuple[str, Case]:
    return f"User request: {request}\n\nAvailable function:\n{signature(case.tool, case.parameters)}", case


def json_schema(request: str, case: Case, others: list[Case], rng: random.Random) -> tuple[str, Case]:
    return prompt(request, (case.tool, case.parameters), written=definition), case


def renamed(request: str, case: Case, others: list[Case], rng: random.Random) -> tuple[str, Case]:
    new = case
    while plain(new.tool) == plain(case.tool) and new.parameters == case.parameters:
        new = restyle_enums(rename(case, rng), rng)
    return prompt(request, (new.tool, new.parameters)), new


def reordered(request: str, case: Case, others: list[Case], rng: random.Random) -> tuple[str, Case]:
    new = reorder(case, rng)
    return prompt(request, (new.tool, new.parameters)), new


def three_tools(request: str, case: Case, others: list[Case], rng: random.Random) -> tuple[str, Case]:
    distractors = rng.sample([other for other in others if other.tool != case.tool], 2)
    listed = rng.sample([case, *distractors], 3)
    return prompt(request, *((one.tool, one.parameters) for one in listed)), case


STYLES: dict[str, Style] = {
    style.__name__: style
    for style in (as_trained, tool_first, another_heading, json_schema, renamed, reordered, three_tools)
}

if __name__ == "__main__":
    run(main)
