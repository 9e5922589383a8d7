"""Where unfinished work waits: outside every stage's outs, under a key that only the same work has."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tool_dpo.model import ADAPTER, WEIGHTS

CHECKPOINTS = Path(".checkpoints")


def fingerprint(settings: Mapping[str, Any], files: Iterable[Path]) -> str:
    """A key that two runs share only if they would train the same model: settings and file contents, hashed."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def model_files(folder: Path) -> list[Path]:
    """The files that decide what a model folder computes."""
    names = (WEIGHTS, ADAPTER, "adapter_model.safetensors")
    return [folder / name for name in names if (folder / name).exists()]
