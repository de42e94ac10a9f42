"""The real daemon, whole, on virtual time and over a real ledger; only its servers are scripted.

What runs in threads elsewhere (commits, files) runs at once here, so that a scenario is the same each time.
"""

import asyncio
import contextlib
import io
import json
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import structlog
from apscheduler.schedulers import base as calendar

from monitor.checklines import line_of
from monitor.cli import main
from monitor.core.book import Horizon
from monitor.core.calendar import Month
from monitor.core.instants import SECOND, Instant, format_instant, parse_instant
from monitor.core.month import Figures, StateSeconds
from monitor.daemon import Daemon
from monitor.figures import Document, month_document
from monitor.ledger import Fact, Ledger
from monitor.settings import Settings, load
from monitor.verification import verify
from tests.lab.configuration import free_port
from tests.shell.fleet import ScriptedProbe, Server
from tests.shell.virtual import VirtualClock, VirtualLoop

GLANCE = 10.0
"""Seconds between two pictures that time alone is the reason for; a commit that presses takes one at once."""

T = TypeVar("T")


class WorldLoop(VirtualLoop):
    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> "asyncio.Future[T]":  # type: ignore[override]
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it is for whoever waits
            future.set_exception(error)
        return future


def play(scenario: Callable[[VirtualClock], Coroutine[Any, Any, T]]) -> T:
    """Play a scenario; the jobs of the calendar go by its clock."""
    loop = WorldLoop()
    clock = VirtualClock(loop)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with _calendar_of(clock), asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(scenario(clock))


