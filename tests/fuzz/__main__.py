"""Fuzz the parsers: `python -m tests.fuzz [TARGET] --minutes 1`. Each new crash becomes a case in tests/cases/fuzz.

Coverage guides it where atheris is installed (`requirements/fuzz.txt`); otherwise mutations are drawn blindly.
"""

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.fuzz.mutations import MOST, mutate
from tests.fuzz.targets import CASES, TARGETS, Failure, check

_MEMORY = 4 * 2**30
"""Bytes of address space; more counts as a crash (MemoryError)."""
_SHRINKING = 20.0
"""Longest time for making a crash smaller, in seconds."""


class Campaign:
    """Tries inputs of one target, counts them, and keeps the smallest input found for each crash."""

    def __init__(self, name: str, minutes: float, folder: Path) -> None:
        self.name = name
        self._folder = folder / name
        self._start = time.monotonic()
        self._end = self._start + 60 * minutes
        self._runs = 0
        self._crashes: list[Failure] = []

    @property
    def over(self) -> bool:
        return time.monotonic() > self._end

    def run(self, data: bytes) -> None:
        self._runs += 1
        failure = check(self.name, data)
        if failure and not any(failure.same(known) for known in self._crashes):
            self._crashes.append(failure)
            small = _shrunk(self.name, data, failure)
            path = self._folder / hashlib.sha256(small).hexdigest()[:16]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(small)
            print(f"{path}: {failure.kind} in {failure.place}: {failure.message!r}", flush=True)

    def close(self) -> int:
        seconds = time.monotonic() - self._start
        print(f"{self.name}: {self._runs} runs in {seconds:.0f} s, {len(self._crashes)} crashes", flush=True)
        return 1 if self._crashes else 0


def _shrunk(name: str, data: bytes, failure: Failure) -> bytes:
    end, size = time.monotonic() + _SHRINKING, len(data) // 2
    while size:
        start = 0
        while start < len(data) and time.monotonic() < end:
            smaller = data[:start] + data[start + size :]
            if failure.same(check(name, smaller)):
                data = smaller
            else:
                start += size
        size //= 2
    return data


def _fuzz(campaign: Campaign) -> int:
    try:
        import atheris
    except ImportError:
        return _blindly(campaign)
    with atheris.instrument_imports(include=["tool_dpo"]):
        from tests.fuzz.seeds import seeds

        known = seeds(campaign.name)
        for seed in known:  # imports everything that the target needs
            campaign.run(seed)

    def one(data: bytes) -> None:
        campaign.run(data)
        if campaign.over:
            code = campaign.close()
            folder.cleanup()
            os._exit(code)

    def change(data: bytes, most: int, seed: int) -> bytes:
        return mutate(data, Random(seed))[:most] if seed % 4 else atheris.Mutate(data, most)

    folder = TemporaryDirectory()
    corpus = Path(folder.name, "corpus")
    corpus.mkdir()
    for index, seed in enumerate(known):
        (corpus / str(index)).write_bytes(seed)
    options = [
        f"-max_len={MOST}",
        "-timeout=120",
        "-rss_limit_mb=0",
        "-verbosity=0",
        f"-artifact_prefix={folder.name}/",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one, custom_mutator=change)
    atheris.Fuzz()
    return 1


def _blindly(campaign: Campaign) -> int:
    from tests.fuzz.seeds import seeds

    rng, known = Random(), seeds(campaign.name)
    for seed in known:
        campaign.run(seed)
    while not campaign.over:
        campaign.run(mutate(rng.choice(known), rng))
    return campaign.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", nargs="?", choices=list(TARGETS), help="all of them, one after another, if left out")
    parser.add_argument("--minutes", type=float, default=1.0, help="time for each target (default 1)")
    parser.add_argument("--out", type=Path, default=CASES / "fuzz", help="where crashes go (default tests/cases/fuzz)")
    asked = parser.parse_args()
    if asked.target is None:
        options = ["--minutes", str(asked.minutes), "--out", str(asked.out)]
        command = [sys.executable, "-m", "tests.fuzz"]
        ended = [subprocess.run([*command, name, *options], check=False).returncode for name in TARGETS]
        return int(any(ended))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    return _fuzz(Campaign(asked.target, asked.minutes, asked.out))


if __name__ == "__main__":
    sys.exit(main())
