"""Check every triplet, check that it fits the model's max_length, and write statistics."""

from tool_dpo.errors import run
from tool_dpo.models.weights import load_format, load_tokenizer, read_weights
from tool_dpo.params import load_params
from tool_dpo.records import write_json
from tool_dpo.stage import paths
from tool_dpo.triplets.census import census, read_checked


def main() -> None:
    data, base, out, details = paths("triplets", "base", "out", "details", description=__doc__)
    params = load_params()
    tokenizer = load_tokenizer(base)
    form = load_format(base, tokenizer)
    triplets = read_checked(data, tokenizer, form, params.model, read_weights(base).max_length)
    counts = census(triplets, tokenizer, form)
    write_json(details, counts)
    totals = {name: counts[name] for name in ("triplets", "tools")}
    write_json(out, totals | {"decisions": sum(counts["decisions"].values())})


if __name__ == "__main__":
    run(main)
