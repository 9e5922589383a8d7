"""How much the requests for imported tools read like people's, judged without a model.

    python benchmarks/wording.py DOCUMENT...              # a table row for each
    python benchmarks/wording.py --show 20 DOCUMENT...    # ... and some of the requests

For each tool of a document, at most 200 of them, eight requests are made. The columns:

- different words, pairs and triples of words, as shares of all (distinct-n, Li et al., 2016), in at most 2,000 of them;
- the share of the most frequent first three words;
- words in a request: a tenth are shorter than the first number, half than the second, nine tenths than the third;
- the share of requests that contain a parameter's name as it stands in the schema, names of one plain word apart;
- the share of requests that say all words of such a name in a row, as in "task title Review".
"""

import argparse
import random
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tool_dpo.tools.catalog import Speaker
from tool_dpo.tools.importers import read
from tool_dpo.tools.names import words
from tool_dpo.tools.tool import Tool, parse_tool
from tool_dpo.tools.wording import word

TOOLS = 200
EACH = 8
COMPARED = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", nargs="+", type=Path)
    parser.add_argument("--show", type=int, default=0)
    options = parser.parse_args()
    print("| document | requests | 1 | 2 | 3 | first words | length | names | words of names |")
    print("|:--|--:|--:|--:|--:|--:|--:|--:|--:|")
    shown: list[str] = []
    for path in options.documents:
        made = list(requests(path))
        print(f"| {path.parent.name}/{path.name} | {len(made)} | {' | '.join(judged(made))} |")
        shown += [text for _, text in made]
    for text in random.Random(1).sample(shown, min(options.show, len(shown))):
        print(f"- {text}")


def requests(path: Path) -> Iterator[tuple[Tool, str]]:
    entries = read(path).kept
    for entry in entries[:: -(-len(entries) // TOOLS)]:
        try:
            tool = parse_tool(word(replace(parse_tool(entry.tool, path), written=entry.written)), path)
            texts = [Speaker(random.Random(f"{tool.name}/{seed}"), 0.5).request(tool).text for seed in range(EACH)]
        except ValueError:
            continue
        yield from ((tool, text) for text in texts)


def judged(made: list[tuple[Tool, str]]) -> Iterator[str]:
    said = [re.findall(r"\w+|[^\w\s]", text.lower()) for _, text in made]
    compared = random.Random(1).sample(said, min(COMPARED, len(said)))
    for size in (1, 2, 3):
        runs = [tuple(one[at : at + size]) for one in compared for at in range(len(one) - size + 1)]
        yield f"{len(set(runs)) / len(runs):.2f}"
    first = Counter(tuple(one[:3]) for one in said)
    yield f"{max(first.values()) / len(said):.1%}"
    tenths = statistics.quantiles(map(len, said), n=10)
    yield f"{tenths[0]:.0f}, {tenths[4]:.0f}, {tenths[8]:.0f}"
    yield f"{share(made, raw=True):.1%}"
    yield f"{share(made, raw=False):.1%}"


def share(made: list[tuple[Tool, str]], *, raw: bool) -> float:
    """The share of requests that contain a name of several words of their tool, as it is or in words."""
    count = 0
    for tool, text in made:
        names = [name for name in tool.parameters.get("properties", {}) if " " in words(name)]
        forms = names if raw else [words(name) for name in names]
        count += any(re.search(rf"(?<!\w){re.escape(form)}(?!\w)", text, 0 if raw else re.IGNORECASE) for form in forms)
    return count / len(made)


if __name__ == "__main__":
    main()
