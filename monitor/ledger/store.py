"""The ledger as a file: opened under a lock by one process at a time, written in explicit transactions.

SQLite in WAL mode with synchronous=FULL: what `commit` returned from survives a power cut. One connection writes;
nothing else may open the file for writing while the daemon runs, hence the lock.
"""

import errno
import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path

from monitor.core.delivery import Sent
from monitor.core.month import StateSeconds
from monitor.ledger.chain import GENESIS, Fact, Link, canonical, chain
from monitor.ledger.copying import write_copy
from monitor.ledger.reader import (
    CheckRow,
    LedgerLockedError,
    LedgerUnavailableError,
    Reader,
    State,
    reason,
)
from monitor.ledger.schema import (
    APPLICATION_ID,
    MIGRATIONS,
    ForeignDatabaseError,
    NewerLedgerError,
    migrate,
    refuse,
)


@dataclass(slots=True)
class Batch:
    """What one commit makes durable, all or nothing."""

    checks: list[CheckRow] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)
    sent: dict[str, Sent] = field(default_factory=dict)  # by token
    forgotten: set[str] = field(default_factory=set)  # tokens
    tallies: dict[tuple[str, str], int] = field(default_factory=dict)  # by target and result
    seconds: dict[str, StateSeconds] = field(default_factory=dict)  # by service
    alerting: str = ""  # JSON

    def __bool__(self) -> bool:
        return any(getattr(self, part.name) for part in fields(self))


class Ledger(Reader):
    """Use as a context manager; raises LedgerError's kinds when it cannot be opened."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self._targets: dict[str, int] = {}
        if not create and not path.exists():
            raise LedgerUnavailableError(f"{path}: there is no ledger yet; it is made by mailuptime run")
        self._lock = _locked(path)
        try:
            super().__init__(path, _connected(path))
            self._targets, self._head = self._resumed()
        except BaseException:
            os.close(self._lock)
            raise

    def _resumed(self) -> tuple[dict[str, int], tuple[int, bytes]]:
        """The targets that are known, and the chain's last fact."""
        try:
            targets = dict(self._connection.execute("SELECT name, id FROM targets"))
            last = self._connection.execute("SELECT seq, digest FROM facts ORDER BY seq DESC LIMIT 1").fetchone()
        except sqlite3.Error as error:
            self._connection.close()
            raise LedgerUnavailableError(f"{self.path}: {reason(error)}") from error
        return targets, last or (0, GENESIS)

    def close(self) -> None:
        """Close the file, folding the write-ahead log into it, and let go of the lock."""
        self._connection.close()
        os.close(self._lock)

    @property
    def head(self) -> str:
        """The digest of the newest fact, in hexadecimal."""
        return self._head[1].hex()

    def commit(self, batch: Batch) -> None:
        """Make a batch durable. Raises LedgerUnavailableError, with nothing of it written."""
        known, links = dict(self._targets), list(chain(batch.facts, *self._head))
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._write(batch, links)
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._targets = known
            with suppress(sqlite3.Error):  # where the disk fails, also this may; the next commit tries again
                self._connection.rollback()
            if isinstance(error, sqlite3.Error):
                raise LedgerUnavailableError(f"{self.path}: {error}") from error
            raise
        if links:
            self._head = links[-1].seq, links[-1].digest

    def _write(self, batch: Batch, links: Iterable[Link]) -> None:
        self._connection.executemany(
            "INSERT INTO checks (target, at, outcome, duration, voice, speaks, cause, phase, evidence, recovered)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [self._check_values(row) for row in batch.checks],
        )
        self._connection.executemany(
            "INSERT INTO facts (seq, at, kind, body, previous, digest) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (one.seq, one.fact.at, one.fact.kind, canonical(one.fact.body).decode(), one.previous, one.digest)
                for one in links
            ],
        )
        self._connection.executemany(
            "INSERT INTO timelines (target, first, newest, state) VALUES (?, ?, ?, ?) ON CONFLICT (target)"
            " DO UPDATE SET first = excluded.first, newest = excluded.newest, state = excluded.state",
            [
                (self._target(s.target), s.first, s.newest, canonical(s.timeline).decode())
                for s in batch.states.values()
            ],
        )

        self._connection.executemany(
            "INSERT OR REPLACE INTO state_seconds (service, settled, up, down, excused, unknown)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [(name, s.settled, s.up, s.down, s.excused, s.unknown) for name, s in batch.seconds.items()],
        )
        if batch.alerting:
            self._connection.execute("INSERT OR REPLACE INTO alerting (id, state) VALUES (1, ?)", (batch.alerting,))
        self._write_deliveries(batch)

    def _write_deliveries(self, batch: Batch) -> None:
        self._connection.executemany(
            "INSERT INTO sent (token, target, issued, state, places) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (token) DO UPDATE SET state = excluded.state, places = excluded.places",
            [
                (one.token, self._target(one.target), one.issued, one.state, json.dumps(one.places))
                for one in batch.sent.values()
            ],
        )
        self._connection.executemany("DELETE FROM sent WHERE token = ?", [(token,) for token in batch.forgotten])
        self._connection.executemany(
            "INSERT INTO tallies (target, result, count) VALUES (?, ?, ?)"
            " ON CONFLICT (target, result) DO UPDATE SET count = excluded.count",
            [(self._target(target), result, count) for (target, result), count in batch.tallies.items()],
        )

    def _check_values(self, row: CheckRow) -> tuple[object, ...]:
        check = row.check
        # In ASCII: a server's words may hold bytes of no known encoding, which are no text to SQLite
        evidence = None if row.evidence is None else json.dumps(row.evidence)
        return (
            self._target(row.target), check.at, check.outcome.value, check.duration, check.voice,
            int(check.speaks), check.cause, row.phase, evidence, int(row.recovered),
        )  # fmt: skip

    def _target(self, name: str) -> int:
        if name not in self._targets:
            cursor = self._connection.execute("INSERT INTO targets (name) VALUES (?)", (name,))
            self._targets[name] = cursor.lastrowid or 0
        return self._targets[name]


