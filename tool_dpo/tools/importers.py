"""Read tools from common documents: OpenAI tool arrays, MCP `tools/list` results, OpenAPI 3 descriptions."""

import json
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.tools.conversion import Imported
from tool_dpo.tools.documents import read_document
from tool_dpo.tools.mcp import mcp_tools
from tool_dpo.tools.openai import openai_tools
from tool_dpo.tools.openapi import openapi_tools

_EXPECTED = "expected a list of OpenAI tools, an MCP tools/list result, or an OpenAPI 3.0 or 3.1 document"


def read(path: Path) -> Imported:
    """The tools of a JSON or YAML file. No other file is read.

    Raises:
        InputError: the file is missing, is not JSON or YAML, or has a document of an unknown kind.
    """
    try:
        return tools_of(read_document(path))
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
    except RecursionError:
        raise InputError(f"{path}: nested too deeply") from None


def tools_of(document: Any) -> Imported:
    """The tools of a document. OpenAI tools are not checked; the schemas of all others are valid JSON Schema.

    Raises:
        ValueError: the document is of an unknown kind.
    """
    match document:
        case list():
            return Imported(openai_tools(document))
        case {"openapi": str(version)} if version.startswith(("3.0", "3.1")):
            return openapi_tools(document)
        case {"openapi": version} | {"swagger": version}:
            raise ValueError(f"found OpenAPI {version}, {_EXPECTED}")
        case {"tools": list(items)} | {"result": {"tools": list(items)}}:
            if any(isinstance(item, dict) and "inputSchema" in item for item in items):
                return mcp_tools(items)
            return Imported(openai_tools(items))
        case dict():
            keys = ", ".join(map(str, [*document][:3])) or "no keys"
            raise ValueError(f"found an object with {keys}, {_EXPECTED}")
    raise ValueError(f"found {json.dumps(document, default=str)[:40]}, {_EXPECTED}")
