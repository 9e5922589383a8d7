"""Read a JSON or YAML file strictly: it must be one document of plain JSON values. Errors are one line."""

import json
import math
import re
from pathlib import Path
from typing import Any

import yaml

from tool_dpo.aliases import written_length
from tool_dpo.errors import InputError
from tool_dpo.records import parse_strict

SUFFIXES = (".json", ".yaml", ".yml")
_DEEPEST = 200
"""Deepest nesting of a YAML document that is read. Far deeper nesting would crash libyaml's Python binding."""
_MOST_ALIASED = 10_000_000
"""Most characters that a YAML document gains if each alias is replaced by a copy of what it stands for."""


def read_document(path: Path) -> Any:
    """Read the document in a file: JSON if its name ends in `.json`, otherwise YAML. No other file is read.

    Raises:
        InputError: there is no such file, or it is not UTF-8, not JSON or not YAML.
        ValueError: it has a value that Python cannot represent, such as a number of 5,000 digits.
        RecursionError: it is nested too deeply.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return _json(text) if path.suffix.lower() == ".json" else yaml.load(text, _Loader)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg} at column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8: byte {error.start}") from None
    except UnicodeEncodeError as error:
        raise InputError(f"{path}: {error.object[error.start]!r} is half a character (a lone surrogate)") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{path}:{line}: not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    except (LookupError, AttributeError, TypeError):  # of a tag and a text that do not fit, as in `!!bool perhaps`
        raise InputError(f"{path}: not YAML: a tag that its value does not fit") from None


def _json(text: str) -> Any:
    document = parse_strict(text)
    json.dumps(document, ensure_ascii=False).encode()  # fails for a lone surrogate (half a character)
    return document


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A YAML loader that gives only JSON values (YAML 1.2): `on`, `2026-01-01` and all keys are strings."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012
    yaml_constructors = {  # noqa: RUF012
        tag: constructor
        for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] in ("null", "bool", "int", "float", "str", "seq", "map")
    }
    _depth = 0

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._most = len(text) + _MOST_ALIASED

    def get_single_node(self) -> Any:
        node = super().get_single_node()
        if node and written_length(node) > self._most:
            raise yaml.YAMLError(f"its aliases stand for more than {_MOST_ALIASED:,} characters")
        return node

    def descend_resolver(self, parent: Any, index: Any) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise RecursionError

    def ascend_resolver(self) -> None:
        self._depth -= 1

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
        result = {
            str(self.construct_object(key, deep=True)): self.construct_object(value, deep=deep)
            for key, value in node.value
        }
        if len(result) < len(node.value):
            raise yaml.constructor.ConstructorError(
                None, None, "the same name is given twice in one mapping", node.start_mark
            )
        return result

    def construct_yaml_float(self, node: Any) -> float:
        number: float = super().construct_yaml_float(node)
        if not math.isfinite(number):
            raise yaml.constructor.ConstructorError(None, None, "not a JSON number", node.start_mark)
        return number


_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_yaml_float)
for _type, _pattern in {
    "null": "~|null|Null|NULL|",
    "bool": "true|True|TRUE|false|False|FALSE",
    "int": "[-+]?(0|[1-9][0-9]*)",
    "float": r"[-+]?(0|[1-9][0-9]*)?(\.[0-9]+)?([eE][-+]?[0-9]+)?",
}.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_type}", re.compile(f"(?:{_pattern})$"), None)
