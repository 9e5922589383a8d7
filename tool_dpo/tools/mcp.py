"""Make tools from the `tools/list` result of an MCP server."""

from functools import partial
from typing import Any

from tool_dpo.tools.conversion import Conversion, Draft, Imported, first_paragraph
from tool_dpo.tools.normalise import References, Skip, deepest_schema


def mcp_tools(items: list[Any]) -> Imported:
    """A tool for each item of the list. `skipped` and `cut` refer to an item by its number."""
    conversion = Conversion()
    for index, item in enumerate(items):
        conversion.add(f"tool {index}", partial(_draft, item))
    return conversion.imported


def _draft(item: Any) -> Draft:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        raise Skip("no name")
    schema = item.get("inputSchema")
    if not isinstance(schema, dict):
        raise Skip("no inputSchema")
    parameters, cut = deepest_schema(References(schema), lambda normaliser, depth: normaliser.schema(schema, depth))
    if parameters.setdefault("type", "object") != "object":
        raise Skip(f"inputSchema is of type {parameters['type']!r}, expected 'object'")
    return Draft(item["name"], first_paragraph(item.get("description") or item.get("title")), parameters, cut)
