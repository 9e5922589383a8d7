"""Read arrays of OpenAI tools, in the form of Chat Completions or in the flat form of the Responses API."""

from typing import Any


def openai_tools(items: list[Any]) -> list[Any]:
    """Each item in the form of Chat Completions. Nothing is checked: an item that is not a tool is not changed."""
    return [_nested(item) if _is_flat(item) else item for item in items]


def _is_flat(item: Any) -> bool:
    """Whether this is a function of the Responses API, with its name beside its type."""
    return isinstance(item, dict) and item.get("type") == "function" and "name" in item and "function" not in item


def _nested(item: dict[str, Any]) -> dict[str, Any]:
    """Convert a flat function to the form of Chat Completions, and keep our own key `requests` beside it."""
    requests = {"requests": item["requests"]} if "requests" in item else {}
    function = {key: item[key] for key in ("name", "description") if item.get(key) is not None}
    function["parameters"] = item.get("parameters") or {"type": "object", "properties": {}}
    return {"type": "function", "function": function, **requests}
