"""Combine typed and mined pairs for preference training."""

from tool_dpo.errors import run
from tool_dpo.params import load_params
from tool_dpo.stage import paths
from tool_dpo.training.pairs import mix


def main() -> None:
    data, mined, out, counts = paths("data", "mined", "out", "counts", description=__doc__)
    params = load_params()
    mix(data, mined, out, counts, params.pairs, params.seed)


if __name__ == "__main__":
    run(main)
