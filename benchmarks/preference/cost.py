"""Run a stage of the pipeline and write what it cost: python -m benchmarks.preference.cost OUT STAGE PATH..."""

import resource
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from tool_dpo.errors import run
from tool_dpo.records import write_json


def main() -> None:
    out, stage, *sys.argv[1:] = sys.argv[1:]
    start = time.perf_counter()
    import_module(stage).main()
    write_json(Path(out), {"minutes": round((time.perf_counter() - start) / 60, 2), **_peak()})


def _peak() -> dict[str, Any]:
    """The most memory that tensors took on the GPU, or, without one, that the process took; in GB (1e9 bytes)."""
    import torch

    if torch.cuda.is_available():
        return {"gb": round(torch.cuda.max_memory_allocated() / 1e9, 2), "device": torch.cuda.get_device_name()}
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {"gb": round(peak / 1e9, 2), "device": "CPU"}


if __name__ == "__main__":
    run(main)
