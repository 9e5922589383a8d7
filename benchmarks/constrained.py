"""Why train, when decoding can be constrained? Base and tuned model, free and held to the schema, on the test tools.

    python benchmarks/constrained.py [ANSWERS]

Each model answers the first ANSWERS test prompts (all, if not said) both ways in this one process, one way after the
other; a Markdown table of SSPR, exact values and seconds a call (loading included) is printed. Run the pipeline first.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tool_dpo.answers import answer
from tool_dpo.errors import run
from tool_dpo.params import load_params
from tool_dpo.records import read_answers, read_lines, write_lines
from tool_dpo.report import judge_all, markdown
from tool_dpo.sspr import summarize

MODELS = ("base", "sft", "dpo")


def main() -> None:
    params = load_params()
    records = [record for _, record in read_lines(Path("data/test.jsonl"))]
    records = records[: int(sys.argv[1])] if len(sys.argv) > 1 else records
    rows = [["model", "decoding", "answers", "SSPR", "exact", "failures", "seconds a call"]]
    with TemporaryDirectory() as folder:
        data, out = Path(folder, "data.jsonl"), Path(folder, "out.jsonl")
        write_lines(data, records)
        for model in MODELS:
            for constrained in (False, True):
                start = time.perf_counter()
                how = replace(params.answer, constrained=constrained)
                answer(data, Path("models", model), out, how, params.chosen.answer)
                seconds = (time.perf_counter() - start) / len(records)
                found = summarize(judge_all(read_answers(out)))
                failures = ", ".join(f"{kind} {count}" for kind, count in found["failures"].items() if count)
                rates = [f"{found[name]['rate']:.1%}" for name in ("sspr", "exact")]
                way = "constrained" if constrained else "free"
                rows.append([model, way, str(found["n"]), *rates, failures, f"{seconds:.2f}"])
    print(markdown(rows))


if __name__ == "__main__":
    run(main)
