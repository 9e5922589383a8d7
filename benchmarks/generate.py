"""How fast the catalog makes proved triplets, beside what the proof alone costs; and that memory does not grow.

    python benchmarks/generate.py              # rates, and 20,000 triplets written and read
    python benchmarks/generate.py 1000000      # ... a million

Making and proving are timed in this one process, in turn, three times; the medians and their ratio are printed, for
triplets of tools as they are written and for varied ones. Then triplets are written to a file as they are made, and
`datasets` reads them.
"""

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tool_dpo.params import load_params
from tool_dpo.records import write_lines
from tool_dpo.tools.tool import read_tools
from tool_dpo.triplets.generate import generate
from tool_dpo.triplets.triplet import Triplet, proved

PARAMS = load_params()
TOOLS = read_tools(Path("data/tools"))
COUNT = 5_600


def made(varied: bool, count: int, seed: int = 1) -> Iterator[Triplet]:
    """So many triplets, as written or varied (which takes as many written ones for each tool, not counted)."""
    if not varied:
        return generate(TOOLS, replace(PARAMS.generate, triplets=count, variants=0, decisions={}), seed)
    params = replace(PARAMS.generate, triplets=len(TOOLS), variants=-(-count // len(TOOLS)), decisions={})
    return (triplet for triplet in generate(TOOLS, params, seed) if triplet.varied_from)


def rates(varied: bool) -> None:
    records = [triplet.record() for triplet in made(varied, COUNT)]
    making, proving = [], []
    for seed in range(2, 5):
        start = time.perf_counter()
        count = sum(1 for _ in made(varied, COUNT, seed))
        making.append((time.perf_counter() - start) / count)
        start = time.perf_counter()
        for record in records:
            proved(record)
        proving.append((time.perf_counter() - start) / len(records))
    make, prove = statistics.median(making), statistics.median(proving)
    kind = "varied" if varied else "as written"
    print(f"{kind}: {1 / make:.0f} triplets/s, proof alone {1 / prove:.0f}/s, ratio {make / prove:.2f}")


def memory(count: int) -> None:
    def counted() -> Iterator[dict[str, object]]:
        for number, triplet in enumerate(made(True, count), 1):
            yield triplet.record()
            if number in (count // 10, count):
                print(f"after {number:,}: peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "triplets.jsonl")
        start = time.perf_counter()
        write_lines(path, counted())
        print(f"{count / (time.perf_counter() - start):.0f} triplets/s written, {path.stat().st_size / 1e6:.0f} MB")
        from datasets import load_dataset

        rows = load_dataset("json", data_files=str(path), cache_dir=folder, split="train").num_rows
        print(f"datasets reads {rows:,}")


if __name__ == "__main__":
    rates(varied=False)
    rates(varied=True)
    memory(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
