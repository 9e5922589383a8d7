"""Split the triplets by tool into training, validation and test."""

from tool_dpo.errors import run
from tool_dpo.params import load_params
from tool_dpo.records import write_lines
from tool_dpo.stage import paths
from tool_dpo.triplets.split import split
from tool_dpo.triplets.triplet import read_triplets


def main() -> None:
    triplets, *outs = paths("triplets", "sft", "preference", "validation", "test", description=__doc__)
    params = load_params()
    parts = split(read_triplets(triplets), params.split, params.seed)
    for part, out in zip((parts.sft, parts.preference, parts.validation, parts.test), outs, strict=True):
        write_lines(out, (triplet.record() for triplet in part))


if __name__ == "__main__":
    run(main)
