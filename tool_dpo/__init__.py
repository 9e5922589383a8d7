"""tool-dpo: train language models whose tool calls strictly follow the tools' JSON Schemas.

from tool_dpo import ToolCaller

call = ToolCaller.load("models/dpo")("Remind Ana to send the slides", tools=[remind])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tool_dpo.errors import InputError
    from tool_dpo.models.call import Call, ToolCall, ToolCaller

__all__ = ["Call", "InputError", "ToolCall", "ToolCaller"]

_MODULES = {
    "Call": "tool_dpo.models.call",
    "InputError": "tool_dpo.errors",
    "ToolCall": "tool_dpo.models.call",
    "ToolCaller": "tool_dpo.models.call",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import tool_dpo` takes no time (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
