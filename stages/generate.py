"""Make triplets from the tool definitions."""

from functools import partial

from tool_dpo.errors import run
from tool_dpo.formats.length import Limit
from tool_dpo.params import load_params
from tool_dpo.records import read_texts, write_lines
from tool_dpo.stage import paths
from tool_dpo.tools.tool import read_tools
from tool_dpo.triplets.generate import generate
from tool_dpo.triplets.split import held_out


def main() -> None:
    tools, small_talk, out = paths("tools", "small_talk", "out", description=__doc__)
    params = load_params()
    apart = partial(held_out, params=params.split, seed=params.seed)
    limit = Limit(params.chosen.weights.max_length, params.chosen.format, params.chosen.template)
    talk = read_texts(small_talk)
    triplets = generate(read_tools(tools), params.generate, params.seed, apart, limit, talk)
    write_lines(out, (triplet.record() for triplet in triplets))


if __name__ == "__main__":
    run(main)
