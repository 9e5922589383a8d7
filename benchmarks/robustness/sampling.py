"""Strictness when answers are sampled, as in production: temperature 0.7, five answers to each test prompt."""

from tool_dpo.errors import run
from tool_dpo.models.answers import ask
from tool_dpo.params import load_params
from tool_dpo.records import write_json
from tool_dpo.report.decisions import calling
from tool_dpo.report.rates import rate
from tool_dpo.schema.verdict import judge
from tool_dpo.stage import paths
from tool_dpo.triplets.triplet import read_triplets

TEMPERATURE, SAMPLES = 0.7, 5


def main() -> None:
    data, model, out = paths("data", "model", "out", description=__doc__)
    params = load_params()
    triplets = calling(read_triplets(data))
    asked = [triplet for triplet in triplets for _ in range(SAMPLES)]
    answers = ask(
        asked,
        model,
        params.answer.max_new_tokens,
        params.chosen.answer.batch_size,
        temperature=TEMPERATURE,
        seed=params.seed,
    )
    passed = [
        judge(triplet.schema, read.call).failure is None for triplet, (_, read) in zip(asked, answers, strict=True)
    ]
    samples = [passed[start : start + SAMPLES] for start in range(0, len(passed), SAMPLES)]
    tools = [triplet.tool for triplet in triplets]
    write_json(
        out,
        {
            "temperature": TEMPERATURE,
            "samples": SAMPLES,
            "n": len(triplets),
            "sspr": rate(passed, [triplet.tool for triplet in asked]),
            "all_pass": rate([all(one) for one in samples], tools),
            "any_passes": rate([any(one) for one in samples], tools),
        },
    )


if __name__ == "__main__":
    run(main)
