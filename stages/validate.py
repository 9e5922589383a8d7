"""Prove every triplet, and count what there is."""

from tool_dpo.errors import run
from tool_dpo.model import load_tokenizer
from tool_dpo.records import write_json
from tool_dpo.stage import paths
from tool_dpo.triplets import census, read_triplets


def main() -> None:
    data, base, out = paths("triplets", "base", "out", description=__doc__)
    triplets = list(read_triplets(data))
    write_json(out, census(triplets, load_tokenizer(base)))


if __name__ == "__main__":
    run(main)
