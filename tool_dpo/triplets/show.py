"""Show triplets to people: chosen and rejected side by side, with the violation marked."""

import json
from collections.abc import Iterable
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from tool_dpo.kinds import NOT_JSON
from tool_dpo.schema.documents import Place, json_path
from tool_dpo.triplets.triplet import Triplet


def show(triplet: Triplet) -> Group:
    """A triplet for printing with rich: the prompt, the violation, what the request lacks, and the two answers.

    The place of a call that is missing is marked in the chosen answer only, and of one too many in the rejected one.
    """
    table = Table("chosen", "rejected", expand=True)
    in_chosen = "" if triplet.violation in ("doubled_call", "extra_call") else triplet.path
    in_rejected = "" if triplet.violation == "missing_call" else triplet.path
    table.add_row(
        marked_json(json.loads(triplet.chosen), in_chosen, "bold green"),
        Text(triplet.rejected, "bold red")
        if triplet.violation == NOT_JSON
        else marked_json(json.loads(triplet.rejected), in_rejected, "bold red"),
    )
    fault = Text(f"{triplet.violation} ({triplet.keyword}) at {triplet.path}", "red")
    if triplet.missing:
        fault.append(f", missing: {triplet.missing}")
    return Group(Text(triplet.prompt), fault, table, "")


def marked_json(document: Any, marked: str, style: str) -> Text:
    """Indented JSON. The value at the JSON path `marked`, and its name, have the style."""
    text = Text()
    _append(text, document, (), marked, style, "")
    return text


def _append(text: Text, value: Any, place: Place, marked: str, style: str, indent: str) -> None:
    start = len(text)
    inner = f"{indent}  "
    if isinstance(value, dict) and value:
        text.append("{\n")
        for last, (name, one) in _lasts(value.items()):
            here = len(text)
            text.append(f"{inner}{json.dumps(name, ensure_ascii=False)}: ")
            _append(text, one, (*place, name), marked, style, inner)
            if json_path((*place, name)) == marked:
                text.stylize(style, here, len(text))
            text.append("\n" if last else ",\n")
        text.append(f"{indent}}}")
    elif isinstance(value, list) and value:
        text.append("[\n")
        for last, (index, one) in _lasts(enumerate(value)):
            text.append(inner)
            _append(text, one, (*place, index), marked, style, inner)
            text.append("\n" if last else ",\n")
        text.append(f"{indent}]")
    else:
        text.append(json.dumps(value, ensure_ascii=False))
    if json_path(place) == marked:
        text.stylize(style, start, len(text))


def _lasts(items: Iterable[tuple[Any, Any]]) -> Iterable[tuple[bool, tuple[Any, Any]]]:
    found = list(items)
    return [(index == len(found) - 1, item) for index, item in enumerate(found)]
