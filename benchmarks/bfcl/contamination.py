"""Count what the project's training data share with the BFCL cases that models are asked: requests and listed tools."""

from tool_dpo.errors import run
from tool_dpo.records import write_json
from tool_dpo.stage import paths
from tool_dpo.triplets.contamination import contamination
from tool_dpo.triplets.triplet import read_triplets


def main() -> None:
    cases, sft, preference, out = paths("triplets", "sft", "preference", "out", description=__doc__)
    training = [triplet for path in (sft, preference) for triplet in read_triplets(path)]
    write_json(out, contamination(training, list(read_triplets(cases))))


if __name__ == "__main__":
    run(main)
