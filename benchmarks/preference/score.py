"""SFT against preference training: the answers of both models, judged and compared prompt by prompt."""

from tool_dpo.errors import run
from tool_dpo.records import write_json
from tool_dpo.report.metrics import judge_all, paired, summarize, tools_of
from tool_dpo.schema.answer import read_answers
from tool_dpo.stage import paths


def main() -> None:
    *answers, out = paths("sft", "dpo", "out", description=__doc__)
    said = [read_answers(path) for path in answers]
    tools = tools_of(said[0])
    sft, dpo = map(judge_all, said)
    write_json(out, {"sft": summarize(sft, tools), "dpo": summarize(dpo, tools), "sft_to_dpo": paired(sft, dpo, tools)})


if __name__ == "__main__":
    run(main)
