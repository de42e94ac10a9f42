"""Backups of a ledger, made while it is written, and a ledger put in the place of the present one."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from monitor.core.instants import Instant
from monitor.ledger.chain import GENESIS, Fact, broken
from monitor.ledger.copying import said, sync_directory, take_name, write_copy
from monitor.ledger.errors import LedgerDamagedError, LedgerUnavailableError, reason
from monitor.ledger.opening import Lock, Reached, beside
from monitor.ledger.reader import Reader
from monitor.ledger.schema import ForeignDatabaseError, NewerLedgerError, refuse
from monitor.ledger.store import Batch, Ledger

RESTORED = "restored"
"""The kind of the fact that a restored ledger goes on with."""
DIRECTORY = "backups"
"""Where backups go that name no other place, beside the ledger."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a whole ledger holds: how many facts and checks, and the digest of the last fact."""

    path: str
    bytes: int
    facts: int
    checks: int
    head: str

    def document(self) -> dict[str, Any]:
        return asdict(self)


def back_up(
    path: Path, destination: Path, *, overwrite: bool = False, stopped: Callable[[], bool] = lambda: False
) -> Copied:
    """Copy the ledger as it is at this moment, and go through the copy before it takes its name.

    Raises LedgerUnavailableError where it cannot be written, LedgerDamagedError where the ledger is not whole, one of
    them soon after it is `stopped`, and ValueError for a destination that is refused. Then no file is left.
    """
    _refuse_destination(path, destination, overwrite=overwrite)
    found: list[Copied] = []

    def check(part: Path) -> None:
        with Reader.beside(part) as copy:
            copy.give_up_when(stopped)
            found.append(_examined(copy, destination))

    with suppress(OSError):  # said where the copy is written
        if destination.parent == path.parent / DIRECTORY:
            destination.parent.mkdir(mode=0o700, exist_ok=True)
    with Reader.beside(path) as reader:
        reader.copy(destination, overwrite=overwrite, check=check, stopped=stopped)
    return found[0]


def restore(path: Path, source: Path, now: Instant, by: str) -> tuple[Copied, Path | None]:
    """Put a backup in the ledger's place; what was there is kept under the name returned.

    Raises LedgerLockedError while a daemon runs, LedgerDamagedError or LedgerUnavailableError where the source is no
    whole ledger or cannot be copied; then nothing has changed.
    """
    lock = Lock(path)
    part = beside(path, ".restoring")
    try:
        with _source(path, source) as connection:
            _clear(part)
            write_copy(connection, part)
        aside = beside(path, f".replaced-{now}") if path.exists() else None
        body = {"source": str(source), "replaced": None if aside is None else aside.name, "by": by}
        with Ledger(part, keep_copy=False) as ledger:
            head = _examined(ledger, source).head
            ledger.commit(Batch(facts=[Fact(now, RESTORED, {**body, "head": head})]))
            made = _examined(ledger, path)
        _refuse_log(part)
        _own(part, path)
        _put_aside(path, aside or beside(path, f".replaced-{now}"))
        take_name(part, path, overwrite=True)
        lock.note(Reached(made.facts, made.checks))
    except (OSError, sqlite3.Error) as error:
        raise LedgerUnavailableError(f"{path}: cannot be restored: {said(error)}") from error
    finally:
        _clear(part)
        lock.close()
    return made, aside


@contextmanager
def _source(path: Path, source: Path) -> Iterator[sqlite3.Connection]:
    """Raises LedgerUnavailableError where it is no ledger of this version or an earlier one."""
    connection: sqlite3.Connection | None = None
    try:
        if not source.is_file() or not source.stat().st_size:
            raise LedgerUnavailableError(f"{source}: {'empty' if source.is_file() else 'there is no such file'}")
        if path.exists() and source.samefile(path):
            raise LedgerUnavailableError(f"{source}: the ledger itself; name a backup of it")
        connection = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        refuse(connection)
        yield connection
    except (sqlite3.Error, NewerLedgerError, ForeignDatabaseError) as error:
        raise LedgerUnavailableError(f"{source}: {reason(error)}") from error
    finally:
        if connection is not None:
            connection.close()


def _examined(reader: Reader, named: Path) -> Copied:
    """Go through a whole ledger: its pages, its chain. Raises LedgerDamagedError, which calls it `named`."""
    try:
        reader.examine()
    except LedgerDamagedError as error:
        raise LedgerDamagedError(str(error).replace(str(reader.path), str(named), 1)) from None
    links = list(reader.facts())
    for difference in broken(links):
        raise LedgerDamagedError(f"{named}: {difference}")
    head = links[-1].digest if links else GENESIS
    return Copied(str(named), reader.path.stat().st_size, len(links), reader.last_check(), head.hex())


def _refuse_destination(path: Path, destination: Path, *, overwrite: bool) -> None:
    """Raises ValueError: only another backup may be written over, and only when that is said."""
    own = [path, *(beside(path, suffix) for suffix in ("-wal", "-shm", ".lock"))]
    if destination in own or any(one.exists() and destination.exists() and destination.samefile(one) for one in own):
        raise ValueError(f"{destination}: the ledger itself; name another file")
    if destination.is_dir():
        raise ValueError(f"{destination}: a directory; name a file in it")
    if not destination.exists():
        return
    if not overwrite:
        raise ValueError(f"{destination}: exists; name another file, or say --force to replace an older backup")
    try:
        Reader.beside(destination).close()
    except LedgerUnavailableError as error:
        raise ValueError(f"{error}; only a backup is replaced") from None


def _refuse_log(part: Path) -> None:
    """Raises LedgerUnavailableError where closing the file has left in its log what belongs into it."""
    log = beside(part, "-wal")
    if log.exists() and log.stat().st_size:
        raise LedgerUnavailableError(f"{part}: its write-ahead log cannot be written into it; nothing was changed")


def _own(part: Path, path: Path) -> None:
    """What is restored belongs to whom the ledger did, else to whom its directory does."""
    like = path.stat() if path.exists() else path.parent.stat()
    if os.geteuid() == 0:
        os.chown(part, like.st_uid, like.st_gid)
    part.chmod(like.st_mode & 0o666 if path.exists() else 0o600)


def _put_aside(path: Path, aside: Path) -> None:
    """Give the present ledger a second name, and its write-ahead log the one that belongs to it, unopened.

    No log may stay: SQLite would write it into the file that takes the ledger's place.
    """
    log = beside(path, "-wal")
    if path.exists():
        os.link(path, aside)
    if log.exists() and log.stat().st_size:
        os.link(log, beside(aside, "-wal"))
    sync_directory(path.parent)
    log.unlink(missing_ok=True)
    beside(path, "-shm").unlink(missing_ok=True)


def _clear(part: Path) -> None:
    for suffix in ("", "-wal", "-shm", ".lock", ".part"):
        beside(part, suffix).unlink(missing_ok=True)
