"""How long the event loop stood still: a time-out that passed meanwhile says nothing about a server."""

from collections import deque

from monitor.clock import Clock

TICK = 0.25
NOISE = 0.05
"""Seconds by which any timer may be late on a machine that is well."""
KEPT = 1200.0
"""Seconds for which stalls are remembered: longer than any check takes."""


class Lag:
    """`run` ticks; what a tick is late by is a stall."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: float | None = None
        self._stalls: deque[tuple[float, float]] = deque()  # when one ended, and its seconds
        self.last = 0.0
        """How late the last tick was, in seconds."""
        self.total = 0.0
        """Seconds of all stalls so far."""

    async def run(self) -> None:
        while True:
            self._due = self._clock.monotonic() + TICK
            await self._clock.sleep(TICK)
            now = self._clock.monotonic()
            self.last = max(0.0, now - self._due)
            if self.last > NOISE:
                self._stalls.append((now, self.last))
                self.total += self.last
            while self._stalls and self._stalls[0][0] < now - KEPT:
                self._stalls.popleft()

    def stalled(self, since: float) -> float:
        """Seconds that the loop stood still after an instant of the monotonic clock, a stall just over included."""
        now = self._clock.monotonic()
        total = sum(min(seconds, ended - since) for ended, seconds in self._stalls if ended > since)
        overdue = 0.0 if self._due is None else now - max(self._due, since)
        return total + (overdue if overdue > NOISE else 0.0)
