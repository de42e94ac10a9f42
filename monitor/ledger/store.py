"""The ledger as a file: opened under a lock by one process at a time, written in explicit transactions.

SQLite in WAL mode with synchronous=FULL: what `commit` returned from survives a power cut. One connection writes;
nothing else may open the file for writing while the daemon runs, hence the lock.
"""

import errno
import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from monitor.core.check import Check, Outcome
from monitor.core.instants import Instant
from monitor.ledger.chain import GENESIS, Fact, Link, canonical, chain
from monitor.ledger.schema import ForeignDatabaseError, NewerLedgerError, migrate


class LedgerError(Exception):
    """The ledger cannot be used; the text is one line for a person."""


class LedgerLockedError(LedgerError):
    """Another process holds the ledger."""


class LedgerUnavailableError(LedgerError):
    """The ledger cannot be created, opened or written."""


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check as it is recorded: what the accounting needs, and what explains it."""

    target: str
    check: Check
    phase: str | None = None
    evidence: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A target's resumable state."""

    target: str
    first: Instant
    newest: Instant
    timeline: dict[str, Any]


@dataclass(slots=True)
class Batch:
    """What one commit makes durable, all or nothing."""

    checks: list[CheckRow] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.checks or self.facts or self.states)


class Ledger:
    """Use as a context manager; raises LedgerError's kinds when it cannot be opened."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self._targets: dict[str, int] = {}
        if not create and not path.exists():
            raise LedgerUnavailableError(f"{path}: there is no ledger yet; it is made by mailuptime run")
        self._lock = _locked(path)
        try:
            self._connection = _connected(path)
            self._targets = dict(self._connection.execute("SELECT name, id FROM targets"))
            last = self._connection.execute("SELECT seq, digest FROM facts ORDER BY seq DESC LIMIT 1").fetchone()
        except BaseException:
            os.close(self._lock)
            raise
        self._head: tuple[int, bytes] = last or (0, GENESIS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
        except sqlite3.Error as error:
            self._targets = known
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise LedgerUnavailableError(f"{self.path}: {error}") from error
        if links:
            self._head = links[-1].seq, links[-1].digest

    def facts(self, kinds: Sequence[str] = ()) -> Iterator[Link]:
        """Every fact in order, or those of some kinds."""
        where = f"WHERE kind IN ({','.join('?' * len(kinds))})" if kinds else ""
        query = f"SELECT seq, at, kind, body, previous, digest FROM facts {where} ORDER BY seq"  # noqa: S608 - only question marks
        for seq, at, kind, body, previous, digest in self._connection.execute(query, tuple(kinds)):
            yield Link(seq, Fact(at, kind, json.loads(body)), previous, digest)

    def states(self) -> Iterator[State]:
        query = "SELECT name, first, newest, state FROM timelines JOIN targets ON targets.id = target"
        for name, first, newest, state in self._connection.execute(query):
            yield State(name, first, newest, json.loads(state))

    def checks(self, start: Instant, end: Instant) -> Iterator[CheckRow]:
        """The recorded checks with instants in `[start, end)`, in their order."""
        query = (
            "SELECT name, at, outcome, duration, voice, speaks, cause, phase, evidence"
            " FROM checks JOIN targets ON targets.id = target WHERE at >= ? AND at < ? ORDER BY at, checks.id"
        )
        for name, at, outcome, duration, voice, speaks, cause, phase, evidence in self._connection.execute(
            query, (start, end)
        ):
            check = Check(at, Outcome(outcome), duration, voice, bool(speaks), cause)
            yield CheckRow(name, check, phase, json.loads(evidence) if evidence else None)

    def _write(self, batch: Batch, links: Iterable[Link]) -> None:
        self._connection.executemany(
            "INSERT INTO checks (target, at, outcome, duration, voice, speaks, cause, phase, evidence)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
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

    def _check_values(self, row: CheckRow) -> tuple[object, ...]:
        check = row.check
        evidence = None if row.evidence is None else json.dumps(row.evidence, ensure_ascii=False)
        return (
            self._target(row.target), check.at, check.outcome.value, check.duration, check.voice,
            int(check.speaks), check.cause, row.phase, evidence,
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


def _connected(path: Path) -> sqlite3.Connection:
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        migrate(connection)
    except (sqlite3.Error, NewerLedgerError, ForeignDatabaseError) as error:
        if connection is not None:
            connection.close()
        raise LedgerUnavailableError(f"{path}: {_reason(error)}") from error
    return connection


def _reason(error: Exception) -> str:
    if isinstance(error, NewerLedgerError):
        return f"written by a newer mailuptime ({error}); upgrade the program"
    if isinstance(error, ForeignDatabaseError):
        return "an SQLite database, but not a mailuptime ledger; name another path"
    return str(error)
