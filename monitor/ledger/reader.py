"""Reading a ledger: by the process that has it locked, or looking on while a daemon writes."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from monitor.core.check import Check, Outcome
from monitor.core.delivery import Sent
from monitor.core.instants import Instant
from monitor.core.month import StateSeconds
from monitor.ledger.chain import Fact, Link
from monitor.ledger.copying import write_copy
from monitor.ledger.errors import LedgerDamagedError, LedgerUnavailableError, reason
from monitor.ledger.schema import MIGRATIONS, ForeignDatabaseError, NewerLedgerError, refuse

_COLUMNS = "at, outcome, duration, voice, speaks, cause, phase, evidence, recovered"
_CHECKS = "checks JOIN targets ON targets.id = target"


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check as it is recorded: what the accounting needs, and what explains it.

    `recovered`: it waited in memory for a ledger that could not be written.
    """

    target: str
    check: Check
    phase: str | None = None
    evidence: dict[str, Any] | None = None
    recovered: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """A target's resumable state."""

    target: str
    first: Instant
    newest: Instant
    timeline: dict[str, Any]


class Reader:
    """Use as a context manager. `connection` is the reader's own and is closed with it."""

    shortfall: str | None = None
    """What is said of a ledger that holds less than was committed to it."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def beside(cls, path: Path) -> Self:
        """Look on while a daemon writes: no lock is taken and nothing can be changed.

        Raises LedgerUnavailableError.
        """
        if not path.exists():
            raise LedgerUnavailableError(f"{path}: there is no ledger yet; it is made by mailuptime run")
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
            connection.execute("BEGIN")  # one picture of the ledger, from the first look at it on
            refuse(connection)
            version = connection.execute("PRAGMA user_version").fetchone()[0]
        except (sqlite3.Error, NewerLedgerError, ForeignDatabaseError) as error:
            if connection is not None:
                connection.close()
            raise LedgerUnavailableError(f"{path}: {reason(error)}") from error
        if version != len(MIGRATIONS):
            connection.close()
            raise LedgerUnavailableError(f"{path}: its version is {version}, this program reads {len(MIGRATIONS)}")
        return cls(path, connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def examine(self) -> None:
        """Go through the whole file, also through indexes and free pages. Raises LedgerDamagedError."""
        found = next(self._select("PRAGMA integrity_check(1)"))[0]
        if found != "ok":
            raise LedgerDamagedError(f"{self.path}: damaged: {' '.join(found.split())}")

    def copy(self, destination: Path, *, overwrite: bool, check: Callable[[Path], None]) -> None:
        """Write this picture of the ledger into another file. Raises LedgerUnavailableError and what `check` raises."""
        write_copy(self._connection, destination, overwrite=overwrite, check=check)

    def last_check(self) -> int:
        """The number of the newest check; 0 where there is none."""
        number: int = next(self._select("SELECT ifnull(max(id), 0) FROM checks"))[0]
        return number

    def facts(self, kinds: Sequence[str] = ()) -> Iterator[Link]:
        """Every fact in order, or those of some kinds."""
        where = f"WHERE kind IN ({','.join('?' * len(kinds))})" if kinds else ""
        query = f"SELECT seq, at, kind, body, previous, digest FROM facts {where} ORDER BY seq"  # noqa: S608 - only question marks
        for seq, at, kind, body, previous, digest in self._select(query, *kinds):
            yield Link(seq, Fact(at, kind, json.loads(body)), previous, digest)

    def states(self) -> Iterator[State]:
        query = "SELECT name, first, newest, state FROM timelines JOIN targets ON targets.id = target"
        for name, first, newest, state in self._select(query):
            yield State(name, first, newest, json.loads(state))

    def state_seconds(self) -> Iterator[tuple[str, StateSeconds]]:
        """What each service's counters go on from."""
        for service, *values in self._select("SELECT service, settled, up, down, excused, unknown FROM state_seconds"):
            yield service, StateSeconds(*values)

    def checks(self, start: Instant, end: Instant) -> Iterator[CheckRow]:
        """The recorded checks with instants in `[start, end)`, in their order."""
        query = f"SELECT name, {_COLUMNS} FROM {_CHECKS} WHERE at >= ? AND at < ? ORDER BY at, checks.id"  # noqa: S608 - constants
        for values in self._select(query, start, end):
            yield _row(*values)

    def excerpt(
        self, target: str, start: Instant, end: Instant, most: int, *, up: bool, newest: bool = False
    ) -> list[CheckRow]:
        """At most so many checks of one target in `[start, end)` that were up, or were not, in their order."""
        query = (
            f"SELECT ?, {_COLUMNS} FROM checks"  # noqa: S608 - constants
            " WHERE target = (SELECT id FROM targets WHERE name = ?) AND at >= ? AND at < ? AND (outcome = 'up') = ?"
        )
        query += " ORDER BY at DESC, id DESC LIMIT ?" if newest else " ORDER BY at, id LIMIT ?"
        found = [_row(*values) for values in self._select(query, target, target, start, end, int(up), most)]
        return found[::-1] if newest else found

    def rows(self, after: int, last: int | None = None) -> Iterator[tuple[int, CheckRow]]:
        """The recorded checks with their numbers, in the order in which they were recorded."""
        query = f"SELECT checks.id, name, {_COLUMNS} FROM {_CHECKS} WHERE checks.id > ? AND checks.id <= ?"  # noqa: S608 - constants
        query += " ORDER BY checks.id"
        for number, *values in self._select(query, after, 2**62 if last is None else last):
            yield number, _row(*values)

    def sent(self) -> Iterator[Sent]:
        """The messages of round trips that are remembered."""
        query = "SELECT token, name, issued, state, places FROM sent JOIN targets ON targets.id = target"
        for token, name, issued, state, places in self._select(query):
            yield Sent(token, name, issued, state, json.loads(places))

    def tallies(self) -> Iterator[tuple[str, str, int]]:
        """Of each round trip how many messages came to which end: target, result, count."""
        yield from self._select("SELECT name, result, count FROM tallies JOIN targets ON targets.id = target")

    def alerting(self) -> str | None:
        """What alerts remember, as JSON; None where nothing was ever kept."""
        return next((state for (state,) in self._select("SELECT state FROM alerting")), None)

    def _select(self, query: str, *values: object) -> Iterator[Any]:
        try:
            yield from self._connection.execute(query, values)
        except sqlite3.DatabaseError as error:
            raise LedgerDamagedError(f"{self.path}: {error}") from error


def _row(
    name: str,
    at: Instant,
    outcome: str,
    duration: int,
    voice: int,
    speaks: int,
    cause: str | None,
    phase: str | None,
    evidence: str | None,
    recovered: int,
) -> CheckRow:
    check = Check(at, Outcome(outcome), duration, voice, bool(speaks), cause)
    return CheckRow(name, check, phase, json.loads(evidence) if evidence else None, bool(recovered))
