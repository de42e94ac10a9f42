"""Whole copies of a ledger, made while it is written; a file takes its name once it is whole and on the disk."""

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from monitor.ledger.errors import LedgerUnavailableError

_PAGES = 1024
"""How many are copied between two looks at whether to go on."""
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}
"""What file systems without hard links answer, such as FAT on a stick."""


def write_copy(
    source: sqlite3.Connection,
    destination: Path,
    *,
    overwrite: bool = False,
    check: Callable[[Path], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Write one picture of the ledger into one file of mode 0600, which takes its name once `check` is content with it.

    Raises LedgerUnavailableError, also where it is `stopped`, and what `check` raises, with no file left.
    """
    part = destination.with_name(f"{destination.name}.part")
    try:
        part.unlink(missing_ok=True)  # of a copy that was killed
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            _fill(source, part, stopped)
            check(part)
            take_name(part, destination, overwrite=overwrite)
        finally:
            part.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        raise LedgerUnavailableError(f"{destination}: cannot be written: {said(error)}") from error


def take_name(part: Path, destination: Path, *, overwrite: bool) -> None:
    """Give a file that is whole its name, for good: on the disk, and never in place of another unless told."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    if overwrite or not _linked(part, destination):
        part.replace(destination)
    sync_directory(destination.parent)


def _linked(part: Path, destination: Path) -> bool:
    """Move a file to a name that no other has; where there are no hard links that name is only made sure of.

    Raises FileExistsError where another has it.
    """
    try:
        os.link(part, destination)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.close(os.open(destination, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return False
    part.unlink()
    return True


def sync_directory(directory: Path) -> None:
    """Make names that were given or taken away in a directory durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def said(error: OSError | sqlite3.Error) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _fill(source: sqlite3.Connection, part: Path, stopped: Callable[[], bool]) -> None:
    def progress(_status: int, _left: int, _total: int) -> None:
        if stopped():
            raise sqlite3.OperationalError("stopped")

    copy = sqlite3.connect(part, isolation_level=None)
    try:
        source.backup(copy, pages=_PAGES, progress=progress, sleep=0)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, which can be read where nothing may be written
    finally:
        copy.close()
