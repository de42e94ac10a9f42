"""Reading a ledger: by the process that has it locked, or looking on while a daemon writes."""

import heapq
import json
import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from monitor.core.check import Check, Outcome
from monitor.core.delivery import Sent
from monitor.core.instants import Instant
from monitor.core.month import StateSeconds
from monitor.ledger.chain import GENESIS, Fact, Link
from monitor.ledger.copying import write_copy
from monitor.ledger.errors import LedgerDamagedError, LedgerUnavailableError, ValueUnreadableError, reason
from monitor.ledger.packs import Baseline, Numbered, Pack, unpacked
from monitor.ledger.rows import CheckRow, State
from monitor.ledger.schema import MIGRATIONS, ForeignDatabaseError, NewerLedgerError, refuse

_INSTRUCTIONS = 10_000
"""How many SQLite carries out between two looks at whether to give up: well under a millisecond's worth."""
_COLUMNS = "at, outcome, duration, voice, speaks, cause, phase, evidence, recovered"
_CHECKS = "checks JOIN targets ON targets.id = target"


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

    def give_up_when(self, stopped: Callable[[], bool]) -> None:
        """Every query fails from when on this says so: who waits for one has gone."""
        self._connection.set_progress_handler(lambda: int(stopped()), _INSTRUCTIONS)

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

    def copy(
        self, destination: Path, *, overwrite: bool, check: Callable[[Path], None], stopped: Callable[[], bool]
    ) -> None:
        """Write this picture of the ledger into another file. Raises LedgerUnavailableError and what `check` raises."""
        write_copy(self._connection, destination, overwrite=overwrite, check=check, stopped=stopped)

    def last_check(self) -> int:
        """The number of the newest check that was ever recorded; 0 where there is none."""
        query = "SELECT max((SELECT ifnull(max(id), 0) FROM checks), (SELECT ifnull(max(last), 0) FROM packs))"
        number: int = next(self._select(query))[0]
        return number

    def newest_digest(self) -> str:
        """The chain's head, as far as this picture of the ledger has it."""
        found = next(self._select("SELECT digest FROM facts ORDER BY seq DESC LIMIT 1"), (GENESIS,))
        return bytes(found[0]).hex()

    def facts(self, kinds: Sequence[str] = ()) -> Iterator[Link]:
        """Every fact in order, or those of some kinds."""
        where = f"WHERE kind IN ({','.join('?' * len(kinds))})" if kinds else ""
        query = f"SELECT seq, at, kind, body, previous, digest FROM facts {where} ORDER BY seq"  # noqa: S608 - only question marks
        for seq, at, kind, body, previous, digest in self._select(query, *kinds):
            yield Link(seq, Fact(at, kind, self._value(body)), previous, digest)

    def newest_facts(self, kinds: Sequence[str], before: int, most: int) -> list[Link]:
        """At most so many facts of some kinds with lower numbers than `before`, newest first."""
        query = (
            "SELECT seq, at, kind, body, previous, digest FROM facts"  # noqa: S608 - only question marks
            f" WHERE kind IN ({','.join('?' * len(kinds))}) AND seq < ? ORDER BY seq DESC LIMIT ?"
        )
        found = self._select(query, *kinds, before, most)
        return [
            Link(seq, Fact(at, kind, self._value(body)), previous, digest)
            for seq, at, kind, body, previous, digest in found
        ]

    def states(self) -> Iterator[State]:
        query = "SELECT name, first, newest, state FROM timelines JOIN targets ON targets.id = target"
        for name, first, newest, state in self._select(query):
            yield State(name, first, newest, self._value(state))

    def state_seconds(self) -> Iterator[tuple[str, StateSeconds]]:
        """What each service's counters go on from."""
        for service, *values in self._select("SELECT service, settled, up, down, excused, unknown FROM state_seconds"):
            yield service, StateSeconds(*values)

    def checks(self, start: Instant, end: Instant) -> Iterator[CheckRow]:
        """The recorded checks with instants in `[start, end)` that are not pruned, in their order."""
        query = f"SELECT checks.id, name, {_COLUMNS} FROM {_CHECKS} WHERE at >= ? AND at < ? ORDER BY at, checks.id"  # noqa: S608 - constants
        tail = ((number, self._row(*values)) for number, *values in self._select(query, start, end))
        for _, row in heapq.merge(self._packed_by_instant(start, end), tail, key=_place):
            yield row

    def _packed_by_instant(self, start: Instant, end: Instant) -> Iterator[Numbered]:
        """Packs may overlap by what came late: a check is passed on once no later pack can hold an earlier one."""
        waiting: list[Numbered] = []
        for pack in self.packs("WHERE start < ? AND end >= ? ORDER BY start, first", end, start):
            ready = bisect_left(waiting, (pack.start, 0), key=_place)
            yield from waiting[:ready]
            found = [one for one in self.of_pack(pack) if start <= one[1].check.at < end]
            waiting = sorted([*waiting[ready:], *found], key=_place)
        yield from waiting

    def excerpt(
        self, target: str, start: Instant, end: Instant, most: int, *, up: bool, newest: bool = False
    ) -> list[CheckRow]:
        """At most so many checks of one target in `[start, end)` that were up, or were not, in their order.

        Of those that are packed all that were not up are looked at, and the good ones around them.
        """
        each = (
            f"SELECT id, {_COLUMNS} FROM {{}}"  # noqa: S608 - constants
            " WHERE target = (SELECT id FROM targets WHERE name = ?) AND at >= ? AND at < ? AND (outcome = 'up') = ?"
        )
        query = f"{each.format('checks')} UNION ALL {each.format('evidence')}"
        query += " ORDER BY at DESC, id DESC LIMIT ?" if newest else " ORDER BY at, id LIMIT ?"
        asked = (target, start, end, int(up))
        found = [self._row(target, *values) for _, *values in self._select(query, *asked, *asked, most)]
        return found[::-1] if newest else found

    def rows(self, after: int, last: int | None = None) -> Iterator[Numbered]:
        """The recorded checks that are not pruned with their numbers, in the order in which they were recorded."""
        last = 2**62 if last is None else last
        for pack in self.packs("WHERE last > ? AND first <= ? ORDER BY first", after, last):
            yield from (one for one in self.of_pack(pack) if after < one[0] <= last)
        yield from self._raw("checks", after, last)

    def unpacked(self, most: int) -> list[Numbered]:
        """The oldest checks that are rows."""
        return list(islice(self._raw("checks", 0, 2**62), most))

    def of_pack(self, pack: Pack) -> Iterator[Numbered]:
        """The checks of a pack with their evidence, as far as that is kept. Raises LedgerDamagedError."""
        if pack.blob is None:
            return
        kept = dict(self._raw("evidence", pack.first - 1, pack.last))
        try:
            for number, row in unpacked(pack):
                yield number, replace(row, evidence=kept[number].evidence) if number in kept else row
        except ValueError as error:
            text = f"{self.path}: the pack of checks {pack.first} to {pack.last} cannot be read: {error}"
            raise LedgerDamagedError(text) from error

    def evidence(self, first: int, last: int) -> Iterator[Numbered]:
        """The packed checks that are kept in full, by their numbers."""
        return self._raw("evidence", first - 1, last)

    def packs(self, which: str = "ORDER BY first", *values: object) -> Iterator[Pack]:
        for found in self._select(f"SELECT first, last, count, start, end, checks FROM packs {which}", *values):  # noqa: S608 - constants
            yield Pack(*found)

    def oldest_pack(self) -> Pack | None:
        """The first one that is not pruned."""
        return next(self.packs("WHERE checks IS NOT NULL ORDER BY first LIMIT 1"), None)

    def oldest_evidence(self) -> Pack | None:
        """The pack that the first evidence belongs to."""
        return next(self.packs("WHERE last >= (SELECT min(id) FROM evidence) ORDER BY first LIMIT 1"), None)

    def outcomes_after(self, number: int, most: int) -> dict[str, Outcome]:
        """Of each target the outcome of its next check that is a row, among so many."""
        found: dict[str, Outcome] = {}
        for _, row in islice(self._raw("checks", number, 2**62), most):
            found.setdefault(row.target, row.check.outcome)
        return found

    def failed_last(self, target: str) -> bool:
        """Whether the newest evidence of a target is a check that was not up."""
        query = "SELECT outcome FROM evidence WHERE target = (SELECT id FROM targets WHERE name = ?)"
        newest = self._select(f"{query} ORDER BY at DESC LIMIT 1", target)
        return next((outcome != "up" for (outcome,) in newest), False)

    def baselines(self) -> Iterator[Baseline]:
        """What the timelines had come to when checks were last pruned."""
        query = "SELECT name, first, newest, state, events FROM baselines JOIN targets ON targets.id = target"
        for name, first, newest, state, events in self._select(query):
            yield Baseline(name, first, newest, self._value(state), events)

    def _raw(self, table: str, after: int, last: int) -> Iterator[Numbered]:
        query = f"SELECT t.id, name, {_COLUMNS} FROM {table} t JOIN targets ON targets.id = target"  # noqa: S608 - constants
        for number, *values in self._select(f"{query} WHERE t.id > ? AND t.id <= ? ORDER BY t.id", after, last):
            yield number, self._row(*values)

    def sent(self) -> Iterator[Sent]:
        """The messages of round trips that are remembered."""
        query = "SELECT token, name, issued, state, places FROM sent JOIN targets ON targets.id = target"
        for token, name, issued, state, places in self._select(query):
            yield Sent(token, name, issued, state, self._value(places))

    def tallies(self) -> Iterator[tuple[str, str, int]]:
        """Of each round trip how many messages came to which end: target, result, count."""
        yield from self._select("SELECT name, result, count FROM tallies JOIN targets ON targets.id = target")

    def alerting(self) -> str | None:
        """What alerts remember, as JSON; None where nothing was ever kept."""
        return next((state for (state,) in self._select("SELECT state FROM alerting")), None)

    def _select(self, query: str, *values: object) -> Iterator[Any]:
        try:
            cursor = self._connection.execute(query, values)
            while (row := cursor.fetchone()) is not None:  # `yield from` would close a cursor behind its ledger
                yield row
        except sqlite3.DatabaseError as error:
            raise LedgerDamagedError(f"{self.path}: {error}") from error

    def _row(
        self,
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
        try:
            check = Check(at, Outcome(outcome), duration, voice, bool(speaks), cause)
        except ValueError as error:
            raise ValueUnreadableError(f"{self.path}: a check of {name} cannot be read: {error}") from error
        return CheckRow(name, check, phase, self._value(evidence) if evidence else None, bool(recovered))

    def _value(self, text: str) -> Any:
        try:
            return json.loads(text)
        except (TypeError, ValueError) as error:
            raise ValueUnreadableError(f"{self.path}: a value cannot be read: {error}") from error


def _place(one: Numbered) -> tuple[Instant, int]:
    """By instant, of equal ones as they were recorded."""
    return one[1].check.at, one[0]
