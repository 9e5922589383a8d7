"""SFT against preference training: the answers of both models, judged and compared prompt by prompt."""

from tool_dpo.errors import run
from tool_dpo.records import write_json
from tool_dpo.report.metrics import compared, measure
from tool_dpo.schema.answer import read_answers
from tool_dpo.stage import paths


def main() -> None:
    *answers, out = paths("sft", "dpo", "out", description=__doc__)
    sft, dpo = (read_answers(path) for path in answers)
    write_json(out, {"sft": measure(sft), "dpo": measure(dpo), "sft_to_dpo": compared(sft, dpo)})


if __name__ == "__main__":
    run(main)
