"""Contamination: measure what the training and the held-out triplets have in common."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tool_dpo.formats.plain import request_of
from tool_dpo.records import write_json
from tool_dpo.schema.keywords import Schema
from tool_dpo.triplets.augment import plain
from tool_dpo.triplets.triplet import Triplet, listed, read_triplets

_GRAM = 8
"""Number of consecutive words that two requests do not share by chance (8-grams as in PaLM, arXiv 2204.02311)."""
_WORDS = ("title", "description", "$comment")  # not all ANNOTATIONS: a default is a real difference


@dataclass(frozen=True)
class Asked:
    """What is compared of a triplet, or of a case from another data set: the prompt, the tool and the call schema."""

    prompt: str
    tool: str
    schema: Schema


def write_contamination(training: list[Path], held_out: Mapping[str, Path], out: Path) -> None:
    """Compare each held-out file with all training files, and write the counts.

    Raises:
        InputError: a triplet is not valid.
    """
    trained_on = [triplet for path in training for triplet in read_triplets(path)]
    write_json(out, {name: contamination(trained_on, list(read_triplets(path))) for name, path in held_out.items()})


def contamination(training: Sequence[Asked | Triplet], held_out: Sequence[Asked | Triplet]) -> dict[str, int]:
    """Count the held-out cases that share the tool's name, its schema, or a part of the request with training.

    Of a triplet that asks for a decision, all listed tools are compared. Names are compared without case and
    separators, schemas without descriptions and order.
    """
    names = {plain(name) for triplet in training for name in _tools(triplet)}
    schemas = {schema for triplet in training for schema in _tools(triplet).values()}
    grams = {gram for triplet in training for gram in _grams(triplet.prompt)}
    return {
        "held_out": len(held_out),
        "same_tool": sum(not names.isdisjoint(map(plain, _tools(triplet))) for triplet in held_out),
        "same_schema": sum(not schemas.isdisjoint(_tools(triplet).values()) for triplet in held_out),
        "same_request_words": sum(not grams.isdisjoint(_grams(triplet.prompt)) for triplet in held_out),
    }


def _tools(asked: Asked | Triplet) -> dict[str, str]:
    """The bare parameters of the tools of a case, by name."""
    if isinstance(asked, Triplet) and asked.decides:
        return {name: _bare_text(parameters) for name, parameters in listed(asked.tools).items()}
    return {asked.tool: bare_parameters(asked.schema)}


def bare_parameters(schema: Schema) -> str:
    """The parameters of a call schema as JSON text, without the tool's name, descriptions and the order of keys."""
    return _bare_text(schema["properties"].get("parameters"))


def _bare_text(parameters: Any) -> str:
    return json.dumps(_bare(parameters), sort_keys=True)


def _bare(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _bare(value) for key, value in node.items() if not (key in _WORDS and isinstance(value, str))}
    if isinstance(node, list):
        return sorted((_bare(item) for item in node), key=str)
    return node


def _grams(prompt: str) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"\w+", request_of(prompt).lower())
    for start in range(len(words) - _GRAM + 1):
        yield tuple(words[start : start + _GRAM])
