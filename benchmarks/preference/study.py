"""The study: {decision examples in SFT: none, some} x {preference pairs: none, schema, decisions, both} on a model.

    python -m benchmarks.preference.study                 # prints what is recorded in study/
    python -m benchmarks.preference.study --model NAME    # first measures what is missing there of this model

A row is named EXAMPLES-PAIRS: `some-schema` is trained on decision examples in SFT, then on pairs that break a schema.
Each row is measured on the validation tools. Then the two finalists are trained with two more seeds: the seed of their
last training, so that all seeds of a row with pairs start from one SFT model. With --test, the finalists and the SFT
models that they start from are asked the requests to the test tools too.

All trainings run the pipeline's own stages, each with a params.yaml of its own, in runs/ (not in git); the workspace
stays as it is. A killed study continues where it stopped. What it cost is that of the stages that ran to their end: a
training that was killed counts from where it went on.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

from ruamel.yaml import YAML

from benchmarks.preference.score import scored
from benchmarks.preference.table import MEASURES, changes, levels
from tool_dpo.errors import InputError, run
from tool_dpo.params import PARAMS, load_params
from tool_dpo.records import read_json, write_json, write_lines
from tool_dpo.report.tables import markdown

RESULTS = Path("benchmarks/preference/study")
EARLIER = "earlier"
"""The folder of results of runs with earlier code, which cannot be repeated."""
RUNS = Path("benchmarks/preference/runs")
Settings = Mapping[tuple[str, ...], Any]
"""Values by their place in params.yaml."""
NOT_MINED: Settings = {("mine", "samples"): 0, ("pairs", "mined"): 0.0}
PAIRS: dict[str, Settings] = {
    "none": {},
    "schema": {("pairs", "typed"): "balanced", ("pairs", "decisions"): 0.0},
    "decisions": {("pairs", "typed"): "none", ("pairs", "decisions"): 1.0},
    "both": {("pairs", "typed"): "balanced", ("pairs", "decisions"): 1.0},
}
EXAMPLES = {"none": 0.0, "some": 1.0}
"""The share of the decision examples that SFT trains on, `sft.decisions`."""
MORE_SEEDS = (1, 2)


@dataclass(frozen=True)
class Row:
    """A trained model; after SFT alone if `pairs` is `none`.

    seed: of its last training; None: that of params.yaml.
    """

    examples: str
    pairs: str
    seed: int | None = None

    @property
    def name(self) -> str:
        return f"{self.examples}-{self.pairs}" + (f"-{self.seed}" if self.seed is not None else "")

    @property
    def start(self) -> "Row | None":
        """The SFT model that it was trained from."""
        return Row(self.examples, "none") if self.pairs != "none" else None


GRID = [Row(examples, pairs) for examples in EXAMPLES for pairs in PAIRS]
NAMES = [row.name for row in GRID]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="measure what is missing of this model of params.yaml")
    parser.add_argument("--finalists", nargs="+", choices=NAMES, metavar="ROW", help="default: see README.md there")
    parser.add_argument("--test", action="store_true", help="ask the finalists the requests to the test tools too")
    asked = parser.parse_args()
    if asked.model is None:
        for folder in sorted(path for path in RESULTS.iterdir() if path.is_dir()):
            _print(folder)
        return
    study = Study(asked.model)
    try:
        study.record(GRID, "validation")
        names = asked.finalists or best(study.results)
        finalists = [row for row in GRID if row.name in names]
        study.record([replace(row, seed=seed) for row in finalists for seed in MORE_SEEDS], "validation")
        if asked.test:
            starts = [row.start for row in finalists]
            study.record([row for row in GRID if row in finalists or row in starts], "test")
    finally:
        _print(study.results)


class Study:
    """The study of a model: its data, made anew; its trained models, in a folder for these data and settings."""

    def __init__(self, model: str) -> None:
        """Make the data.

        Raises:
            InputError: there is no such model, the data cannot be made, or the recorded rows are of others.
        """
        params = load_params()
        if model not in params.models:
            raise InputError(f"--model: {model!r} is not in {PARAMS}, expected one of {', '.join(params.models)}")
        self.model = model
        self.results = RESULTS / model
        self.data = RUNS / model / "data"
        _make_data(self.data, model)
        self.key = _key(self.data)
        self.runs = RUNS / model / self.key
        for path in sorted(self.results.glob("*/*.json")):
            if read_json(path)["of"] != self.key:
                told = f"{path}: recorded with other settings, requests or training data"
                raise InputError(f"{told}: move {self.results} away, or go back to these")

    def record(self, rows: Iterable[Row], part: str) -> None:
        """Measure the rows that are not recorded on a part of the requests.

        Raises:
            InputError: a stage failed. Its row is left out, and the others are measured.
        """
        faults = []
        for row in rows:
            out = self.results / part / f"{row.name}.json"
            try:
                if not out.exists():
                    self._measure(row, part, out)
            except InputError as error:
                faults.append(str(error))
        if faults:
            raise InputError(*faults)

    def _measure(self, row: Row, part: str, out: Path) -> None:
        print(f"{self.model}: {row.name} on {part} tools", file=sys.stderr)
        folder = self._trained(row)
        answers = [self._answers(one, part) for one in (row.start, row) if one]
        cost = {"training": read_json(_cost(folder / "model")), "answers": read_json(_cost(answers[-1]))}
        if row.start:
            out.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / "curve.csv", out.with_suffix(".csv"))
        write_json(out, {"of": self.key, **scored(*answers), "cost": cost})

    def _trained(self, row: Row) -> Path:
        """The folder of a row's model and curve."""
        folder = self.runs / row.name
        model, curve = folder / "model", folder / "curve.csv"
        if _cost(model).exists():
            return folder
        seed: Settings = {} if row.seed is None else {("seed",): row.seed}
        examples: Settings = {("models", self.model, "sft", "decisions"): EXAMPLES[row.examples]}
        _write_params(folder, self.model, {**examples, **PAIRS[row.pairs], **seed})
        if row.start is None:
            _stage(folder, "sft", self.data / "sft.jsonl", self.data / "base", model, curve, out=model)
        else:
            sft = self._trained(row.start) / "model"
            pairs, counts = folder / "pairs.jsonl", folder / "pairs.json"
            _run(folder, "stages.pairs", self.data / "preference.jsonl", self.data / "mined.jsonl", pairs, counts)
            _stage(folder, "dpo", pairs, sft, model, curve, out=model)
        return folder

    def _answers(self, row: Row, part: str) -> Path:
        folder = self._trained(row)
        out = folder / f"{part}.jsonl"
        if not _cost(out).exists():
            _stage(folder, "answer", self.data / f"requests/{part}.jsonl", folder / "model", out, out=out)
        return out


