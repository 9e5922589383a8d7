"""Count what the training triplets share with validation and test."""

from tool_dpo.errors import run
from tool_dpo.stage import paths
from tool_dpo.triplets.contamination import write_contamination


def main() -> None:
    sft, preference, validation, test, out = paths(
        "sft", "preference", "validation", "test", "out", description=__doc__
    )
    write_contamination([sft, preference], {"validation": validation, "test": test}, out)


if __name__ == "__main__":
    run(main)
