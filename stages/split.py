"""Split the triplets by tool into training, validation and test."""

from tool_dpo.errors import run
from tool_dpo.models.weights import load_format
from tool_dpo.params import load_params
from tool_dpo.records import write_lines
from tool_dpo.stage import paths
from tool_dpo.triplets.split import sayable, split
from tool_dpo.triplets.triplet import read_triplets


def main() -> None:
    triplets, base, *outs = paths("triplets", "base", "sft", "preference", "validation", "test", description=__doc__)
    params = load_params()
    known = list(read_triplets(triplets))
    form = load_format(base)
    parts = split(sayable(known, form), params.split, params.seed)
    for part, out in zip((parts.sft, parts.preference, parts.validation, parts.test), outs, strict=True):
        write_lines(out, (triplet.record() for triplet in part))


if __name__ == "__main__":
    run(main)