def _make_data(folder: Path, model: str) -> None:
    """Make the training data and the requests as the pipeline does, in a folder."""
    _write_params(folder, model, {("models", model, "sft", "decisions"): EXAMPLES["some"]})
    sources = [Path("data/tools"), Path("data/small_talk.txt")]
    parts = [folder / f"{name}.jsonl" for name in ("sft", "preference", "validation", "test")]
    triplets, base = folder / "triplets.jsonl", folder / "base"
    checked = [folder / name for name in ("data.json", "details.json")]
    requests = [folder / f"requests/{part}.jsonl" for part in ("validation", "test")]
    _run(folder, "stages.weights", base)
    _run(folder, "stages.generate", *sources, triplets)
    _run(folder, "stages.validate", triplets, base, *checked)
    _run(folder, "stages.split", triplets, base, *parts)
    _run(folder, "benchmarks.preference.requests", *sources, *requests)
    write_lines(folder / "mined.jsonl", [])


def _key(data: Path) -> str:
    """What all rows of one table share: the data, and the settings that no row changes."""
    params = load_params(data / PARAMS)
    settings = [params.seed, params.beta, params.loss_type, asdict(params.answer), asdict(params.chosen)]
    digest = hashlib.sha256(json.dumps(settings).encode())
    for name in ("sft", "preference", "requests/validation", "requests/test"):
        digest.update(hashlib.sha256((data / f"{name}.jsonl").read_bytes()).digest())
    return digest.hexdigest()[:12]


