"""What becomes of published documents: `python benchmarks/import.py DOCUMENT...` prints a table row for each."""

import re
import sys
import time
from collections import Counter
from pathlib import Path

from tool_dpo.adopt import adopt
from tool_dpo.importers import read


def main() -> None:
    print("| document | operations | tools | with a proved triplet | cut | seconds |\n|:--|--:|--:|--:|--:|--:|")
    reasons: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for path in map(Path, sys.argv[1:]):
        found = read(path)
        start = time.perf_counter()
        adopted = adopt(str(path))
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
