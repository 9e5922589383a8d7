"""SFT against preference training: the answers of both models, judged and compared prompt by prompt."""

from pathlib import Path
from typing import Any

from tool_dpo.errors import run
from tool_dpo.records import write_json
from tool_dpo.report.metrics import compared, measure
from tool_dpo.schema.answer import read_answers
from tool_dpo.stage import paths


def main() -> None:
    *answers, out = paths("sft", "dpo", "out", description=__doc__)
    write_json(out, scored(*answers))


def scored(sft: Path, dpo: Path | None = None) -> dict[str, Any]:
    """What the SFT model's answers measure, and those of a model trained from it, with the tests between both."""
    before = read_answers(sft)
    if dpo is None:
        return {"sft": measure(before)}
    after = read_answers(dpo)
    return {"sft": measure(before), "dpo": measure(after), "sft_to_dpo": compared(before, after)}


if __name__ == "__main__":
    run(main)
