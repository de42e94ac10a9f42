"""What the daemon does about the wall clock: records that it was set, or whether anybody keeps it."""

from collections.abc import Callable

import structlog

from monitor.clock import Clock
from monitor.core.book import Book
from monitor.core.instants import SECOND, Instant
from monitor.ledger import Fact
from monitor.synchronization import KIND as SYNCHRONIZED
from monitor.synchronization import Synchronization

log = structlog.get_logger("daemon")


class Timekeeping:
    """`record` takes facts, `rearm` sets anew what belongs to the wall clock."""

    def __init__(self, clock: Clock, book: Book, record: Callable[[Fact], None], rearm: Callable[[], None]) -> None:
        self._clock = clock
        self._book = book
        self._record = record
        self._rearm = rearm
        self.synchronization = Synchronization(clock, self._kept)
        self.steps = 0

    def begin(self) -> None:
        """At the start: whether the clock was set back while nobody watched."""
        now = self._clock.now()
        if (recorded := self._book.present(now)) > now:
            self.stepped(recorded, now)

    def stepped(self, before: Instant, after: Instant) -> None:
        self.steps += 1
        silent = max(0, self._book.present(after) - after) / SECOND  # until then checks are silent: R5
        log.warning("clock.stepped", before=before, after=after, seconds=(after - before) / SECOND, silent_s=silent)
        self._record(Fact(after, "clock_step", {"before": before, "after": after}))
        self._rearm()

    def _kept(self, synchronized: bool | None) -> None:  # noqa: FBT001 - a callback
        self._record(Fact(self._clock.now(), SYNCHRONIZED, {"synchronized": synchronized}))
