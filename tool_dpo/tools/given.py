"""The tools that a program gives: dicts in any form that import takes, MCP tools, Python functions, our own tools."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from tool_dpo.errors import InputError, one_line
from tool_dpo.tools.functions import tool_of_function
from tool_dpo.tools.importers import tools_of
from tool_dpo.tools.tool import Tool, parse_tool


class Model(Protocol):
    """A pydantic model, as the MCP client gives tools."""

    def model_dump(self, *, mode: str, by_alias: bool, exclude_none: bool) -> dict[str, Any]: ...


Given: TypeAlias = Mapping[str, Any] | Model | Callable[..., Any] | Tool
Tools: TypeAlias = Given | Iterable[Given]
"""One tool, several, or a whole document such as an MCP `tools/list` result or an OpenAPI description."""


def given_tools(tools: Tools) -> dict[str, Tool]:
    """The tools, each by the name that it was given. A name that models may not write (see `parse_tool`) is changed.

    Of a whole document, parts that cannot become tools are left out, with a warning, as `read_tools` does.

    Raises:
        InputError: there are none, one cannot be called, or two have the same name.
    """
    found: dict[str, Tool] = {}
    taken: set[str] = set()
    several = isinstance(tools, Iterable) and not isinstance(tools, Mapping) and not hasattr(tools, "model_dump")
    those: Iterable[Any] = tools if several else (tools,)  # type: ignore[assignment]
    for index, one in enumerate(those):
        where = f"tools[{index}]" if several else "tools"
        try:
            for name, tool in [(one.name, one)] if isinstance(one, Tool) else _read(one, where, listed=several):
                if name in found or tool.name in taken:
                    raise ValueError(f"a tool before it is named {name!r} too")
                found[name] = tool
                taken.add(tool.name)
        except ValueError as error:
            raise InputError(f"{where}: {error}") from None
        except RecursionError:
            raise InputError(f"{where}: nested too deeply") from None
    if not found:
        raise InputError("tools: there are none")
    return found


def _read(given: Any, where: str, *, listed: bool) -> Iterator[tuple[str, Tool]]:
    if isinstance(given, Mapping):
        document = dict(given)
    elif callable(given):
        document = tool_of_function(given)
    elif hasattr(given, "model_dump"):
        document = given.model_dump(mode="json", by_alias=True, exclude_none=True)
    else:
        raise ValueError(f"expected a dict, an MCP tool or a function, got {given!r:.80}")
    for entry in tools_of([document] if listed else document).entries:
        if entry.tool is not None:
            yield entry.written, parse_tool(entry.tool, Path(where))
        elif listed:
            raise ValueError(f"{entry.where}: {entry.reason}")
        else:
            logging.getLogger(__name__).warning("%s", one_line(f"{where}: left out: {entry.where}: {entry.reason}"))
