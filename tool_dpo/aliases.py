"""How large a YAML document is where each alias is written out, without writing it out."""

import math
from typing import Any


def written_length(node: Any) -> float:
    """The characters of a composed YAML node, and one for each of its nodes, with copies in place of its aliases.

    It is infinite if the node contains itself. PyYAML's nodes and ruamel.yaml's are alike.

    Raises:
        RecursionError: the node is nested too deeply.
    """
    return _length(node, {})


def _length(node: Any, known: dict[int, float]) -> float:
    if id(node) not in known:
        known[id(node)] = math.inf
        if isinstance(node.value, str):
            known[id(node)] = 1 + len(node.value)
        else:
            parts = (part if isinstance(part, tuple) else (part,) for part in node.value)
            known[id(node)] = 1 + sum(_length(child, known) for part in parts for child in part)
    return known[id(node)]
