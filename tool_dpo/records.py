"""Read and write JSON and JSON Lines. Errors name the line."""

import json
import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.files import atomic

_MOST_DIGITS = 310
"""Digits and sign of the largest whole numbers. They must not be larger than any float (RFC 8259, section 6)."""


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
        return parse_strict(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON: {error}") from None


def read_texts(path: Path) -> list[str]:
    """The lines of a text file that are not empty.

    Raises:
        InputError: the file is missing or is not UTF-8.
    """
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8: {error}") from None


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
                record = parse_strict(line.decode("utf-8"))
                if b"\\ud" in line.lower():
                    json.dumps(record, ensure_ascii=False).encode()  # fails for a lone surrogate (half a character)
            except (ValueError, RecursionError) as error:
                raise InputError(f"{path}:{number}: not a JSON line: {error}") from None
            if not isinstance(record, dict):
                raise InputError(f"{path}:{number}: expected a JSON object, got {type(record).__name__}")
            yield number, record


def parse_strict(text: str) -> Any:
    """Parse JSON (RFC 8259) to the letter, unlike `json.loads`.

    Raises:
        ValueError: the text is not JSON, has NaN, Infinity or a number too large for a float, or gives a name twice in
            one object.
        RecursionError: it is nested too deeply.
    """
    return json.loads(
        text,
        parse_float=_finite,
        parse_int=_whole if len(text) >= _MOST_DIGITS - 1 else None,
        parse_constant=_refuse_constant,
        object_pairs_hook=_unique_names,
    )


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text:.40} is too large a number")
    return number


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS or abs(int(text)) > sys.float_info.max:
        raise ValueError(f"{text[:20]}... is too large a number")
    return int(text)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{json.dumps(twice)[:60]} is given twice in one object")
    return result
