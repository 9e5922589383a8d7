"""Answer every BFCL case with one model."""

from tool_dpo.errors import run
from tool_dpo.models.answers import ask
from tool_dpo.params import load_params
from tool_dpo.records import read_lines, write_lines
from tool_dpo.schema.answer import Answer
from tool_dpo.stage import paths


def main() -> None:
    cases, model, out = paths("cases", "model", "out", description=__doc__)
    params = load_params()
    asked = [case for _, case in read_lines(cases) if case["expected"] is not None]
    prompts = [case["prompt"] for case in asked]
    texts = ask(prompts, model, params.answer.max_new_tokens, params.chosen.answer.batch_size)
    write_lines(
        out,
        (
            Answer(case["prompt"], case["tool"], case["schema"], case["expected"], text).record()
            for case, text in zip(asked, texts, strict=True)
        ),
    )


if __name__ == "__main__":
    run(main)
