"""Strictness when answers are sampled, as in production: temperature 0.7, five answers to each test prompt."""

from tool_dpo.errors import run
from tool_dpo.models.answers import ask
from tool_dpo.params import load_params
from tool_dpo.records import write_json
from tool_dpo.report.metrics import rate
from tool_dpo.schema.verdict import judge
from tool_dpo.stage import paths
from tool_dpo.triplets.triplet import read_triplets

TEMPERATURE, SAMPLES = 0.7, 5


def main() -> None:
    data, model, out = paths("data", "model", "out", description=__doc__)
    params = load_params()
    triplets = list(read_triplets(data))
    answers = ask(
        [triplet for triplet in triplets for _ in range(SAMPLES)],
        model,
        params.answer.max_new_tokens,
        params.chosen.answer.batch_size,
        temperature=TEMPERATURE,
        seed=params.seed,
    )
    passed = [
        [judge(triplet.schema, read.call).failure is None for _, read in answers[start : start + SAMPLES]]
        for start, triplet in zip(range(0, len(answers), SAMPLES), triplets, strict=True)
    ]
    write_json(
        out,
        {
            "temperature": TEMPERATURE,
            "samples": SAMPLES,
            "n": len(triplets),
            "sspr": rate(sum(map(sum, passed)), len(answers)),
            "all_pass": rate(sum(map(all, passed)), len(passed)),
            "any_passes": rate(sum(map(any, passed)), len(passed)),
        },
    )


if __name__ == "__main__":
    run(main)
