"""Scripted servers, and a schedule that checks them in virtual time and writes down what it did."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf

from monitor.bulkhead import Bulkhead
from monitor.cadence import Cadence
from monitor.core.check import Check
from monitor.core.instants import SECOND, Duration, Instant
from monitor.core.timeline import Timeline
from monitor.live import Live
from monitor.runner import Result, Runner, Target
from monitor.scheduler import Entry, Scheduler
from probes import PULSE_PHASES
from probes.base import Steps
from probes.errors import Cause, ProbeFailureError
from tests.shell.virtual import BEGINNING, VirtualClock

CONFIRM, RECOVER = 3, 2


@dataclass(frozen=True)
class Answer:
    """What a server does at a moment: well or failing with a cause, in a phase, after so many seconds."""

    cause: Cause | None = None
    phase: str = "connect"
    seconds: float = 0.0

    @property
    def seen_by_pulse(self) -> bool:
        return self.phase in PULSE_PHASES


WELL = Answer()
REFUSED = Answer(Cause.CONNECT_REFUSED)
NO_MAILBOX = Answer(Cause.REJECTED_PERMANENT, "select")
HANGS = Answer(Cause.INTERNAL, "greeting", inf)
NO_RESOLVER = Answer(Cause.RESOLVER, "dns")

Server = Callable[[float], Answer]
"""What it answers, by the seconds since the beginning of the test."""


def well(_: float) -> Answer:
    return WELL


def failing(answer: Answer, *spans: tuple[float, float]) -> Server:
    """Well but in some spans of time, `[start, end)`."""
    return lambda now: answer if any(start <= now < end for start, end in spans) else WELL


class IdleProbe:
    """Of a target that is not checked."""

    async def check(self, steps: Steps) -> None: ...

    async def pulse(self, steps: Steps) -> None: ...


class ScriptedProbe:
    def __init__(self, clock: VirtualClock, server: Server) -> None:
        self._clock = clock
        self._server = server
        self._busy = False

    async def check(self, steps: Steps) -> None:
        await self._act(steps, self._answer())

    async def pulse(self, steps: Steps) -> None:
        answer = self._answer()
        await self._act(steps, answer if answer.seen_by_pulse else WELL)

    def _answer(self) -> Answer:
        return self._server(self._clock.monotonic() - BEGINNING)

    async def _act(self, steps: Steps, answer: Answer) -> None:
        assert not self._busy, "two checks of one target overlap"
        self._busy = True
        try:
            with steps(answer.phase):
                if answer.seconds == inf:
                    await asyncio.Event().wait()
                await self._clock.sleep(answer.seconds)
                if answer.cause:
                    raise ProbeFailureError(answer.cause)
        finally:
            self._busy = False


def target(
    clock: VirtualClock,
    server: Server = well,
    *,
    name: str = "mail/imap",
    timeout: int = 15,
    group: str = "",
    host: str = "",
) -> Target:
    probe = ScriptedProbe(clock, server)
    return Target(name, "imap", probe, timeout * SECOND, 135 * SECOND, host=host, group=group)


def cadence(*, interval: float = 60, recover: float = 15, pulse: float | None = None, phase: float = 0) -> Cadence:
    return Cadence(interval, 5, recover, pulse, phase)


@dataclass(frozen=True)
class Start:
    name: str
    after: Duration  # since the beginning of the test
    pulse: bool
    result: Result


@dataclass
class Fleet:
    """`starts` are in the order in which checks ended; durations in microseconds."""

    clock: VirtualClock
    starts: list[Start] = field(default_factory=list)
    late: list[Duration] = field(default_factory=list)
    missed: list[Check] = field(default_factory=list)
    steps: list[tuple[Instant, Instant]] = field(default_factory=list)
    bulkhead: Bulkhead | None = None

    def __post_init__(self) -> None:
        self.runner = Runner(self.clock, lambda _: True)
        self.scheduler = Scheduler(
            self.clock,
            self._check,
            missed=lambda _, checks: self.missed.extend(checks),
            late=lambda seconds: self.late.append(round(seconds * SECOND)),
            stepped=lambda before, after: self.steps.append((before, after)),
            bulkhead=self.bulkhead,
        )

    def add(self, target: Target, cadence: Cadence, *, first: float = 0) -> Entry:
        live = Live(target, Timeline(CONFIRM, RECOVER))
        return self.scheduler.add(live, cadence, BEGINNING + first)

    async def go_on(self, seconds: float) -> None:
        """Check for a while, then stop."""
        running = asyncio.create_task(self.scheduler.run())
        await self.clock.sleep(seconds)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    def seconds(self, *, pulse: bool | None = None, name: str | None = None) -> list[float]:
        """When checks started, those of a kind or of a target only, in seconds."""
        return [
            start.after / SECOND
            for start in self.starts
            if (pulse is None or start.pulse is pulse) and (name is None or start.name == name)
        ]

    def gaps(self) -> list[float]:
        """Seconds between one start and the next."""
        return [later - earlier for earlier, later in pairwise(sorted(self.seconds()))]

    async def _check(self, live: Live, pulse: bool) -> Result:
        after = self.clock.elapsed()
        result = await self.runner.run(live.target, pulse=pulse)
        live.take(result)
        self.starts.append(Start(live.target.name, after, pulse, result))
        return result
