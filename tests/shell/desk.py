"""A recorder at work: targets that are checked, a book, and a ledger that is a list and may be out of order."""

import asyncio
from collections.abc import Callable

from monitor.core.check import Check
from monitor.core.timeline import Timeline
from monitor.ledger import Batch, CheckRow, LedgerUnavailableError
from monitor.ledger.writer import Writer
from monitor.live import Live
from monitor.recorder import Arrival, Recorder
from monitor.runner import Result, Runner
from tests.ledger.accounts import RULES, TARGETS, book
from tests.shell.fleet import Server, target, well
from tests.shell.virtual import VirtualClock


class ListWriter(Writer):
    """Keeps batches; `broken` raises what a full disk raises."""

    def __init__(self, committed: Callable[[], None] = lambda: None) -> None:
        self.batches: list[Batch] = []
        self.attempts = 0
        self.broken = False
        self.takes = 0.0  # seconds
        self._tell = committed

    async def commit(self, batch: Batch) -> None:
        self.attempts += 1
        await asyncio.sleep(self.takes)
        if self.broken:
            raise LedgerUnavailableError("ledger.db: database or disk is full")
        self.batches.append(batch)
        self._tell()

    @property
    def rows(self) -> list[CheckRow]:
        return [row for batch in self.batches for row in batch.checks]


class Desk:
    """`story` is what happened, in order."""

    def __init__(self, clock: VirtualClock, server: Server = well) -> None:
        self.clock = clock
        self.story: list[str] = []
        self.book = book()
        self.writer = ListWriter(lambda: self.story.append("committed"))
        self.recorder = Recorder(clock, self.book, self.writer, lambda: self.story.append("published"))
        self.runner = Runner(clock, lambda _: True)
        self.lives = {
            name: Live(
                target(clock, server, name=name), Timeline(RULES.targets[name].confirm, RULES.targets[name].recover)
            )
            for name in TARGETS
        }

    async def check(self, name: str = TARGETS[0], *, pulse: bool = False) -> Result:
        """Check once and hand the result in."""
        live = self.lives[name]
        result = await self.runner.run(live.target, pulse=pulse)
        live.take(result)
        self.recorder.put(Arrival(live, result))
        return result

    async def checks(self, number: int, *, every: float = 1) -> list[Check]:
        made = []
        for _ in range(number):
            made.append((await self.check()).check)
            await self.clock.sleep(every)
        return made

    def change(self, server: Server) -> None:
        """From now on the servers answer otherwise."""
        for live in self.lives.values():
            vars(live.target.probe)["_server"] = server
