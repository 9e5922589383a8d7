"""Count what the project's training data share with BFCL."""

from tool_dpo.errors import run
from tool_dpo.records import read_lines, write_json
from tool_dpo.stage import paths
from tool_dpo.triplets.contamination import Asked, contamination
from tool_dpo.triplets.triplet import read_triplets


def main() -> None:
    cases, sft, preference, out = paths("cases", "sft", "preference", "out", description=__doc__)
    training = [triplet for path in (sft, preference) for triplet in read_triplets(path)]
    held_out = [Asked(case["prompt"], case["tool"], case["schema"]) for _, case in read_lines(cases)]
    write_json(out, contamination(training, held_out))


if __name__ == "__main__":
    run(main)
