"""The single consumer of checks: timeline, then ledger, then metrics, then log, in this order.

What decides figures is committed before it is published. While the ledger cannot be written, records wait in
bounded memory and are tried again; beyond the bound checks are turned away before the book takes them, so that
their time becomes unknown.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from math import inf
from types import MappingProxyType
from typing import Any, NamedTuple

import structlog

from monitor.attachments import Attachments
from monitor.clock import Clock
from monitor.core.book import Book, Horizon
from monitor.core.check import Check, Outcome
from monitor.core.instants import SECOND, Instant
from monitor.core.month import StateSeconds
from monitor.core.outages import identity_of
from monitor.ledger import Batch, CheckRow, Fact, LedgerUnavailableError
from monitor.ledger.restore import RECOVERED, event_fact, state_of
from monitor.ledger.writer import Writer
from monitor.live import Live
from monitor.logs import levels
from monitor.runner import Result
from monitor.witness import Witness

log = structlog.get_logger("recorder")

MOST_PENDING = 100_000
GATHERING = 0.5
"""Seconds between two commits where nothing presses: each has to wait for the disk, however little it holds."""
RETRY = 5.0
"""Seconds between attempts to write while the ledger is unavailable."""


class Arrival(NamedTuple):
    """Something to record: a result, or checks that were missed, of one target; or facts of none, or counters.

    `taken` is called with the facts when the book takes them, `durable` is done once they are committed.
    """

    live: Live | None
    result: Result | None = None
    missed: tuple[Check, ...] = ()
    facts: tuple[Fact, ...] = ()
    seconds: Mapping[str, StateSeconds] = MappingProxyType({})
    taken: Callable[[Sequence[Fact]], None] | None = None
    durable: asyncio.Future[None] | None = None


class Recorder:
    """`committed` is called after a commit that presses, on the event loop, before the log is written."""

    def __init__(
        self,
        clock: Clock,
        book: Book,
        writer: Writer,
        committed: Callable[[], None],
        attachments: Attachments | None = None,
    ) -> None:
        self._clock = clock
        self._book = book
        self._writer = writer
        self._committed = committed
        self._attachments = attachments
        self._arrivals: asyncio.Queue[Arrival] = asyncio.Queue()
        self._pressing = asyncio.Event()
        self._pending = Batch()
        self._waiting: list[asyncio.Future[None]] = []
        self._states: dict[str, str] = {}
        self._outages: dict[str, str] = {}  # of each target that was down, the service's last one
        self._witness = Witness()
        self._next_attempt = -inf  # on the monotonic clock, while the ledger is unavailable
        self._handled = clock.monotonic()
        self._refused: tuple[Instant, str] | None = None  # since when the ledger cannot be written, and why
        self.turned_away = 0
        self._turned_away_before = 0  # when the ledger was last found unwritable
        self.last_commit: int | None = None
        """When the last commit returned, in microseconds of the wall clock."""

    @property
    def writable(self) -> bool:
        """Whether the last commit was taken."""
        return self._refused is None

    @property
    def pending(self) -> int:
        """Records that are not durable yet."""
        return self._arrivals.qsize() + len(self._pending.checks) + len(self._pending.facts)

    def stuck(self, seconds: float) -> bool:
        """Whether something has waited that long without being looked at; a ledger that refuses is looked at."""
        return not self._arrivals.empty() and self._clock.monotonic() - self._handled > seconds

    @property
    def durable(self) -> bool:
        """Whether everything that the book has taken is committed."""
        return not self._pending

    def put(self, arrival: Arrival) -> None:
        if self.pending >= MOST_PENDING and arrival.live is not None:
            self.turned_away += len(arrival.missed) + (arrival.result is not None)
            if arrival.result is not None and arrival.live.outstanding:
                arrival.live.outstanding.pop()  # it came last
            return
        self._arrivals.put_nowait(arrival)
        if self._presses(arrival):
            self._pressing.set()

    def _presses(self, arrival: Arrival) -> bool:
        """Whether it is more than one more check of a target that is up and stays so."""
        live, result = arrival.live, arrival.result
        if live is None or result is None or result.check.outcome is not Outcome.UP:
            return True
        return self._states.get(live.target.name) != "up"

    async def run(self) -> None:
        while True:
            await self._round()
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHERING):
                    await self._pressing.wait()

    async def drain(self) -> None:
        """Record everything that has arrived; for the daemon's end."""
        self._next_attempt = -inf
        while not self._arrivals.empty():
            await self._round()

    async def _round(self) -> None:
        arrivals = await self._gather()
        handling = asyncio.create_task(self._handle(arrivals))
        try:
            await asyncio.shield(handling)
        except asyncio.CancelledError:
            await handling  # interrupted, the commit would be forgotten here and be made again by `drain`
            raise

    async def _handle(self, arrivals: list[Arrival]) -> None:
        pressing = any(self._presses(arrival) for arrival in arrivals)
        for arrival in arrivals:
            self._take(arrival)
        if self._attachments and self._attachments.waiting:
            await asyncio.to_thread(self._attachments.write)
        await self._commit()
        if pressing and self.writable:
            self._committed()
        self._handled = self._clock.monotonic()
        for arrival in arrivals:
            self._log(arrival)

    async def _gather(self) -> list[Arrival]:
        """Wait for something to arrive, or while the ledger is unavailable for the time of the next attempt."""
        arrivals: list[Arrival] = []
        try:
            async with asyncio.timeout(None if self.writable else self._next_attempt - self._clock.monotonic()):
                arrivals.append(await self._arrivals.get())
        except TimeoutError:
            return arrivals
        while not self._arrivals.empty():
            arrivals.append(self._arrivals.get_nowait())
        self._pressing.clear()
        return arrivals

    def _take(self, arrival: Arrival) -> None:
        self._pending.facts += arrival.facts
        self._pending.seconds.update(arrival.seconds)
        if arrival.taken is not None:
            arrival.taken(arrival.facts)
        if arrival.durable is not None:
            self._waiting.append(arrival.durable)
        if arrival.live is None:
            return
        if arrival.result is not None:
            if arrival.live.outstanding:
                arrival.live.outstanding.pop(0)  # results arrive in the order in which checks begin
            if not arrival.result.pulse or arrival.result.check.outcome is not Outcome.UP:
                self._record(arrival.live, arrival.result.check, arrival.result)
        for check in arrival.missed:
            arrival.live.missed(check)
            self._record(arrival.live, check, None)

    def _record(self, live: Live, check: Check, result: Result | None) -> None:
        name = live.target.name
        account = self._book.accounts[name]
        if account.newest is not None and check.at < account.newest:
            check = silenced(check)
        events = self._book.record(name, check)
        phase = result.failed_phase if result else None
        row = CheckRow(name, check, phase, self._explained(result), recovered=not self.writable)
        self._pending.checks.append(row)
        if events:
            now = self._clock.now()
            self._pending.facts += [event_fact(name, event, now) for event in events]
        state = state_of(name, account)
        if state is not None:
            self._pending.states[name] = state

    def _explained(self, result: Result | None) -> dict[str, Any] | None:
        found = self._witness.seen(result) if result else None
        files = self._attachments.take(result) if self._attachments and result else []
        return found | {"attachments": files} if found is not None and files else found

    async def _commit(self) -> None:
        if not self._pending or self._clock.monotonic() < self._next_attempt:
            return
        batch = self._pending
        try:
            await self._writer.commit(replace(batch, facts=[*batch.facts, *self._recovery(batch)]))
        except LedgerUnavailableError as error:
            self._refuse(str(error))
            return
        self._pending = Batch()
        self._next_attempt = -inf
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting = []
        self.last_commit = self._clock.now()
        if not self.writable:
            log.warning("ledger.available_again", recovered=len(batch.checks))
        self._refused = None

    def _refuse(self, reason: str) -> None:
        """What is pending has to wait, and says so once it is written."""
        self._next_attempt = self._clock.monotonic() + RETRY
        if self.writable:
            log.error("ledger.unavailable", reason=reason, pending=self.pending)
            self._refused = self._clock.now(), reason
            self._turned_away_before = self.turned_away
            self._pending.checks = [replace(row, recovered=True) for row in self._pending.checks]

    def _recovery(self, batch: Batch) -> list[Fact]:
        """After the ledger could not be written: that what stands beside this fact had to wait for it."""
        if self._refused is None:
            return []
        since, reason = self._refused
        turned_away = self.turned_away - self._turned_away_before
        body = {"since": since, "checks": len(batch.checks), "turned_away": turned_away, "reason": reason}
        return [Fact(self._clock.now(), RECOVERED, body)]

    def _log(self, arrival: Arrival) -> None:
        if arrival.live is None or arrival.result is None:
            return
        result, name = arrival.result, arrival.live.target.name
        check = result.check
        if levels.wanted("recorder", "debug"):
            _log_check(result)
        state = arrival.live.state(self._clock.monotonic())
        before = self._states.get(name)
        if state != before:
            self._states[name] = state
            log.info(
                "target.state_changed", target=name, state=state, before=before, cause=check.cause,
                outage=self._outage(name, state, before), phase=result.failed_phase, reply=result.reply or None,
            )  # fmt: skip

    def _outage(self, name: str, state: str, before: str | None) -> str | None:
        """The id of the outage that a target's change begins, or ends: of its service, where that is down."""
        service = name.partition("/")[0]
        if state == "down" and service in self._book.rules.services:
            since = self._book.down_since(service, Horizon(self._clock.now(), now=True))
            if since is not None:
                self._outages[name] = identity_of(service, since)
                return self._outages[name]
        return self._outages.get(name) if before == "down" else None


def _log_check(result: Result) -> None:
    check = result.check
    log.debug(
        "check.done",
        target=result.target.name,
        outcome=check.outcome.value,
        cause=check.cause,
        phase=result.failed_phase,
        duration_s=check.duration / SECOND,
        pulse=result.pulse,
        phases={phase.name: round(phase.seconds, 6) for phase in result.phases},
    )


def silenced(check: Check) -> Check:
    """A check from before the newest recorded one: the clock was set back, its time is accounted for (R5)."""
    return replace(check, speaks=False)