class Unhurried:
    """A clock on which nobody sleeps for less than `GLANCE`: for what looks once a second and only shows."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clock, name)

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(max(seconds, GLANCE))


@contextlib.contextmanager
def _calendar_of(clock: VirtualClock) -> Iterator[None]:
    class Shown(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Shown":
            return cls.fromtimestamp(clock.now() / SECOND, tz)

    before = vars(calendar)["datetime"]
    vars(calendar)["datetime"] = Shown
    try:
        yield
    finally:
        vars(calendar)["datetime"] = before


@dataclass
class World:
    """A daemon that may be stopped, killed and started again. `servers` are by target, of the service `mail`."""

    clock: VirtualClock
    place: Path
    servers: Mapping[str, Server]
    zone: str = "Asia/Bangkok"
    defaults: Mapping[str, Any] = field(default_factory=dict)
    sections: Mapping[str, Any] = field(default_factory=dict)
    since: str = ""
    counters: list[StateSeconds] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.configuration = self.place / "mailuptime.yaml"
        self.port = free_port()
        self.write()
        self._running: asyncio.Task[None] | None = None

    def write(self, **sections: Any) -> None:
        """The configuration, with other sections in place of its own."""
        targets = [
            {"name": name, "type": "smtp", "host": "127.0.0.1", "port": 25, "tls": "none"} for name in self.servers
        ]
        document = {
            "sla": {"timezone": self.zone, "availability": "99.5%", "downtime_budget": "216m"},
            "ledger": {"path": str(self.place / "ledger.db")},
            "control": {"socket": str(self.place / "control.sock")},
            "web": {"listen": f"127.0.0.1:{self.port}"},
            "defaults": {"interval": "60s", "timeout": "15s", "pulse": "off", **self.defaults},
            "services": [{"name": "mail", "targets": targets, **({"since": self.since} if self.since else {})}],
            **self.sections,
            **sections,
        }
        self.configuration.write_text(json.dumps(document), encoding="utf-8")

    @property
    def settings(self) -> Settings:
        return load(self.configuration)

    def set_to(self, time: str) -> None:
        """Set the wall clock before anything has begun; the service is accounted for from then on."""
        self.clock.step(parse_instant(time, self.settings.zone) - self.clock.now())
        self.since = format_instant(self.clock.now(), self.settings.zone)
        self.write()

    async def start(self) -> None:
        self.daemon = Daemon(self.settings, Ledger(self.place / "ledger.db"), self.clock)
        vars(self.application)["_clock"] = Unhurried(self.clock)
        self._script()
        self._running = asyncio.create_task(self.daemon.run())

    def _script(self) -> None:
        """Servers as told, and the targets in slots that are easy to reckon with: evenly, the first at 0."""
        lives, places = self.daemon.fleet.lives, vars(self.daemon.fleet)["_targets"]
        for number, (name, live) in enumerate(lives.items()):
            server = self.servers[name.partition("/")[2]]
            live.target = replace(live.target, probe=ScriptedProbe(self.clock, server))
            cadence = places[name][1]
            cadence.phase = number * cadence.interval / len(lives)

    async def watch(self, seconds: float) -> None:
        """Let time pass, and look at the counters again and again; what ends the daemon is the test's failure."""
        assert self._running is not None
        until = self.clock.monotonic() + seconds
        while (left := until - self.clock.monotonic()) > 0:
            await self.clock.sleep(min(left, 20.0))
            if self._running.done():
                self._running.result()
            counted = self.seconds.get("mail")
            if counted is not None:
                self.counters.append(counted)

    @property
    def seconds(self) -> Mapping[str, StateSeconds]:
        seconds: Mapping[str, StateSeconds] = self.application.seconds
        return seconds

    @property
    def application(self) -> Any:
        return vars(self.daemon)["_application"]

    async def reload(self) -> None:
        """Read the configuration again, as at SIGHUP."""
        await vars(self.daemon)["_reloader"].ask("operator")
        self._script()

    async def stop(self) -> None:
        assert self.daemon.recorder.writable, vars(self.daemon.recorder)["_refused"]
        vars(self.daemon)["_stopping"].set()
        await self._ended()

    async def kill(self) -> None:
        """End it in the midst of everything: what is not committed is lost."""
        assert self._running is not None
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._ended()

    async def _ended(self) -> None:
        running, self._running = self._running, None
        assert running is not None
        await running

    def figures(self, month: str) -> Figures:
        horizon = Horizon(self.horizon, now=True)
        return self.daemon.book.figures("mail", Month.parse(month), horizon)

    @property
    def horizon(self) -> Instant:
        """The present; behind the newest check where the clock was set back, so that a replay looks at that, too."""
        now = self.clock.now()
        present = self.daemon.book.present(now)
        return present if present == now else present + SECOND

    def facts(self, kind: str) -> list[Fact]:
        """Once the daemon is stopped."""
        with Ledger(self.place / "ledger.db") as ledger:
            return [link.fact for link in ledger.facts((kind,))]

    def audit(self, *months: str, same_rules: bool = True) -> None:
        """Once the daemon is stopped: everything that must hold whatever happened.

        A replay judges everything by one file, and can agree only where the rules stayed the same (R7).
        """
        settings = self.settings
        zone = settings.zone
        with Ledger(settings.ledger.path) as ledger:
            verified = verify(ledger, self.daemon.book.rules)
            assert verified.differences == ()
            lines = [line_of(row, zone) for _, row in ledger.rows(0)]
        (self.place / "checks.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        for month in months:
            figures = self.figures(month)
            _sound(figures)
            if same_rules:
                own = month_document(Month.parse(month), zone, [figures])
                assert self._replayed(month)["services"] == own["services"]
        _conserved(self.counters)

    def _replayed(self, month: str) -> Document:
        until = format_instant(self.horizon, self.settings.zone)
        arguments = ["--month", month, "--until", until, "--format", "json", "-c", str(self.configuration)]
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            assert main(["replay", str(self.place / "checks.jsonl"), *arguments]) == 0
        document: Document = json.loads(said.getvalue())
        return document


def _sound(figures: Figures) -> None:
    sums = figures.sums
    parts = (sums.up, sums.downtime, sums.excused, sums.unknown)
    assert min(parts) >= 0
    assert sum(parts) == sums.length
    assert 0 <= sums.length <= figures.total
    assert 0 <= figures.availability_lower <= figures.availability <= figures.availability_upper <= 100
    previous = None
    for outage in figures.outages:
        assert outage.start < outage.end
        assert previous is None or previous <= outage.start
        assert 0 <= outage.min_seconds <= outage.seconds <= outage.max_seconds
        previous = outage.end


def _conserved(counters: list[StateSeconds]) -> None:
    """The counters never go back, and every microsecond up to the settled instant is in one of them."""
    for before, after in pairwise(counters):
        grown = [getattr(after, name) - getattr(before, name) for name in ("up", "down", "excused", "unknown")]
        assert min(grown) >= 0
        assert sum(grown) == after.settled - before.settled
