"""The tools that a program gives: dicts in any form that import takes, MCP tools, Python functions, our own tools."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from tool_dpo.errors import InputError
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

    Raises:
        InputError: there are none, one cannot be called, or two have the same name.
    """
    found: dict[str, Tool] = {}
    taken: set[str] = set()
    several = isinstance(tools, Iterable) and not isinstance(tools, Mapping) and not hasattr(tools, "model_dump")
    for index, one in enumerate(tools if several else (tools,)):  # type: ignore[arg-type]
        for name, tool in _read(one, f"tools[{index}]" if several else "tools"):
            if name in found or tool.name in taken:
                raise InputError(f"tools[{index}]: a tool before it is named {name!r} too")
            found[name] = tool
            taken.add(tool.name)
    if not found:
        raise InputError("tools: there are none")
    return found


def _read(given: Any, where: str) -> list[tuple[str, Tool]]:
    if isinstance(given, Tool):
        return [(given.name, given)]
    try:
        if isinstance(given, Mapping):
            document: Any = dict(given)
        elif callable(given):
            document = tool_of_function(given)
        elif hasattr(given, "model_dump"):
            document = given.model_dump(mode="json", by_alias=True, exclude_none=True)
        else:
            raise ValueError(f"expected a dict, an MCP tool or a function, got {given!r:.80}")
        entries = tools_of(document if "openapi" in document else [document]).entries
        for entry in entries:
            if entry.tool is None:
                raise ValueError(f"{entry.where}: {entry.reason}")
        return [(entry.written, parse_tool(entry.tool, Path(where))) for entry in entries]
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None
    except RecursionError:
        raise InputError(f"{where}: nested too deeply") from None
