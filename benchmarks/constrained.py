"""Why train, when decoding can be constrained? Base and tuned model, free and held to the schema, on the test tools.

    python benchmarks/constrained.py [ANSWERS]

Each model answers the first ANSWERS test prompts that ask for one call (all, if not said) both ways in this one
process, one way after the other; a Markdown table of SSPR, exact values and seconds a call (loading included) is
printed. Run the pipeline first.
"""

import sys
import time
from pathlib import Path

from tool_dpo.errors import run
from tool_dpo.models.answers import ask
from tool_dpo.params import load_params
from tool_dpo.report.metrics import MODELS, summarize
from tool_dpo.report.tables import failures, markdown
from tool_dpo.schema.verdict import judge
from tool_dpo.triplets.triplet import read_triplets


def main() -> None:
    params = load_params()
    single = [one for one in read_triplets(Path("data/test.jsonl")) if one.decision in (None, "call")]
    triplets = single[: int(sys.argv[1]) if len(sys.argv) > 1 else None]
    schemas, tools = [[one.schema] for one in triplets], [one.tool for one in triplets]
    settings = (params.answer.max_new_tokens, params.chosen.answer.batch_size)
    rows = [["model", "decoding", "answers", "SSPR", "exact", "failures", "seconds a call"]]
    for model in MODELS:
        for way, held_to in (("free", None), ("constrained", schemas)):
            start = time.perf_counter()
            answers = ask(triplets, Path("models", model), *settings, schemas=held_to)
            seconds = (time.perf_counter() - start) / len(triplets)
            of_each = zip(triplets, answers, strict=True)
            found = summarize([judge(one.schema, read.call, one.chosen) for one, (_, read) in of_each], tools)
            rates = [f"{found[name]['rate']:.1%}" for name in ("sspr", "exact")]
            rows.append([model, way, str(found["n"]), *rates, failures(found), f"{seconds:.2f}"])
    print(markdown(rows))


if __name__ == "__main__":
    run(main)
