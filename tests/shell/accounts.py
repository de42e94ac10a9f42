"""Targets that log in to accounts, checked in virtual time by the daemon's own schedule; the server counts attempts."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from monitor.cadence import Cadence
from monitor.checker import Checker
from monitor.core.check import Check
from monitor.core.instants import SECOND
from monitor.core.timeline import Timeline
from monitor.credentials import Credentials
from monitor.live import Live
from monitor.logins import Access, Logins
from monitor.recorder import Arrival
from monitor.runner import Result, Target
from monitor.scheduler import Scheduler
from probes.base import Steps
from probes.errors import Cause, ProbeFailureError
from tests.shell.virtual import BEGINNING, VirtualClock

AFTER, MOST = 120.0, 960.0
ACCOUNT = "probe@example.go.th"


@dataclass
class Server:
    """`refuses` and `absent` are spans of seconds since the beginning, `[start, end)`."""

    refuses: tuple[tuple[float, float], ...] = ()
    absent: tuple[tuple[float, float], ...] = ()
    takes: float = 0.0
    attempts: list[tuple[float, str, bool]] = field(default_factory=list)  # when, by which target, whether accepted
    inside: int = 0
    most_inside: int = 0

    def refusals(self, target: str | None = None) -> list[float]:
        return [at for at, name, accepted in self.attempts if not accepted and target in {None, name}]


class Probe:
    def __init__(self, clock: VirtualClock, server: Server, name: str) -> None:
        self._clock = clock
        self._server = server
        self._name = name

    async def check(self, steps: Steps) -> None:
        await self.pulse(steps)
        server = self._server
        with steps("auth"):
            now = self._clock.elapsed() / SECOND
            accepted = not any(start <= now < end for start, end in server.refuses)
            server.attempts.append((now, self._name, accepted))
            server.inside += 1
            server.most_inside = max(server.most_inside, server.inside)
            try:
                await self._clock.sleep(server.takes)
            finally:
                server.inside -= 1
            if not accepted:
                raise ProbeFailureError(Cause.AUTH, "535 5.7.8")

    async def pulse(self, steps: Steps) -> None:
        with steps("connect"):
            now = self._clock.elapsed() / SECOND
            if any(start <= now < end for start, end in self._server.absent):
                raise ProbeFailureError(Cause.CONNECT_REFUSED)


class Known(Credentials):
    """Every credential has worked before, or none has."""

    def __init__(self, *, worked: bool) -> None:
        super().__init__([])
        self._all = worked

    def worked(self, target: str) -> bool:
        del target
        return self._all


class House:
    """A schedule over some targets; `arrivals` is what the recorder would get."""

    def __init__(self, clock: VirtualClock, *, worked: bool = True) -> None:
        self.clock = clock
        self.lives: dict[str, Live] = {}
        self.arrivals: list[Arrival] = []
        self.missed: list[Check] = []
        self.logins = Logins(clock)
        known = Known(worked=worked)
        record = self.arrivals.append
        self.checker = Checker(clock, known, record, lambda _: None, logins=self.logins, lives=self.lives.values)
        self.scheduler = Scheduler(
            clock,
            self.checker.check,
            missed=lambda _, checks: self.missed.extend(checks),
            late=lambda _: None,
            stepped=lambda *_: None,
            logins=self.logins,
        )

    def add(
        self,
        name: str,
        server: Server,
        *,
        account: str = ACCOUNT,
        at_once: int = 1,
        first: float = 0,
        pulse: float | None = None,
        phase: float = 0,
    ) -> Live:
        access = Access(account, AFTER, MOST, at_once)
        probe = Probe(self.clock, server, name)
        target = Target(name, "imap", probe, 15 * SECOND, 135 * SECOND, account, access=access)
        live = self.lives[name] = Live(target, Timeline(3, 2))
        self.scheduler.add(live, Cadence(60, 5, 15, pulse, phase), BEGINNING + first)
        return live

    def tell(self, password: str) -> set[str]:
        """A configuration with this password is put in force."""
        return self.logins.prepare(
            (name, live.target.access, password) for name, live in self.lives.items() if live.target.access
        )

    async def go_on(self, seconds: float) -> None:
        running = asyncio.create_task(self.scheduler.run())
        await self.clock.sleep(seconds)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    def results(self, name: str) -> list[Result]:
        found = [a.result for a in self.arrivals if a.live is not None and a.live.target.name == name and a.result]
        return [result for result in found if not result.pulse or result.check.cause]


def most_within(instants: Iterable[float], seconds: float) -> int:
    """The most of them in any window of that length."""
    known = sorted(instants)
    return max((sum(start <= at < start + seconds for at in known) for start in known), default=0)
