"""Read the tools of a running MCP server with the official client."""

import asyncio
import shlex
from typing import Any

from tool_dpo.errors import InputError

URLS = ("http://", "https://")
_SECONDS = 60
_MOST_PAGES = 1000


def listed(server: str) -> dict[str, Any]:
    """The whole `tools/list` result of an MCP server. No tool is called.

    `server` is the URL of an HTTP server, or the command that starts a stdio server.

    Raises:
        InputError: the client is not installed, or the server cannot be started or reached, or does not answer in time.
    """
    try:
        return asyncio.run(asyncio.wait_for(_listed(server), _SECONDS))
    except ImportError:
        raise InputError("mcp is not installed: `make setup` installs it") from None
    except TimeoutError:
        raise InputError(f"{server}: no list of tools within {_SECONDS} seconds") from None
    except Exception as error:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]  # type: ignore[assignment]
        raise InputError(f"{server}: not an MCP server that answers: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    from pydantic import ValidationError

    if isinstance(error, ValidationError):  # the client refuses the whole list if one tool breaks the protocol
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return (str(error).strip() or type(error).__name__).splitlines()[0]


async def _listed(server: str) -> dict[str, Any]:
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    if server.startswith(URLS):
        client = Client(server)
    else:
        command, *arguments = shlex.split(server)
        client = Client(stdio_client(StdioServerParameters(command=command, args=arguments)))
    tools: list[Any] = []
    cursor = None
    async with client:
        for _ in range(_MOST_PAGES):
            page = await client.list_tools(cursor=cursor)
            tools += [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in page.tools]
            cursor = page.next_cursor
            if not cursor:
                break
    return {"tools": tools}
