"""Collect the tools that are converted from a document, and the reason for each tool that is left out."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from anyascii import anyascii

from tool_dpo.schema.keywords import Schema
from tool_dpo.tools.normalise import Skip, check_parameters

NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")  # OpenAI's rule for function names, plus the dots that MCP allows
_LONGEST_NAME = 64
_MOST_TOLD = 8
"""Names of parameters in one note."""


@dataclass(frozen=True)
class Entry:
    """What became of one tool of a document. `where` is how messages name it: a name, a number, or method and path.

    written: its name in the document, or what stands for one.
    tool: the tool in the OpenAI form; None if it was left out, for `reason`.
    cut: what its schema lacks, because it was too deep or too large.
    unsaid: parameters that no request mentions.
    """

    where: str
    written: str
    tool: Any = None
    reason: str = ""
    cut: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the tool that was kept, otherwise the one in the document."""
        return _name(self.tool) or self.written

    @property
    def notes(self) -> list[str]:
        """What is different from the document, one line each."""
        renamed = [f"renamed from {self.written}"] if self.written != self.name else []
        told = [name or "''" for name in self.unsaid[:_MOST_TOLD]]
        more = f" and {len(self.unsaid) - _MOST_TOLD} more" if len(self.unsaid) > _MOST_TOLD else ""
        unsaid = [f"never mentioned: {', '.join(told)}{more}"] if told else []
        return [*renamed, *(f"shortened: {one}" for one in self.cut), *unsaid]

    def record(self) -> dict[str, Any]:
        """The entry as JSON, without the tool."""
        told = {"reason": self.reason} if self.tool is None else {"notes": self.notes}
        return {"name": self.name, "where": self.where, **told}

    def line(self) -> str:
        """The entry as one line for people."""
        if self.tool is None:
            return f"skipped: {self.where}: {self.reason}"
        return f"kept: {': '.join([self.name, *filter(None, ['; '.join(self.notes)])])}"


@dataclass(frozen=True)
class Imported:
    """Every tool of a document, kept or left out, in the order of the document."""

    entries: list[Entry] = field(default_factory=list)

    @property
    def kept(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.tool is not None]

    @property
    def left_out(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.tool is None]

    @property
    def tools(self) -> list[Any]:
        """The tools that were kept, in the OpenAI form."""
        return [entry.tool for entry in self.kept]


@dataclass(frozen=True)
class Draft:
    """A converted tool. `cut` lists what is left out of its parameters."""

    description: str
    parameters: Schema
    cut: list[str]


class Conversion:
    """Converts the tools of a document one by one. No error in one tool ends the conversion of the others.

    once: whether a tool that is the same as one before it is left out.
    """

    def __init__(self, *, once: bool = False) -> None:
        self._once = once
        self._entries: list[Entry] = []
        self._converted: list[Entry] = []
        self._known: defaultdict[str, list[Draft]] = defaultdict(list)

    def add(self, where: str, name: str, make: Callable[[], Draft]) -> None:
        """Add the tool that `make` returns, or note why that fails. `where` names the tool in the messages."""
        try:
            draft = make()
            check_parameters(draft.parameters)
            f"{name}{draft.description}".encode()
        except Skip as reason:
            self.skip(where, name, str(reason))
        except RecursionError:
            self.skip(where, name, "nested too deeply")
        except Exception:  # a document may be malformed in any way
            self.skip(where, name, "malformed: a part of it is not of the type that its specification says")
        else:
            if self._once and draft in self._known[name]:
                self.skip(where, name, "the same tool is listed before")
                return
            self._known[name].append(draft)
            function = {"name": name, "description": draft.description, "parameters": draft.parameters}
            self._converted.append(Entry(where, name, {"type": "function", "function": function}, cut=tuple(draft.cut)))
            self._entries.append(self._converted[-1])

    def keep(self, where: str, tool: Any) -> None:
        """Add a tool that has the project's own form already. Whoever reads it checks it."""
        self._entries.append(Entry(where, _name(tool) or where, tool))

    def skip(self, where: str, name: str, reason: str) -> None:
        self._entries.append(Entry(where, name, reason=reason))

    def imported(self) -> Imported:
        """All tools. Those that were converted get names that are allowed, and different from all others."""
        ours = {id(entry) for entry in self._converted}
        taken = {entry.name for entry in self._entries if entry.tool is not None and id(entry) not in ours}
        names = _different_names([entry.written for entry in self._converted], taken)
        for entry, name in zip(self._converted, names, strict=True):
            entry.tool["function"]["name"] = name
        return Imported(self._entries)


def first_paragraph(text: Any) -> str:
    """The first paragraph of a description, on one line; "" if there is none."""
    return " ".join(text.strip().split("\n\n")[0].split()) if isinstance(text, str) else ""


def plain_name(text: str) -> str:
    """A text as a name: in the characters and the length that are allowed. Other scripts become Latin letters."""
    plain = re.sub(r"[^a-zA-Z0-9_.-]+", "_", anyascii(text)).strip("_") or "tool"
    if len(plain) > _LONGEST_NAME:
        plain = f"{plain[: _LONGEST_NAME - 9]}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return plain


def _different_names(written: list[str], taken: set[str]) -> list[str]:
    """A name for each tool: the written one if it is allowed and free, otherwise one that is like it.

    Of several tools that want one name, the first that has it as written gets it, and the others get a number.
    """
    wanted = [name if NAME.fullmatch(name) else plain_name(name) for name in written]
    names: dict[int, str] = {}
    for index in sorted(range(len(written)), key=lambda index: wanted[index] != written[index]):
        name, number = wanted[index], 1
        while name in taken:
            number += 1
            name = f"{wanted[index][: _LONGEST_NAME - len(str(number)) - 1]}_{number}"
        taken.add(name)
        names[index] = name
    return [names[index] for index in range(len(written))]


def _name(tool: Any) -> str:
    function = tool.get("function") if isinstance(tool, dict) else None
    return str(function.get("name", "")) if isinstance(function, dict) else ""
