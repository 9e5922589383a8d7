"""How many tools come from published documents, and what a large document takes in time and memory.

    python benchmarks/import.py DOCUMENT...   # a table row for each
    python benchmarks/import.py               # a generated one of 50 MB, whose schemas refer to one another without end

The peak of memory is of this one process, which also generates the large document.
"""

import json
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tool_dpo.tools.importers import read
from tool_dpo.triplets.import_tools import import_tools


def main() -> None:
    if sys.argv[1:]:
        documents(list(map(Path, sys.argv[1:])))
    else:
        large()


def documents(paths: list[Path]) -> None:
    print("| document | operations | tools | with a proved triplet | cut | seconds |\n|:--|--:|--:|--:|--:|--:|")
    reasons: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for path in paths:
        found = read(path)
        start = time.perf_counter()
        adopted = import_tools(str(path))
        seconds = time.perf_counter() - start
        row = {
            "operations": len(found.tools) + len(found.skipped),
            "tools": len(found.tools),
            "proved": len(adopted.tools),
            "cut": len(adopted.cut),
        }
        total.update(row)
        reasons.update(map(_kind, adopted.skipped))
        print(f"| {path.name} | {' | '.join(map(str, row.values()))} | {seconds:.1f} |")
    share = total["proved"] / total["operations"]
    print(f"| all | {' | '.join(str(total[key]) for key in total)} | |\n\n{share:.1%} of the operations.\n")
    for reason, count in reasons.most_common():
        print(f"- {count}: {reason}")


def large(schemas: int = 6300, operations: int = 150) -> None:
    def schema(number: int) -> dict[str, Any]:
        text = {"type": "string", "description": "y" * 200}
        others = [{"$ref": f"#/components/schemas/S{(number * 7 + place) % schemas}"} for place in range(40)]
        properties = {f"p{place}": text if place % 3 else others[place] for place in range(40)}
        return {"type": "object", "description": "x" * 800, "properties": properties}

    def operation(number: int) -> dict[str, Any]:
        body = {"application/json": {"schema": {"$ref": f"#/components/schemas/S{number}"}}}
        return {"post": {"operationId": f"op{number}", "requestBody": {"content": body}}}

    document = {
        "openapi": "3.1.0",
        "paths": {f"/r{number}": operation(number) for number in range(operations)},
        "components": {"schemas": {f"S{number}": schema(number) for number in range(schemas)}},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large.json")
        path.write_text(json.dumps(document))
        start = time.perf_counter()
        found = read(path)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{path.stat().st_size / 1e6:.0f} MB: {len(found.tools)} of {operations} operations are tools, "
            f"{len(found.cut)} cut, {time.perf_counter() - start:.1f} s, peak {peak:.0f} MiB"
        )


def _kind(line: str) -> str:
    """The reason of a skipped operation, without names and values."""
    for kind in (
        "no JSON body",
        "no way to draw a value for its pattern",
        "no way to draw a value",
        "no fitting value",
    ):
        if kind in line:
            return kind
    return re.sub(r"'[^']*'|\S*[/.$]\S*", "...", line.partition(": ")[2])[:100]


if __name__ == "__main__":
    main()
