"""Python imports this at its start where this folder is on PYTHONPATH: from then on no socket reaches a network.

Each process adds a line to the file $NO_NETWORK_LOG when it starts, and one for whatever it is refused.
"""

import json
import os
import sys
from typing import Any

_EVENTS = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"}
_UNIX = 1  # socket.AF_UNIX, without importing socket into every process


def _log(event: str, *args: Any) -> None:
    line = json.dumps({"command": sys.orig_argv, "event": event, "args": [repr(one) for one in args]})
    with open(os.environ["NO_NETWORK_LOG"], "a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    if event in _EVENTS and getattr(args[0], "family", None) != _UNIX:
        _log(event, *args)
        raise PermissionError(f"no network here: {event}")


sys.addaudithook(_refuse)
_log("start")
