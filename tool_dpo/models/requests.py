"""Read many requests, one a line, in plain words or as JSON."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.schema.documents import parse


@dataclass(frozen=True)
class Line:
    """A request, the number of its line (from 1), and the tools of its own, None if it has none."""

    number: int
    request: str
    tools: Any = None


def read_requests(lines: Iterable[bytes]) -> Iterator[Line | InputError]:
    """Yield the request of each line that is not empty, or what is wrong with the line.

    A line that begins with `{` is a JSON object: its `request`, and if need be its `tools`, as a list or as the JSON
    text of one. Other keys are ignored. Any other line is a request in plain words.

    >>> list(read_requests([b"Call Ana", b'{"request": "Call Bo", "tools": []}', b'{"ask": 1}']))  # doctest: +ELLIPSIS
    [Line(number=1, request='Call Ana', tools=None), Line(number=2, request='Call Bo', tools=[]), InputError('3: ...')]
    """
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            if text:
                yield _line(number, text)
        except UnicodeDecodeError as error:
            yield InputError(f"{number}: not UTF-8: byte {error.start}")
        except ValueError as error:
            yield InputError(f"{number}: {error}")


def _line(number: int, text: str) -> Line:
    if not text.startswith("{"):
        return Line(number, text)
    try:
        record = parse(text)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    request, tools = record.get("request"), record.get("tools")
    if not isinstance(request, str):
        raise ValueError(f"request must be a text, got {request!r:.80}")
    if isinstance(tools, str):
        try:
            tools = parse(tools)
        except ValueError as error:
            raise ValueError(f"tools: not JSON: {error}") from None
    if not isinstance(tools, list | dict | None):
        raise ValueError(f"tools must be a list, got {tools!r:.80}")
    return Line(number, request, tools)
