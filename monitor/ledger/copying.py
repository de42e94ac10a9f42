"""Whole copies of a ledger, made while it is written; a file takes its name once it is whole and on the disk."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from monitor.ledger.errors import LedgerUnavailableError


def write_copy(
    source: sqlite3.Connection,
    destination: Path,
    *,
    overwrite: bool = False,
    check: Callable[[Path], None] = lambda _: None,
) -> None:
    """Write one picture of the ledger into one file of mode 0600, which takes its name once `check` is content with it.

    Raises LedgerUnavailableError and what `check` raises, with no file left.
    """
    part = destination.with_name(f"{destination.name}.part")
    try:
        part.unlink(missing_ok=True)  # of a copy that was killed
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            _fill(source, part)
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
    if overwrite:
        part.replace(destination)
    else:
        os.link(part, destination)  # which a file of that name forbids
        part.unlink()
    sync_directory(destination.parent)


def sync_directory(directory: Path) -> None:
    """Make names that were given or taken away in a directory durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def said(error: OSError | sqlite3.Error) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _fill(source: sqlite3.Connection, part: Path) -> None:
    copy = sqlite3.connect(part, isolation_level=None)
    try:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, which can be read where nothing may be written
    finally:
        copy.close()
