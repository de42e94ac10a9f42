"""The only reader of time."""

import asyncio
import time
from typing import Protocol

from monitor.core.instants import Instant

STEP = 250_000
"""Microseconds by which wall and monotonic time must part at once to count as a clock step."""

_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)  # Linux has it


class Clock(Protocol):
    def now(self) -> Instant:
        """The wall clock, in microseconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds on a clock that is never set; its zero means nothing."""

    def asleep(self) -> float:
        """Seconds for which the machine has been suspended; monotonic time stood still meanwhile."""

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> Instant:
        return time.time_ns() // 1000

    monotonic = staticmethod(time.monotonic)  # itself: a check asks some forty times

    def asleep(self) -> float:
        return 0.0 if _BOOTTIME is None else time.clock_gettime(_BOOTTIME) - time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
