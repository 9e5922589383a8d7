"""Answer every prompt of the split that params name with one model."""

from tool_dpo.errors import run
from tool_dpo.models.answers import answer
from tool_dpo.params import load_params
from tool_dpo.stage import paths


def main() -> None:
    test, validation, model, out = paths("test", "validation", "model", "out", description=__doc__)
    params = load_params()
    asked = params.answer
    data = {"test": test, "validation": validation}[asked.split]
    answer(data, model, out, asked, params.chosen.answer)


if __name__ == "__main__":
    run(main)
