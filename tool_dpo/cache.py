"""The user's cache: what is dear to make again, kept outside the project, so that each copy of it finds it."""

import json
import os
from pathlib import Path
from tempfile import mkstemp
from typing import Any


def cache_folder(name: str) -> Path:
    """This user's folder of that name: `$XDG_CACHE_HOME/tool-dpo/NAME`, by default in `~/.cache`."""
    home = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (home if home.is_absolute() else Path.home() / ".cache") / "tool-dpo" / name


def keep(path: Path, document: Any) -> None:
    """Write a JSON file, whole or not at all, in a folder that only this user can enter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    descriptor, temporary = mkstemp(dir=path.parent)  # readable by this user alone
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def kept(path: Path) -> Any:
    """The document of such a file; None where there is none that can be read."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
