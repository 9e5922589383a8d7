"""Sample answers of the SFT model to the preference prompts, and keep its mistakes."""

from tool_dpo.errors import run
from tool_dpo.params import load_params
from tool_dpo.stage import paths
from tool_dpo.training.mine import mine


def main() -> None:
    data, model, out = paths("data", "model", "out", description=__doc__)
    params = load_params()
    mine(data, model, out, params.mine, params.answer.max_new_tokens, params.chosen.answer, params.seed)


if __name__ == "__main__":
    run(main)
