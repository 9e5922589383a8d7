"""Score one model's answers."""

from tool_dpo.errors import run
from tool_dpo.report.metrics import score
from tool_dpo.stage import paths


def main() -> None:
    score(*paths("answers", "out", "details", description=__doc__))


if __name__ == "__main__":
    run(main)
