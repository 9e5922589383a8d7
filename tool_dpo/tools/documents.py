"""Read a JSON, JSON Lines or YAML file strictly: it must have plain JSON values. Errors are one line."""

import json
import math
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, ScalarNode
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from tool_dpo.aliases import written_length
from tool_dpo.errors import InputError
from tool_dpo.records import parse_strict

_LINES = (".jsonl", ".ndjson")
SUFFIXES = (".json", *_LINES, ".yaml", ".yml")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+")
_MOST_ALIASED = 10_000_000
"""Most characters that a YAML document gains if each alias is replaced by a copy of what it stands for."""
_STRING = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"


def read_document(path: Path) -> Any:
    """Read the document in a file: JSON or JSON Lines by the end of its name, otherwise YAML. No other file is read.

    The lines of JSON Lines become one list. A `.json` file may have lines too.

    Raises:
        InputError: there is no such file, or it is not UTF-8, not JSON or not YAML.
        ValueError: it has a value that Python cannot represent, such as a number of 5,000 digits.
        RecursionError: it is nested too deeply.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() in _LINES:
            return _lines(text)
        return _json(text) if path.suffix.lower() == ".json" else _yaml(text)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}: column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8: byte {error.start}") from None
    except UnicodeEncodeError as error:
        raise InputError(f"{path}: {error.object[error.start]!r} is half a character (a lone surrogate)") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = "more than one document" if error.problem == "but found another document" else error.problem
        raise InputError(f"{path}:{line}: not YAML: {problem}") from None
    except YAMLError as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    except (LookupError, AttributeError, TypeError):  # of a tag and a text that do not fit, as in `!!bool perhaps`
        raise InputError(f"{path}: not YAML: a tag that its value does not fit") from None


def _json(text: str) -> Any:
    try:
        return _strict(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise
        return _lines(text)


def _strict(text: str) -> Any:
    document = parse_strict(text)
    json.dumps(document, ensure_ascii=False).encode()  # fails for a lone surrogate (half a character)
    return document


def _lines(text: str) -> list[Any]:
    """The value of each line. An error has the line's number."""
    values = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            values += [_strict(line)] if line.strip() else []
        except json.JSONDecodeError as error:
            raise json.JSONDecodeError(error.msg, "\n" * (number - 1) + line, error.pos + number - 1) from None
    return values


def _yaml(text: str) -> Any:
    yaml = YAML(typ="safe", pure=True)  # YAML 1.2
    yaml.Constructor = _Constructor
    return yaml.load(text)


class _Constructor(SafeConstructor):
    """Gives only JSON values. A scalar that is no JSON value, such as `on`, `012` or `2026-01-01`, is a text.

    All keys are texts, as they are written: OpenAPI limits them to YAML's failsafe schema.
    """

    def get_single_data(self) -> Any:
        node = self.composer.get_single_node()
        if node is None:
            return None
        if written_length(node) > node.end_mark.index + _MOST_ALIASED:
            raise YAMLError(f"its aliases stand for more than {_MOST_ALIASED:,} characters")
        return self.construct_document(node)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        for key, _ in node.value:
            if not isinstance(key, ScalarNode):
                raise ConstructorError(None, None, "a key is not a text", key.start_mark)
            if key.tag != _MERGE:
                key.tag = _STRING
        known: set[str] = set()
        for key, _ in node.value if getattr(node, "merge", None) is None else ():
            if key.value in known:
                raise ConstructorError(None, None, f"{key.value[:60]!r} is given twice in one mapping", key.start_mark)
            known.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: Any) -> Any:
        return super().construct_yaml_int(node) if _INTEGER.fullmatch(node.value) else node.value

    def construct_yaml_float(self, node: Any) -> Any:
        number = super().construct_yaml_float(node)
        if not math.isfinite(number):
            raise ConstructorError(None, None, "not a JSON number", node.start_mark)
        return node.value if "_" in node.value else number

    def construct_as_written(self, node: Any) -> Any:
        return node.value


for _type, _construct in {
    "int": _Constructor.construct_yaml_int,
    "float": _Constructor.construct_yaml_float,
    "timestamp": _Constructor.construct_as_written,
    "value": _Constructor.construct_as_written,
}.items():
    _Constructor.add_constructor(f"tag:yaml.org,2002:{_type}", _construct)
