"""Answer every BFCL case with one model, with room for the several calls of a right answer."""

from dataclasses import replace

from tool_dpo.errors import run
from tool_dpo.models.answers import answer
from tool_dpo.params import load_params
from tool_dpo.stage import paths

_MAX_NEW_TOKENS = 480
"""The longest right answer, of `parallel`, has 439 tokens with SmolLM2's tokenizer."""


def main() -> None:
    data, model, out = paths("data", "model", "out", description=__doc__)
    params = load_params()
    answer(data, model, out, replace(params.answer, max_new_tokens=_MAX_NEW_TOKENS), params.chosen.answer)


if __name__ == "__main__":
    run(main)
