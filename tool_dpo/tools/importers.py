"""Read tools from common documents: lists of tools in any of their forms, and OpenAPI 3 descriptions."""

import json
import re
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.tools.conversion import Imported
from tool_dpo.tools.documents import read_document
from tool_dpo.tools.listing import items_of, listed_tools
from tool_dpo.tools.openapi import openapi_tools

_EXPECTED = "expected tools of OpenAI, Anthropic, MCP or BFCL, or an OpenAPI 3.0, 3.1 or 3.2 document"
_VERSIONS = re.compile(r"3\.[012](\.|$)")


def read(path: Path) -> Imported:
    """The tools of a JSON, JSON Lines or YAML file. No other file is read.

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
    """The tools of a document. Tools in the project's own form are not checked; all other schemas are valid.

    Raises:
        ValueError: the document is of an unknown kind.
    """
    if isinstance(document, dict) and (version := document.get("openapi", document.get("swagger"))) is not None:
        if "openapi" in document and _VERSIONS.match(str(version)):
            return openapi_tools(document)
        raise ValueError(f"found OpenAPI {version}, {_EXPECTED}")
    items = items_of(document)
    if items is not None:
        return listed_tools(items)
    if isinstance(document, dict):
        keys = ", ".join(map(str, [*document][:3])) or "no keys"
        raise ValueError(f"found an object with {keys}, {_EXPECTED}")
    raise ValueError(f"found {json.dumps(document, default=str)[:40]}, {_EXPECTED}")
