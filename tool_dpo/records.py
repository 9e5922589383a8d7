"""Read and write JSON and JSON Lines. Errors name the line. A file is written completely or not at all."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from tool_dpo.errors import InputError


@contextmanager
def atomic(path: Path) -> Iterator[TextIO]:
    """Open a temporary file for writing. It replaces `path` when the block ends without an error.

    Raises:
        InputError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, document: Any) -> None:
    with atomic(path) as file:
        json.dump(document, file, indent=2, ensure_ascii=False)
        file.write("\n")


def read_json(path: Path) -> Any:
    """Read a JSON file that this project wrote.

    Raises:
        InputError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON: {error}") from None


def write_lines(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """Write each record as one JSON object on its own line."""
    with atomic(path) as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number (from 1) and the JSON object of each line.

    Raises:
        InputError: the file is missing, or a line is not a JSON object.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    with file:
        for number, line in enumerate(file, 1):
            try:
                record = json.loads(line.decode("utf-8"))
                if b"\\ud" in line.lower():
                    json.dumps(record, ensure_ascii=False).encode()  # fails for a lone surrogate (half a character)
            except (ValueError, RecursionError) as error:
                raise InputError(f"{path}:{number}: not a JSON line: {error}") from None
            if not isinstance(record, dict):
                raise InputError(f"{path}:{number}: expected a JSON object, got {type(record).__name__}")
            yield number, record
