"""Supervised fine-tuning on the chosen calls."""

from tool_dpo.errors import run
from tool_dpo.params import load_params
from tool_dpo.stage import paths
from tool_dpo.training.sft import train_sft


def main() -> None:
    data, base, out, curve = paths("data", "base", "out", "curve", description=__doc__)
    params = load_params()
    train_sft(data, base, out, curve, params.chosen.sft, params.seed)


if __name__ == "__main__":
    run(main)
