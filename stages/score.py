"""Judge one model's answers."""

from tool_dpo.errors import run
from tool_dpo.report.compare import score
from tool_dpo.stage import paths


def main() -> None:
    answers, out = paths("answers", "out", description=__doc__)
    score(answers, out)


if __name__ == "__main__":
    run(main)
