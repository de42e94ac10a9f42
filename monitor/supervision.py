"""What the service manager hears while the daemon runs: that it gets on, and how things stand; and what may fail."""

from collections.abc import Callable, Coroutine
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from monitor.announcement import announcement
from monitor.attempt import place_of
from monitor.clock import Clock
from monitor.notify import Notifier, watchdog_seconds
from monitor.recorder import Recorder
from monitor.scheduler import Scheduler
from monitor.snapshot import Snapshot

log = structlog.get_logger("daemon")

ANNOUNCED_EVERY = 5.0
"""Seconds."""
ANEW_AFTER = 30.0
"""Seconds until what failed begins anew."""


async def kept_up(clock: Clock, task: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run what tells of services and checks none: a mistake in it is said, and ends neither checks nor the daemon."""
    while True:
        try:
            await task()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no reason to check nothing
            log.error("task.failed", task=task.__qualname__, error=type(error).__name__, where=place_of(error))  # noqa: TRY400
        else:
            return
        await clock.sleep(ANEW_AFTER)


class Supervision:
    def __init__(
        self,
        clock: Clock,
        notifier: Notifier,
        scheduler: Scheduler,
        recorder: Recorder,
        read: Callable[[], tuple[Snapshot, ZoneInfo]],
    ) -> None:
        self._clock = clock
        self._notifier = notifier
        self._scheduler = scheduler
        self._recorder = recorder
        self._read = read

    def status(self) -> str:
        snapshot, zone = self._read()
        recorder = self._recorder
        return f"STATUS={announcement(snapshot, recorder.last_commit, zone, writable=recorder.writable)}"

    async def announce(self) -> None:
        """Keep what `systemctl status` shows up to date."""
        while True:
            await self._clock.sleep(ANNOUNCED_EVERY)
            self._notifier.say(self.status())

    async def pet(self) -> None:
        """The watchdog, on progress only: the schedule went on, and the recorder is not stuck."""
        limit = watchdog_seconds()
        while limit is not None:
            await self._clock.sleep(limit / 3)
            advanced = self._clock.monotonic() - self._scheduler.advanced < limit / 2
            if advanced and not self._recorder.stuck(limit):
                self._notifier.say("WATCHDOG=1")
