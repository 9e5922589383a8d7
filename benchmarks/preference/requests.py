"""More requests to the held-out tools than the pipeline asks, so that small differences stand out from noise."""

from dataclasses import replace

from tool_dpo.errors import run
from tool_dpo.params import load_params
from tool_dpo.records import write_lines
from tool_dpo.stage import paths
from tool_dpo.tools.tool import read_tools
from tool_dpo.triplets.generate import generate
from tool_dpo.triplets.split import held_out

REQUESTS = 5
"""Of each tool."""


def main() -> None:
    folder, *outs = paths("tools", "validation", "test", description=__doc__)
    params = load_params()
    every = read_tools(folder)
    parts = {tool.name: held_out(tool.name, params.split, params.seed) for tool in every}
    tools = [tool for tool in every if parts[tool.name]]
    settings = replace(params.generate, triplets=REQUESTS * len(tools), variants=0, decisions={})
    made = list(generate(tools, settings, params.seed))
    for name, out in zip(("validation", "test"), outs, strict=True):
        write_lines(out, (triplet.record() for triplet in made if parts[triplet.tool] == name))


if __name__ == "__main__":
    run(main)
