"""When snapshots are taken: as soon as something presses, and never so much at once that checks would notice.

A small fleet's is taken at once. One that takes longer than `TURN` is taken in turns, between which checks go on: each
service is as of the turn that it was evaluated in, and never beyond what is committed.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

from monitor.clock import Clock
from monitor.core.book import Book
from monitor.photographer import Photographer
from monitor.snapshot import Snapshot

TURN = 0.02
"""Seconds that a snapshot may take to be taken at once."""
HOLD = 0.005
"""Seconds for which one in turns holds the event loop, but for a single service."""
SHARE = 2
"""How many times as long as it was held the event loop then belongs to the others."""
REST = 9
"""How many times as long as a snapshot took none is taken: at most a tenth of the event loop goes to them."""
LONGEST_REST = 60.0
"""Seconds; what took longer than any fleet's was held up itself, as a machine is that was stopped for a while."""
INTERVAL = 1.0
"""Seconds between two snapshots where nothing presses: voices expire and budgets burn without a check."""
PATIENCE = 1.0
"""Seconds that a turn waits for a commit that is outstanding."""


class Shutter:
    """`durable` tells whether all that the book has taken is committed; `taken` is called with each new snapshot."""

    def __init__(
        self,
        clock: Clock,
        book: Book,
        photographer: Photographer,
        durable: Callable[[], bool],
        taken: Callable[[Snapshot], None],
    ) -> None:
        self._clock = clock
        self._book = book
        self._photographer = photographer
        self._durable = durable
        self._taken = taken
        self._pressed = asyncio.Event()
        self._rested = -inf  # until when no snapshot is taken, on the monotonic clock
        began = clock.monotonic()
        self.snapshot = photographer.take(clock.now(), began)
        self._lasts = clock.monotonic() - began  # seconds of the event loop that one takes

    def press(self) -> None:
        """Take a snapshot now; one that takes long, or comes too soon after another, is left to `run`."""
        if self._lasts > TURN:
            self._pressed.set()
            return
        began = self._clock.monotonic()
        if began >= self._rested:
            durable = self._durable()
            fresh = self._photographer.take(self._clock.now(), self._clock.monotonic(), services=durable)
            self._show(fresh, durable=durable, lasted=self._clock.monotonic() - began)

    async def run(self) -> None:
        while True:
            if self._lasts > TURN:
                await self._wait()
                await self._in_turns()
            else:
                await self._clock.sleep(INTERVAL)
                self.press()

    async def _wait(self) -> None:
        """Until the rest is over, and then until something presses."""
        rest = max(0.0, self._rested - self._clock.monotonic())
        await self._clock.sleep(rest)
        waiting: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._pressed.wait()),
            asyncio.create_task(self._clock.sleep(max(0.0, INTERVAL - rest))),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
        self._pressed.clear()

    async def _in_turns(self) -> None:
        """A reload, or a ledger that is not written to, ends it: the next one begins anew."""
        rules, durable = self._book.rules, await self._committed()
        began, lasted = self._clock.monotonic(), 0.0
        for fresh in self._photographer.steps(self._clock.now(), began, services=durable):
            turn = self._clock.monotonic() - began
            if fresh is not None:
                self._show(fresh, durable=durable, lasted=lasted + turn)
            elif turn > HOLD:
                lasted += turn
                await self._clock.sleep(SHARE * turn)
                if (durable and not await self._committed()) or self._book.rules is not rules:
                    return
                began = self._clock.monotonic()

    async def _committed(self) -> bool:
        """Whether everything is, which is waited for."""
        until = self._clock.monotonic() + PATIENCE
        while not self._durable() and self._clock.monotonic() < until:
            await self._clock.sleep(0.01)
        return self._durable()

    def _show(self, fresh: Snapshot, *, durable: bool, lasted: float) -> None:
        """While a commit is outstanding figures stay as they were; how long those of services take is not known."""
        if durable:
            self._lasts = lasted
        else:
            fresh = replace(fresh, services=self.snapshot.services, month=self.snapshot.month)
        self._rested = self._clock.monotonic() + min(REST * lasted, LONGEST_REST)
        self.snapshot = fresh
        self._taken(fresh)
