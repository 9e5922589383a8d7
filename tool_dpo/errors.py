"""Errors that a user can fix, and the function that turns them into one line and an exit code."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from threading import Timer, get_ident
from typing import NoReturn

_LONGEST = 900
"""Characters of a message; of a longer one the middle is left out."""


class InputError(Exception):
    """A fault in the input, the settings or the machine. The user sees each of its messages as one line."""

    def __str__(self) -> str:
        return "\n".join(one_line(str(message)) for message in self.args)


def one_line(text: str) -> str:
    """A text that may hold anything, as one line that a terminal can show; of a long one its beginning and its end."""
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 305]} ... {text[-300:]}"
    return "".join(char if char.isprintable() else " " for char in text)


def reason_of(error: Exception) -> str:
    """What went wrong, in one line. The message of an error that no one foresaw says too little without its type."""
    return one_line(str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}")


def run(main: Callable[[], None]) -> NoReturn:
    """Run `main` as a program and exit with 0. Errors print one line to stderr and exit with 1, Ctrl-C with 130."""
    os.environ.setdefault("UNSLOTH_DISABLE_STATISTICS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # else TRL reports each training to its makers
    sys.unraisablehook = _insist
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it warns of a kernel that nothing here uses
    try:
        main()
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        print(f"{error.filename or 'I/O'}: {error.strerror or error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted: earlier outputs are untouched; run the same command to continue", file=sys.stderr)
        sys.exit(130)
    sys.exit(0)


def _insist(ignored: "sys.UnraisableHookArgs") -> None:
    """Raise a Ctrl-C again if it came during a destructor, because Python drops every exception there."""
    if issubclass(ignored.exc_type, KeyboardInterrupt):
        Timer(0.01, signal.pthread_kill, (get_ident(), signal.SIGINT)).start()
    else:
        sys.__unraisablehook__(ignored)
