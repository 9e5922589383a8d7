"""Collect the tools that are converted from a document, and the reason for each tool that is left out."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tool_dpo.schema.keywords import Schema
from tool_dpo.tools.normalise import Skip, check_parameters

_LONGEST_NAME = 64


@dataclass
class Imported:
    """The tools of a document, in the OpenAI form.

    `skipped` has a line for each tool or operation that was left out, `cut` one for each whose schema was shortened.
    """

    tools: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Draft:
    """A converted tool with the name from its document. `cut` lists what is left out of its parameters."""

    name: str
    description: str
    parameters: Schema
    cut: list[str]


class Conversion:
    """Adds the tools of a document one by one to `imported`."""

    def __init__(self) -> None:
        self.imported = Imported()
        self._names: set[str] = set()

    def add(self, where: str, make: Callable[[], Draft]) -> None:
        """Add the tool that `make` returns, or note why that fails. `where` names the tool in the messages."""
        try:
            draft = make()
            check_parameters(draft.parameters)
        except Skip as reason:
            self.skip(where, str(reason))
        except RecursionError:
            self.skip(where, "nested too deeply")
        except (AttributeError, KeyError, TypeError) as error:
            self.skip(where, f"malformed: {error}")
        else:
            self._add(where, draft)

    def skip(self, where: str, reason: str) -> None:
        self.imported.skipped.append(f"{where}: {reason}")

    def _add(self, where: str, draft: Draft) -> None:
        name = _allowed_name(draft.name, self._names)
        self._names.add(name)
        function = {"name": name, "description": draft.description, "parameters": draft.parameters}
        self.imported.tools.append({"type": "function", "function": function})
        if draft.cut:
            self.imported.cut.append(f"{where}: {', '.join(draft.cut)}")


def first_paragraph(text: Any) -> str:
    """The first paragraph of a description, on one line; "" if there is none."""
    return " ".join(str(text or "").strip().split("\n\n")[0].split())


def _allowed_name(name: str, taken: set[str]) -> str:
    """The name in the characters and the length that OpenAI allows, with a number if it is already taken."""
    plain = re.sub(r"[^a-zA-Z0-9_-]+", "_", name).strip("_") or "tool"
    if len(plain) > _LONGEST_NAME:
        plain = f"{plain[: _LONGEST_NAME - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    allowed, number = plain, 1
    while allowed in taken:
        number += 1
        allowed = f"{plain[: _LONGEST_NAME - len(str(number)) - 1]}_{number}"
    return allowed
