"""Time that passes only when nothing is left to do, so that tests of the schedule are exact and take no time.

An event loop whose selector never waits: where the loop would sleep until its next timer, its clock jumps there.
Threads are not waited for before a jump; what runs on this loop has none.
"""

import asyncio
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from monitor.core.instants import SECOND, Duration, Instant

BEGINNING = 960.0
"""Where the monotonic clock stands at first: sixteen minutes, so that phases count from the start of a test."""
WALL = 1_794_000_000 * SECOND
"""What the wall clock shows then."""

T = TypeVar("T")


class _Selector(selectors.SelectSelector):
    def __init__(self, jump: Callable[[], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("everything waits and no timer is set: this test would hang")
        self._jump()
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__(_Selector(self._jump))
        self._now = BEGINNING

    def time(self) -> float:
        return self._now

    def pass_by(self, seconds: float) -> None:
        """Let time go by while nothing runs, as in a stall of the process."""
        self._now += seconds

    def _jump(self) -> None:
        # To the timer's own instant, which adding up waiting times would miss by a rounding error.
        self._now = max(self._now, vars(self)["_scheduled"][0].when())


class VirtualClock:
    """Clocks over a loop's time; the wall clock can be set."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._offset = WALL - round(BEGINNING * SECOND)
        self._asleep = 0.0
        self._rate = (0, 0.0)  # since when in microseconds, and by how much of itself the wall clock goes faster

    def now(self) -> Instant:
        monotonic = round(self._loop.time() * SECOND)
        since, rate = self._rate
        return monotonic + self._offset + round((monotonic - since) * rate)

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def step(self, by: Duration) -> None:
        """Set the wall clock forward, or back where `by` is negative."""
        self._offset += by

    def slew(self, rate: float) -> None:
        """From now on the wall clock goes faster by so much of itself, or slower, as a time source corrects it."""
        now = self.now()
        self._rate = (round(self._loop.time() * SECOND), rate)
        self._offset += now - self.now()

    def stall(self, seconds: float) -> None:
        """Both clocks go on while the process stands still."""
        self._loop.pass_by(seconds)

    def asleep(self) -> float:
        return self._asleep

    def suspend(self, seconds: float) -> None:
        """The machine sleeps: only the wall clock goes on."""
        self._asleep += seconds
        self._offset += round(seconds * SECOND)

    def elapsed(self) -> Duration:
        """Microseconds since the beginning of the test."""
        return round((self._loop.time() - BEGINNING) * SECOND)


def run(scenario: Callable[[VirtualClock], Coroutine[Any, Any, T]]) -> T:
    """Play a scenario on a loop of its own."""
    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(scenario(VirtualClock(loop)))


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Something that happens meanwhile, stopped at the end of the block; its failure is the test's."""
    task = asyncio.create_task(work)
    try:
        yield
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.wait([task])
