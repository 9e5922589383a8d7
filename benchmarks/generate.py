"""How fast the catalog makes proved triplets, beside what the proof alone costs.

    python benchmarks/generate.py

Both are timed in this one process, in turn, five times; the medians and their ratio are printed.
"""

import statistics
import time
from dataclasses import replace
from pathlib import Path

from tool_dpo.generate import generate
from tool_dpo.params import load_params
from tool_dpo.tools import read_tools
from tool_dpo.triplets import proved

COUNT = 1600


def main() -> None:
    params = load_params()
    tools = read_tools(Path("data/tools"))
    records = [triplet.record() for triplet in generate(tools, replace(params.generate, triplets=COUNT), params.seed)]
    made, shown = [], []
    for seed in range(5):
        start = time.perf_counter()
        list(generate(tools, replace(params.generate, triplets=COUNT), seed))
        made.append(time.perf_counter() - start)
        start = time.perf_counter()
        for record in records:
            proved(record)
        shown.append(time.perf_counter() - start)
    making, proving = statistics.median(made), statistics.median(shown)
    print(
        f"generate {COUNT / making:.0f} triplets/s, proof alone {COUNT / proving:.0f}/s, ratio {making / proving:.2f}"
    )


if __name__ == "__main__":
    main()
