"""Opening a ledger: one process at a time, the right file, all of what was committed to it.

Beside the ledger lies its lock, which goes with the process, however that ends. It says who holds it and how far the
ledger had come at the last commit, so that a ledger that holds less than that is not taken for the whole.
"""

import errno
import fcntl
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from monitor.ledger.copying import said, sync_directory, write_copy
from monitor.ledger.errors import LedgerLockedError, LedgerUnavailableError, unusable
from monitor.ledger.schema import (
    APPLICATION_ID,
    MIGRATIONS,
    ForeignDatabaseError,
    NewerLedgerError,
    migrate,
    refuse,
)


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a ledger has come: its last fact's and its last check's number."""

    facts: int = 0
    checks: int = 0


class Lock:
    """Held from construction to `close`. Raises LedgerLockedError, LedgerUnavailableError."""

    def __init__(self, path: Path) -> None:
        self.file = beside(path, ".lock")
        try:
            self._handle = _opened(self.file)
        except OSError as error:
            raise LedgerUnavailableError(f"{path}: {error.strerror}") from error
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = self._words()[0]
            os.close(self._handle)
            if error.errno in {errno.EAGAIN, errno.EACCES}:
                raise LedgerLockedError(f"{path}: in use by another mailuptime (process {holder})") from error
            raise LedgerUnavailableError(f"{path}: {error.strerror}") from error
        self.reached = self._reached()
        try:
            self.note(self.reached)
        except OSError as error:
            os.close(self._handle)
            raise LedgerUnavailableError(f"{path}: {error.strerror}") from error

    def note(self, reached: Reached) -> None:
        """Remember how far the ledger has come. It need not outlive a power cut: the ledger is never behind it."""
        self.reached = reached
        os.pwrite(self._handle, f"{os.getpid():<11}{reached.facts:<15}{reached.checks:<20}\n".encode(), 0)

    def close(self) -> None:
        os.close(self._handle)

    def _words(self) -> list[str]:
        return os.pread(self._handle, 64, 0).decode(errors="replace").split() or ["?"]

    def _reached(self) -> Reached:
        """Nothing where the file was made by an earlier version, or torn by a power cut."""
        _, *numbers = self._words()
        known = len(numbers) == 2 and all(number.isdecimal() for number in numbers)
        return Reached(*map(int, numbers)) if known else Reached()


class Presence:
    """Whether a ledger in use is still the file of that name, and whole: to another one nothing may be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = beside(path, "-wal")
        self._files = self._look()

    def check(self) -> None:
        """Raises LedgerUnavailableError."""
        try:
            files = self._look()
        except OSError as error:
            text = f"{self._path}: removed or moved away while it is in use ({error.strerror}); put it back"
            raise LedgerUnavailableError(text) from error
        (now, size), (log, _) = files
        (before, least), (log_before, _) = self._files
        if now != before or log != log_before:
            text = f"{self._path}: another file has taken its place while it is in use; put the one back that was there"
            raise LedgerUnavailableError(text)
        if size < least:
            text = f"{self._path}: cut off while it is in use ({size} bytes, there were {least}); restore a backup"
            raise LedgerUnavailableError(text)
        self._files = files

    def _look(self) -> list[tuple[tuple[int, int], int]]:
        return [((found.st_dev, found.st_ino), found.st_size) for found in map(os.stat, (self._path, self._log))]


def connected(path: Path, *, keep_copy: bool = True) -> sqlite3.Connection:
    """The file to write, made where there is none, its tables up to date. Raises LedgerUnavailableError."""
    connection: sqlite3.Connection | None = None
    try:
        _refuse_at_sight(path)
        if not path.exists():
            _create(path)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        refuse(connection)  # before the journal's mode, which stays in the file
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        if keep_copy:
            _keep_copy(path, connection)
        migrate(connection)
        _try_to_write(connection)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error | NewerLedgerError | ForeignDatabaseError):
            raise unusable(path, error) from error
        if isinstance(error, OSError):
            raise LedgerUnavailableError(f"{path}: {said(error)}") from error
        raise
    return connection


def shortfall(path: Path, found: Reached, known: Reached) -> str | None:
    """What is said of a ledger that holds less than was committed to it."""
    if found.facts >= known.facts and found.checks >= known.checks:
        return None
    less = f"facts: {found.facts} of {known.facts}, checks: {found.checks} of {known.checks}"
    return (
        f"{path}: holds less than was committed to it ({less}): an older copy, or its {path.name}-wal is missing;"
        f" put that back, or use mailuptime restore; to go on with what is left, remove {path.name}.lock"
    )


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _opened(file: Path) -> int:
    """A lock that root makes belongs to whom the directory does, so that the daemon can take it later."""
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    except FileExistsError:
        return os.open(file, os.O_RDWR | os.O_CLOEXEC)
    if os.geteuid() == 0:
        owner = file.parent.stat()
        os.fchown(handle, owner.st_uid, owner.st_gid)
    return handle


def _refuse_at_sight(path: Path) -> None:
    """Raises LedgerUnavailableError for what SQLite would take for a ledger that is new."""
    if path.is_dir():
        raise LedgerUnavailableError(f"{path}: a directory; name a file in it")
    if path.exists() and not path.stat().st_size:
        text = "an empty file, no ledger: restore a backup, or remove it to begin a new ledger"
        raise LedgerUnavailableError(f"{path}: {text}")
    log = beside(path, "-wal")
    if not path.exists() and log.exists() and log.stat().st_size:
        text = f"gone, but its {log.name} is there: put the ledger back, or move that away to begin a new one"
        raise LedgerUnavailableError(f"{path}: {text}")


def _create(path: Path) -> None:
    """A ledger takes its name once its tables are there: one that is killed here leaves none."""
    new = beside(path, ".new")
    for left in (new, beside(new, "-journal")):
        left.unlink(missing_ok=True)
    connection = sqlite3.connect(new, isolation_level=None)
    try:
        migrate(connection)
    finally:
        connection.close()
    new.rename(path)
    sync_directory(path.parent)


def _keep_copy(path: Path, connection: sqlite3.Connection) -> None:
    """Before the tables of an older version are changed, the whole as it was beside it; one copy of one state."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if 0 < version < len(MIGRATIONS):
        head = connection.execute("SELECT hex(substr(digest, 1, 6)) FROM facts ORDER BY seq DESC LIMIT 1").fetchone()
        last = connection.execute("SELECT ifnull(max(id), 0) FROM checks").fetchone()[0]
        kept = beside(path, f".version{version}-{head[0].lower() if head else 'empty'}-{last}")
        if not kept.exists():
            write_copy(connection, kept)


def _try_to_write(connection: sqlite3.Connection) -> None:
    """So that a file which may only be read is refused now and not at the first commit."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    finally:
        connection.rollback()
