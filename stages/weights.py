"""Check that the base model can be used here, and write a model folder that names it."""

from tool_dpo.errors import run
from tool_dpo.models.weights import prepare
from tool_dpo.params import load_params
from tool_dpo.stage import paths


def main() -> None:
    (out,) = paths("out", description=__doc__)
    params = load_params()
    prepare(params.chosen.weights, out, params.chosen.format, params.chosen.template)


if __name__ == "__main__":
    run(main)
