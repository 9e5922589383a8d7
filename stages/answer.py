"""Answer every prompt of a split with one model."""

from tool_dpo.errors import run
from tool_dpo.models.answers import answer
from tool_dpo.params import load_params
from tool_dpo.stage import paths


def main() -> None:
    data, model, out = paths("data", "model", "out", description=__doc__)
    params = load_params()
    answer(data, model, out, params.answer, params.chosen.answer)


if __name__ == "__main__":
    run(main)