def _write_params(folder: Path, model: str, settings: Settings) -> None:
    """Write the project's params.yaml into a folder, for a model and with other settings.

    If the model's chat template can say that an answer may be words, it does: in all rows, so that all are asked alike.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # the order of generate.mix counts
    document = yaml.load(PARAMS.read_text(encoding="utf-8"))
    if "decisions" in (template := document["models"][model]["template"]):
        template["decisions"] = True
    for (*parents, last), value in {("model",): model, **NOT_MINED, **settings}.items():
        place = document
        for parent in parents:
            place = place[parent]
        place[last] = value
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / PARAMS).open("w", encoding="utf-8") as file:
        yaml.dump(document, file)


def _stage(folder: Path, stage: str, *paths: Path, out: Path) -> None:
    """Run a stage that makes `out`. What it cost is written last: that file says that the stage ran to its end."""
    _run(folder, "benchmarks.preference.cost", _cost(out), f"stages.{stage}", *paths)


def _cost(out: Path) -> Path:
    return out.with_name(f"{out.stem}-cost.json")


def _run(folder: Path, module: str, *arguments: Path | str) -> None:
    """Run a module of the project where a params.yaml of its own lies.

    Raises:
        InputError: it failed.
    """
    paths = [one.resolve() if isinstance(one, Path) else one for one in arguments]
    search = os.pathsep.join([str(Path.cwd()), *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = subprocess.run(
        [sys.executable, "-m", module, *paths], cwd=folder, env={**os.environ, "PYTHONPATH": search}, check=False
    )
    if ended.returncode:
        raise InputError(f"{folder}: a stage failed, and its message is above")


def best(results: Path) -> list[str]:
    """The names of the two rows of the grid with the highest `_standing`, the better one first."""
    return sorted(NAMES, key=lambda name: -_standing(read_json(results / f"validation/{name}.json")))[:2]


def _standing(result: dict[str, Any]) -> float:
    """The mean of all rates of a row, where a call that should not have been made counts against it."""
    summary = result.get("dpo", result["sft"])
    found = {**summary, **summary["decisions"]}
    rates: dict[str, float] = {name: found[name]["rate"] for name in MEASURES}
    return mean({**rates, "over_call": 1 - rates["over_call"]}.values())


def _print(folder: Path) -> None:
    """Print the tables of a folder of results."""
    for title, results in _recorded(folder).items():
        if found := [path for path in results if path.exists()]:
            print(f"{title}\n\n{markdown(levels(found), changes(found))}\n")


def _recorded(folder: Path) -> dict[str, list[Path]]:
    """The results that make one table, by its title."""
    if folder.name == EARLIER:
        of_one_sft = sorted(folder.glob("*.json"), key=lambda path: (json.dumps(read_json(path)["sft"]), path))
        return {"Earlier runs, validation tools": of_one_sft}
    grid = [folder / f"validation/{name}.json" for name in NAMES]
    seeds = [[path, *sorted(path.parent.glob(f"{path.stem}-*.json"))] for path in grid]
    return {
        f"{folder.name}, validation tools": grid,
        f"{folder.name}, validation tools, three seeds": [path for paths in seeds if len(paths) > 1 for path in paths],
        f"{folder.name}, test tools": [folder / f"test/{name}.json" for name in NAMES],
    }


if __name__ == "__main__":
    run(main)
