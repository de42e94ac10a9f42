"""The only reader of time."""

import asyncio
import time
from typing import Protocol

from monitor.core.instants import Instant


class Clock(Protocol):
    def now(self) -> Instant:
        """The wall clock, in microseconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds on a clock that is never set; its zero means nothing."""

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> Instant:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
