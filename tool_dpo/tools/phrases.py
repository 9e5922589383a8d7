"""Request templates: how a person mentions the parameters of a tool.

    "Create a task called '{title}'[, due {due_date}][ and {notify?email everyone|tell nobody}]"

`{name}` stands for the value of a parameter in words, `{name?yes|no}` for the words of a boolean. `[...]` is a segment
that may be left out. Required parameters are outside all segments, optional ones inside a segment. So each sentence
mentions exactly the parameters of its call.
"""

import re
from dataclasses import dataclass
from functools import cache

_BRACKETS = re.compile(r"(\[(?:[^\[\]{}]|\{[^{}]*\})*\](?![^{}]*\}))")  # but not the brackets in a name: {ids[]}
_BRACES = re.compile(r"(\{[^{}]*\})")
_SLOT = re.compile(r"\{(?P<name>[^{}?|]+)(\?(?P<yes>[^{}?|]+)\|(?P<no>[^{}?|]+))?\}")


@dataclass(frozen=True)
class Slot:
    """A place for a parameter's value; `yes` and `no` are the words for a boolean."""

    name: str
    yes: str | None = None
    no: str | None = None


@dataclass(frozen=True)
class Segment:
    """A part of a template. An optional one may be left out."""

    parts: tuple[str | Slot, ...]
    optional: bool

    @property
    def slots(self) -> tuple[Slot, ...]:
        return tuple(part for part in self.parts if isinstance(part, Slot))


@dataclass(frozen=True)
class Template:
    segments: tuple[Segment, ...]

    def slots(self, *, optional: bool) -> list[Slot]:
        """The slots in all optional, or in all other segments."""
        return [slot for segment in self.segments if segment.optional is optional for slot in segment.slots]


@cache
def parse_template(text: str) -> Template:
    """Read a template.

    Raises:
        ValueError: an unbalanced bracket, a malformed slot, or a parameter mentioned twice.
    """
    segments = []
    for piece in filter(None, _BRACKETS.split(text)):
        optional = piece.startswith("[") and piece.endswith("]")
        segments.append(Segment(_parse_parts(piece[1:-1] if optional else piece), optional))
    template = Template(tuple(segments))
    names = [slot.name for segment in segments for slot in segment.slots]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{{{twice[0]}}} is mentioned more than once")
    return template


def _parse_parts(text: str) -> tuple[str | Slot, ...]:
    parts: list[str | Slot] = []
    for piece in filter(None, _BRACES.split(text)):
        if slot := _SLOT.fullmatch(piece):
            parts.append(Slot(slot["name"], slot["yes"], slot["no"]))
        elif stray := re.search(r"[\[\]{}]", piece):
            raise ValueError(f"stray {stray[0]!r} in {piece!r}")
        else:
            parts.append(piece)
    return tuple(parts)


def spoken_list(items: list[str]) -> str:
    """Join items in words: `a`, `a and b`, `a, b and c`; of no items, `nothing`."""
    if not items:
        return "nothing"
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]]))
