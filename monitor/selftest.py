"""Whether the monitor's own network is sound: the canaries that `self_test` names.

1. They are run every `INTERVAL`, for the metric and so that a failure between checks is known.
2. A check that fails in a way that a broken network of ours can forge asks `failing`. The answer is of a round that
   began at most `FRESH` ago, else of a new one; however many checks fail at once, they share it.
3. One failing canary excuses. So does one that failed while the check ran, though it may work again.
4. A canary is the network near the monitor, never the service: what it proves is documented in `docs/BLAME.md`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

import structlog

from monitor.clock import Clock

INTERVAL = 30.0
FRESH = 1.0
"""Seconds that a round's result may be old for a check that failed."""

Canary = Callable[[], Awaitable[str | None]]
"""Tests once, within a time of its own; returns what is wrong, or None."""

log = structlog.get_logger("selftest")


class SelfTests:
    """The canaries in force, by name; none at all is always sound."""

    def __init__(self, clock: Clock, canaries: Mapping[str, Canary]) -> None:
        self._clock = clock
        self._canaries = dict(canaries)
        self._round: asyncio.Task[None] | None = None
        self._began = float("-inf")
        self._problems: dict[str, str | None] = {}
        self._failed: dict[str, tuple[float, str]] = {}  # when each failed last, and how

    @property
    def passed(self) -> Mapping[str, bool]:
        """Of each canary that has been run, whether it passed last."""
        return {name: problem is None for name, problem in self._problems.items()}

    def change(self, canaries: Mapping[str, Canary]) -> None:
        """Take those of a new configuration; what the others found is forgotten."""
        self._canaries = dict(canaries)
        for known in (self._problems, self._failed):
            for name in known.keys() - canaries.keys():
                known.pop(name)
        self._began = float("-inf")

    async def run(self) -> None:
        while True:
            if self._canaries:
                await self._fresh(0.0)
            await self._clock.sleep(INTERVAL)

    async def failing(self, began: float) -> str | None:
        """Which canary fails now or has failed since a check began (monotonic seconds), and how; None if none."""
        if not self._canaries:
            return None
        await self._fresh(FRESH)
        found = (f"{name}: {how}" for name, (at, how) in self._failed.items() if at >= min(began, self._began))
        return next(found, None)

    async def _fresh(self, age: float) -> None:
        """Wait for a round that began at most so many seconds ago; a check that is cancelled does not end it."""
        while (running := self._round) is not None:
            recent = self._clock.monotonic() - self._began <= age
            if running.done() and not recent:
                break
            await asyncio.shield(running)
            if recent:
                return
        self._began = self._clock.monotonic()
        self._round = asyncio.create_task(self._all(), name="selftest")
        await asyncio.shield(self._round)

    async def _all(self) -> None:
        names = list(self._canaries)
        problems = await asyncio.gather(*(_tried(self._canaries[name]) for name in names))
        self._note(zip(names, problems, strict=True))

    def _note(self, results: Iterable[tuple[str, str | None]]) -> None:
        for name, problem in results:
            if name not in self._canaries:
                continue
            before = self._problems.get(name)
            self._problems[name] = problem
            if problem is not None:
                self._failed[name] = (self._clock.monotonic(), problem)
            if problem is not None and before is None:
                log.warning("self_test.failed", test=name, problem=problem)
            elif problem is None and before is not None:
                log.info("self_test.passed", test=name)


async def _tried(canary: Canary) -> str | None:
    try:
        return await canary()
    except Exception as error:  # noqa: BLE001 - a canary that cannot even be run proves nothing about a service
        return f"could not be run: {type(error).__name__}"
