"""Errors a user can act on, and the one place that turns them into a line and an exit code."""

import logging
import signal
import sys
from collections.abc import Callable
from threading import Timer, get_ident
from typing import NoReturn


class InputError(Exception):
    """A fault in the input, the settings or the machine; its text is the one line shown to the user."""


def run(main: Callable[[], None]) -> NoReturn:
    """Run `main` as a program: exit with 0; or with one line on stderr and 1, after Ctrl-C 130."""
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
    """Raise again, a moment later, a Ctrl-C that fell into a destructor, where Python drops every exception."""
    if issubclass(ignored.exc_type, KeyboardInterrupt):
        Timer(0.01, signal.pthread_kill, (get_ident(), signal.SIGINT)).start()
    else:
        sys.__unraisablehook__(ignored)
