"""Compare the models on the same prompts."""

from tool_dpo.errors import run
from tool_dpo.report.compare import compare
from tool_dpo.stage import paths


def main() -> None:
    compare(*paths("answers", "details", "curves", "out", "tests", "plots", description=__doc__))


if __name__ == "__main__":
    run(main)
