"""Check every triplet, check that it fits the model's max_length, and write statistics."""

from tool_dpo.errors import run
from tool_dpo.models.weights import load_tokenizer, read_weights
from tool_dpo.records import write_json
from tool_dpo.stage import paths
from tool_dpo.triplets.census import census, check_lengths
from tool_dpo.triplets.triplet import read_triplets


def main() -> None:
    data, base, out, details = paths("triplets", "base", "out", "details", description=__doc__)
    triplets = list(read_triplets(data))
    tokenizer = load_tokenizer(base)
    check_lengths(data, triplets, tokenizer, read_weights(base).max_length)
    counts = census(triplets, tokenizer)
    write_json(details, counts)
    write_json(out, {name: counts[name] for name in ("triplets", "tools")})


if __name__ == "__main__":
    run(main)
