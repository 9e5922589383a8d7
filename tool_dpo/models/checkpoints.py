"""Where unfinished work is kept: outside the outs of all stages, under a key that identifies the work."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tool_dpo.files import damage, put_aside
from tool_dpo.models.weights import ADAPTER, CONFIG, TEMPLATES, TENSORS, WEIGHTS

CHECKPOINTS = Path(".checkpoints")
_LIBRARIES = ("torch", "transformers", "trl", "peft")


def fingerprint(settings: Mapping[str, Any], files: Iterable[Path]) -> str:
    """A hash of settings, files, our code and library versions. Two runs share it only if they do the same work."""
    versions = {name: version(name) for name in _LIBRARIES}
    digest = hashlib.sha256(json.dumps([settings, versions], sort_keys=True).encode())
    for path in (*files, *sorted(Path(__file__).parents[1].rglob("*.py"))):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def model_files(folder: Path) -> list[Path]:
    """The files that determine the output of a model folder's model."""
    names = (WEIGHTS, *TEMPLATES, ADAPTER, TENSORS, CONFIG, "tokenizer.json", "tokenizer_config.json")
    whole = sorted(folder.glob("model*.safetensors"))
    return [*(folder / name for name in names if (folder / name).exists()), *whole]


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint of a training. Damaged ones are put aside and named on stderr."""
    whole = []
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2])):
        if reason := damage(checkpoint):
            put_aside(checkpoint, reason)
        else:
            whole.append(checkpoint)
    return whole[-1] if whole else None
