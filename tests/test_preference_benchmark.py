"""More requests for held-out tools: five of each, of no tool that is trained on."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.helpers import ROOT
from tool_dpo.params import load_params
from tool_dpo.tools.tool import read_tools
from tool_dpo.triplets.split import held_out
from tool_dpo.triplets.triplet import read_triplets


def test_each_held_out_tool_gets_five_requests(tmp_path: Path) -> None:
    outs = {name: tmp_path / f"{name}.jsonl" for name in ("validation", "test")}
    command = [sys.executable, "-m", "benchmarks.preference.requests", "data/tools", *map(str, outs.values())]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    params = load_params(ROOT / "params.yaml")
    names = [tool.name for tool in read_tools(ROOT / "data/tools")]
    for name, path in outs.items():
        made = list(read_triplets(path))
        expected = {tool for tool in names if held_out(tool, params.split, params.seed) == name}
        assert Counter(one.tool for one in made) == dict.fromkeys(expected, 5)
        assert len({one.prompt for one in made}) == len(made)
