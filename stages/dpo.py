"""Preference training of the SFT model on chosen over rejected calls."""

from tool_dpo.errors import run
from tool_dpo.params import load_params, overridden
from tool_dpo.stage import paths
from tool_dpo.training.dpo import train_dpo


def main() -> None:
    data, sft, out, curve = paths("data", "sft", "out", "curve", description=__doc__)
    params = load_params()
    dpo = overridden(params.chosen.dpo, beta=params.beta, loss_type=params.loss_type)
    train_dpo(data, sft, out, curve, dpo, params.seed)


if __name__ == "__main__":
    run(main)
