"""What is recorded in git is what the code makes: the data's checksum, the README's table."""

import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import yaml

from tests.helpers import ROOT
from tool_dpo.params import load_params
from tool_dpo.report.tables import markdown, tables
from tool_dpo.tools.tool import read_tools
from tool_dpo.triplets.negatives import MAKERS
from tool_dpo.triplets.split import held_out

PARAMS = load_params(ROOT / "params.yaml")


def test_generated_data_are_the_same_bytes_as_on_the_recording_machine(tmp_path: Path) -> None:
    (out,) = yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]["generate"]["outs"]
    files = ["data/tools", "data/small_talk.txt", str(tmp_path / "triplets.jsonl")]
    command = [sys.executable, "-m", "stages.generate", *files]
    subprocess.run(command, cwd=ROOT, check=True, env={"PYTHONHASHSEED": "7", "PATH": "/usr/bin:/bin"})
    assert hashlib.md5((tmp_path / "triplets.jsonl").read_bytes()).hexdigest() == out["md5"]


def test_the_readme_shows_the_recorded_metrics() -> None:
    assert markdown(*tables(ROOT / "metrics")) in (ROOT / "README.md").read_text()


def test_the_recorded_run_is_large_enough() -> None:
    data = json.loads((ROOT / "metrics/data.json").read_text())
    tools = read_tools(ROOT / "data/tools")
    each, more = divmod(PARAMS.generate.triplets, len(tools))
    written = [
        (each + (index < more), held_out(tool.name, PARAMS.split, PARAMS.seed)) for index, tool in enumerate(tools)
    ]
    varied = PARAMS.generate.variants * sum(count for count, part in written if part is None)
    assert data["triplets"] - data["decisions"] == PARAMS.generate.triplets + varied
    assert json.loads((ROOT / "metrics/dpo.json").read_text())["n"] >= 160
    assert data["tools"] == len(tools) >= 120
    assert len({tool.source for tool in tools}) >= 15


def test_every_keyword_has_enough_recorded_negatives() -> None:
    counts: Counter[str] = Counter()
    for kind, keywords in json.loads((ROOT / "metrics/details/data.json").read_text())["keywords"].items():
        if kind != "wrong_tool":
            counts.update(keywords)
    absent = {"minProperties", "maxProperties", "contains", "items"}  # no tool has them
    absent |= {"anyOf", "oneOf"}  # the tools have them for "X or null" only, which counts under the keywords of X
    assert {keyword for keyword in MAKERS if counts[keyword] < 10} == absent
