"""Write files and folders: what is written is whole, or it is not there. Checksums show later damage."""

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TextIO

from tool_dpo.errors import InputError

MANIFEST = "manifest.json"


@contextmanager
def atomic(path: Path) -> Iterator[TextIO]:
    """Open a temporary file for writing. It replaces `path`, as `made` does it."""
    with made(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        yield file


@contextmanager
def made(path: Path) -> Iterator[Path]:
    """A temporary name for a file. The file replaces `path`, synced to the disk, when the block ends without an error.

    Raises:
        InputError: the file cannot be written, or something other than a file is in its place.
    """
    with _beside(path) as temporary:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Make a temporary folder. It replaces `folder`, synced to the disk, when the block ends without an error.

    Raises:
        InputError: it cannot be written, or something other than a folder is in its place.
    """
    with _beside(folder, folder=True) as temporary, _temporary(folder.with_name(f"{folder.name}.old")) as old:
        temporary.mkdir()
        yield temporary
        for path in (*temporary.rglob("*"), temporary):
            _sync(path)
        try:
            if folder.exists():
                folder.rename(old)  # at once; to remove it takes longer, and a kill would leave half of it
            temporary.rename(folder)
        except BaseException:
            if old.exists() and not folder.exists():
                old.rename(folder)
            raise


@contextmanager
def _beside(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """A temporary name beside `path`. At `path` there must be nothing, or what it may replace: a file, or a folder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _require_place(path, folder=folder)
        _sweep(path.parent.resolve())
        with _temporary(path) as temporary:
            yield temporary
        _sync(path.parent)
    except OSError as error:
        if error.errno is None:  # not an error of the file system
            raise
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


def _require_place(path: Path, *, folder: bool) -> None:
    """Refuse to replace what this project never writes: a symbolic link, a device, a folder in place of a file."""
    if path.is_symlink():
        reason = "Is a symbolic link"
    elif not path.exists() or (path.is_dir() if folder else path.is_file()):
        return
    elif folder:
        reason = "Not a directory"
    else:
        reason = "Is a directory" if path.is_dir() else "Not a file"
    raise InputError(f"{path}: cannot be written: {reason}")


_HOST = re.sub(r"\W", "", platform.node())
_TEMPORARY = re.compile(rf"\..+\.{_HOST}-(\d+)\.\d{{19}}\.tmp")
_IN_USE: set[str] = set()


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """A name beside `path` for this process and moment only. What has this name in the end is removed."""
    temporary = path.with_name(f".{path.name}.{_HOST}-{os.getpid()}.{time.time_ns()}.tmp")
    _IN_USE.add(temporary.name)
    try:
        yield temporary
    finally:
        remove(temporary)
        _IN_USE.discard(temporary.name)


@cache
def _sweep(folder: Path) -> None:
    """Remove the temporary files that ended processes left in a folder. Each process does this once for a folder."""
    for path in list(folder.iterdir()):
        name = _TEMPORARY.fullmatch(path.name)
        if name and path.name not in _IN_USE and not _is_other(int(name[1])):
            with suppress(OSError):  # another user's
                remove(path)


def _is_other(process: int) -> bool:
    """Whether another process with this number runs now. Our own number may have been that of an earlier one."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Write what a file or folder holds to the disk, before anything that relies on it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot do it for a folder
            raise
    finally:
        os.close(handle)


def seal(folder: Path) -> None:
    """Write the checksums of all files of a folder into it. This is the last step; `damage` checks them."""
    for path in folder.rglob("*"):
        _sync(path)
    sums = _checksums(folder)
    with atomic(folder / MANIFEST) as file:
        json.dump(sums, file, indent=2)


def damage(folder: Path) -> str | None:
    """What is wrong with a sealed folder, in a few words, or None if it is as it was sealed."""
    try:
        sealed, found = dict(json.loads((folder / MANIFEST).read_bytes())), _checksums(folder)
    except (ValueError, TypeError, OSError, RecursionError):
        return "never finished"
    for name in sorted({*sealed, *found}, key=str):
        if name not in found:
            return f"{name} is missing"
        if found[name] != sealed.get(name):
            return f"{name} is not as it was written"
    return None


def put_aside(path: Path, reason: str) -> None:
    """Rename what is damaged to `damaged-NAME`, replacing an earlier one, and say so on stderr."""
    aside = path.with_name(f"damaged-{path.name}")
    remove(aside)
    path.rename(aside)
    print(f"{path}: {reason}: put aside as {aside.name}", file=sys.stderr)


def _checksums(folder: Path) -> dict[str, str]:
    sums = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and name != MANIFEST:
            with path.open("rb") as file:
                sums[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return sums
