"""The ledger as a file: opened under a lock by one process at a time, written in explicit transactions.

SQLite in WAL mode with synchronous=FULL: what `commit` returned from survives a power cut. One connection writes;
nothing else may open the file for writing while the daemon runs, hence the lock.
"""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, fields
from itertools import islice
from pathlib import Path

from monitor.core.delivery import Sent
from monitor.core.month import StateSeconds
from monitor.ledger.chain import GENESIS, Fact, Link, canonical, chain
from monitor.ledger.errors import LedgerUnavailableError, unusable
from monitor.ledger.opening import Lock, Presence, Reached, connected, shortfall
from monitor.ledger.packs import Pack, Pruned, write_pack, write_pruned
from monitor.ledger.reader import Reader
from monitor.ledger.rows import CheckRow, State

_compact = json.JSONEncoder(separators=(",", ":")).encode


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
    pack: Pack | None = None
    pruned: Pruned | None = None
    dropped: tuple[int, int] | None = None  # numbers, first and last, whose evidence goes

    def __bool__(self) -> bool:
        return any(getattr(self, part.name) for part in fields(self))


class Ledger(Reader):
    """Use as a context manager; raises LedgerError's kinds when it cannot be opened.

    One that holds less than was committed to it is opened to be read alone (`to_write` false), and says so.
    """

    def __init__(self, path: Path, *, create: bool = True, to_write: bool = True, keep_copy: bool = True) -> None:
        self._targets: dict[str, int] = {}
        if not create and not path.exists():
            raise LedgerUnavailableError(f"{path}: there is no ledger yet; it is made by mailuptime run")
        with ExitStack() as stack:
            self._lock = Lock(path)
            stack.callback(self._lock.close)
            if not path.exists() and self._lock.reached.facts:
                text = f"gone; put it back or restore a backup; to begin a new ledger, remove {path.name}.lock"
                raise LedgerUnavailableError(f"{path}: {text}")
            connection = connected(path, keep_copy=keep_copy)
            stack.callback(connection.close)
            super().__init__(path, connection)
            self._targets, self._head, self._checks = self._resumed()
            self.shortfall = shortfall(path, Reached(self._head[0], self._checks), self._lock.reached)
            if to_write and self.shortfall is not None:
                raise LedgerUnavailableError(self.shortfall)
            self._presence = Presence(path)
            stack.pop_all()

    def _resumed(self) -> tuple[dict[str, int], tuple[int, bytes], int]:
        """The targets that are known, the chain's last fact, and the last check's number."""
        try:
            targets = dict(self._connection.execute("SELECT name, id FROM targets"))
            last = self._connection.execute("SELECT seq, digest FROM facts ORDER BY seq DESC LIMIT 1").fetchone()
            checks = self.last_check()
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error
        return targets, last or (0, GENESIS), checks

    def close(self) -> None:
        """Close the file, folding the write-ahead log into it, and let go of the lock."""
        self._connection.close()
        self._lock.close()

    @property
    def head(self) -> str:
        """The digest of the newest fact, in hexadecimal."""
        return self._head[1].hex()

    def commit(self, batch: Batch) -> None:
        """Make a batch durable. Raises LedgerUnavailableError, with nothing of it written."""
        known, links = len(self._targets), list(chain(batch.facts, *self._head))
        self._presence.check()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._write(batch, links)
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._targets = dict(islice(self._targets.items(), known))
            with suppress(sqlite3.Error):  # where the disk fails, also this may; the next commit tries again
                self._connection.rollback()
            if isinstance(error, sqlite3.Error):
                raise LedgerUnavailableError(f"{self.path}: {error}") from error
            raise
        if links:
            self._head = links[-1].seq, links[-1].digest
        self._checks += len(batch.checks)
        with suppress(OSError):  # it is committed; a note that is behind is as good
            self._lock.note(Reached(self._head[0], self._checks))

    def _write(self, batch: Batch, links: Iterable[Link]) -> None:
        self._connection.executemany(
            "INSERT INTO checks (id, target, at, outcome, duration, voice, speaks, cause, phase, evidence, recovered)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(number, *self._check_values(row)) for number, row in enumerate(batch.checks, self._checks + 1)],
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
            [(self._target(s.target), s.first, s.newest, _compact(s.timeline)) for s in batch.states.values()],
        )

        self._connection.executemany(
            "INSERT OR REPLACE INTO state_seconds (service, settled, up, down, excused, unknown)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [(name, s.settled, s.up, s.down, s.excused, s.unknown) for name, s in batch.seconds.items()],
        )
        if batch.alerting:
            self._connection.execute("INSERT OR REPLACE INTO alerting (id, state) VALUES (1, ?)", (batch.alerting,))
        self._write_deliveries(batch)
        if batch.pack is not None:
            write_pack(self._connection, batch.pack)
        if batch.pruned is not None:
            write_pruned(self._connection, batch.pruned, self._targets)
        if batch.dropped is not None:
            self._connection.execute("DELETE FROM evidence WHERE id BETWEEN ? AND ?", batch.dropped)

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
            self._target(row.target), check.at, str(check.outcome), check.duration, check.voice,
            int(check.speaks), check.cause, row.phase, evidence, int(row.recovered),
        )  # fmt: skip

    def _target(self, name: str) -> int:
        if name not in self._targets:
            cursor = self._connection.execute("INSERT INTO targets (name) VALUES (?)", (name,))
            self._targets[name] = cursor.lastrowid or 0
        return self._targets[name]