def _locked(path: Path) -> int:
    """Take the lock beside the ledger; it goes with the process, however that ends."""
    beside = path.with_name(path.name + ".lock")
    try:
        handle = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise LedgerUnavailableError(f"{path}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(handle, 32, 0).decode(errors="replace").strip()
        os.close(handle)
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            raise LedgerLockedError(f"{path}: in use by another mailuptime (process {holder})") from error
        raise LedgerUnavailableError(f"{path}: {error.strerror}") from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def _keep_copy(path: Path, connection: sqlite3.Connection) -> None:
    """Before the tables of an older version are changed, the whole as it was beside it; one copy of one state."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if 0 < version < len(MIGRATIONS):
        head = connection.execute("SELECT hex(substr(digest, 1, 6)) FROM facts ORDER BY seq DESC LIMIT 1").fetchone()
        last = connection.execute("SELECT ifnull(max(id), 0) FROM checks").fetchone()[0]
        mark = f"{head[0].lower() if head else 'empty'}-{last}"
        kept = path.with_name(f"{path.name}.version{version}-{mark}")
        if not kept.exists():
            write_copy(connection, kept)


def _try_to_write(connection: sqlite3.Connection) -> None:
    """So that a file which may only be read is refused now and not at the first commit."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    finally:
        connection.rollback()


def _connected(path: Path) -> sqlite3.Connection:
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        refuse(connection)  # before the journal's mode, which stays in the file
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        _keep_copy(path, connection)
        migrate(connection)
        _try_to_write(connection)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error | NewerLedgerError | ForeignDatabaseError):
            raise LedgerUnavailableError(f"{path}: {reason(error)}") from error
        raise
    return connection
