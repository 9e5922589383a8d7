"""More requests to the held-out tools than the pipeline asks, so that small differences stand out from noise."""

from dataclasses import replace
from functools import partial
from typing import get_args

from tool_dpo.errors import run
from tool_dpo.formats.length import Limit
from tool_dpo.params import Undecided, load_params
from tool_dpo.records import read_texts, write_lines
from tool_dpo.stage import paths
from tool_dpo.tools.tool import read_tools
from tool_dpo.triplets.generate import generate
from tool_dpo.triplets.split import held_out

CALLS = 2
"""Requests for one call, to each tool. For each other decision a tool gets one."""


def main() -> None:
    folder, small_talk, *outs = paths("tools", "small_talk", "validation", "test", description=__doc__)
    params = load_params()
    apart = partial(held_out, params=params.split, seed=params.seed)
    tools = [tool for tool in read_tools(folder) if apart(tool.name)]
    decisions = dict.fromkeys(get_args(Undecided), 1 / CALLS)
    settings = replace(params.generate, triplets=CALLS * len(tools), variants=0, decisions=decisions)
    limit = Limit(params.chosen.weights.max_length, params.chosen.format, params.chosen.template)
    made = list(generate(tools, settings, params.seed, apart, limit, read_texts(small_talk)))
    for name, out in zip(("validation", "test"), outs, strict=True):
        write_lines(out, (triplet.record() for triplet in made if apart(triplet.tool) == name))


if __name__ == "__main__":
    run(main)
