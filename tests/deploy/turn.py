"""Decides what Prometheus knows in the dashboards' tests: two hours of the daemon around the turn of a month.

The daemon is the real one, on virtual time and with scripted probes in the place of its own: nothing else can be
scraped at midnight of the first, or for two hours within seconds. One service is down over midnight; one has a
blip, then is down in maintenance; one cannot be told about for some minutes, and is down in the end; one consists of
the last two.
"""

import asyncio
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch
from zoneinfo import ZoneInfo

from aiohttp.test_utils import make_mocked_request
from aiohttp.web import Response

from monitor.assembly import targets_of
from monitor.cadence import Cadence
from monitor.core.instants import HOUR, MINUTE, SECOND, Instant, parse_instant
from monitor.daemon import Daemon
from monitor.fleet import Targets
from monitor.ledger import Ledger
from monitor.runner import Target
from monitor.settings import load
from probes.base import Certificate, Steps
from probes.errors import Cause, ProbeFailureError
from tests.deploy.standins import standins
from tests.shell.virtual import VirtualClock, VirtualLoop

ZONE = ZoneInfo("Asia/Bangkok")
MONTH, MONTH_BEFORE = "2026-11", "2026-10"
MIDNIGHT = parse_instant("2026-11-01T00:00", ZONE)
START, END = MIDNIGHT - 75 * MINUTE, MIDNIGHT + 45 * MINUTE
SCRAPED_EVERY = 30 * SECOND
RELOADED = 20 * MINUTE
"""After midnight, when the configuration is read again."""

CONFIGURATION = """\
sla: {{timezone: Asia/Bangkok, availability: 99.5%, downtime_budget: 216m}}
ledger: {{path: {directory}/ledger.db}}
control: {{socket: {directory}/control.sock}}
web: {{listen: "127.0.0.1:0"}}
defaults: {{interval: 60s, pulse: "off"}}
services:
  - name: central
    since: 2025-11-01T00:00+07:00
    targets:
      - {{name: smtp, type: smtp, host: localhost, port: 25, tls: starttls}}
      - {{name: imap, type: imap, host: localhost, port: 993, tls: implicit, expect: {{min_tls: 1.2}}}}
      - {{name: delivery, type: imap, host: localhost, port: 993, tls: implicit, interval: 5m, counts: false}}
  - name: agency-1
    accounts: 900
    targets: [{{name: imap, type: imap, host: localhost, port: 993, tls: implicit}}]
  - name: agency-2
    accounts: 100
    targets: [{{name: pop3, type: pop3, host: localhost, port: 995, tls: implicit}}]
  - {{name: everyone, members: [agency-1, agency-2]}}
maintenance:
  - {{scope: [agency-1], start: 2026-10-31T23:00+07:00, end: 2026-10-31T23:30+07:00, reason: upgrade, by: ops,
     declared: 2026-10-30T09:00+07:00}}
  - {{scope: [agency-1], start: 2026-11-05T01:00+07:00, end: 2026-11-05T02:00+07:00, reason: patching, by: ops,
     declared: 2026-10-30T09:00+07:00}}
"""


@dataclass(frozen=True)
class Fault:
    """`[start, end)`, counted from the midnight between the months; no more than so many checks fail."""

    start: int
    end: int
    cause: Cause
    checks: float = inf


FAULTS = {
    "central/imap": (Fault(-20 * MINUTE, 10 * MINUTE, Cause.CONNECT_REFUSED),),
    "agency-1/imap": (
        Fault(-70 * MINUTE, -60 * MINUTE, Cause.CONNECT_TIMEOUT, checks=1),
        Fault(-50 * MINUTE, -40 * MINUTE, Cause.CONNECT_REFUSED),
    ),
    # Beyond the end: an outage that runs on.
    "agency-2/pop3": (
        Fault(-5 * MINUTE, MINUTE, Cause.NETWORK),
        Fault(35 * MINUTE, 2 * HOUR, Cause.DISCONNECTED),
    ),
}
PHASES = {"dns": 0.002, "connect": 0.01, "tls": 0.05, "greeting": 0.02}
STAGES = {"submit": 0.2, "queue": 3.0, "fetch": 0.1}
"""Phases of a round trip, which the target `delivery` goes through."""

T = TypeVar("T")


class Loop(VirtualLoop):
    """What the daemon does in threads is done at once, so that time never passes it by."""

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - the awaiting one's
            future.set_exception(error)
        return future


class Scripted:
    """In the place of a target's probe: goes through its phases, and fails when the script says so."""

    def __init__(self, name: str, clock: VirtualClock) -> None:
        self._failed: Counter[Fault] = Counter()
        self._faults = FAULTS.get(name, ())
        self._phases = STAGES if name.endswith("/delivery") else PHASES
        self._clock = clock
        self._problem = "name" if name == "central/smtp" else None

    async def check(self, steps: Steps) -> None:
        now = self._clock.now() - MIDNIGHT
        for name, seconds in self._phases.items():
            with steps(name):
                await self._clock.sleep(seconds)
                for fault in self._faults:
                    if name == "connect" and fault.start <= now < fault.end and self._failed[fault] < fault.checks:
                        self._failed[fault] += 1
                        raise ProbeFailureError(fault.cause, "")
        seen = steps.evidence
        ends = (START + 240 * HOUR) / SECOND
        seen.certificate = Certificate("CN=mx", "CN=ca", ("mx",), START / SECOND, ends, self._problem)
        seen.quota_used = 0.4

    async def pulse(self, steps: Steps) -> None: ...


@dataclass(frozen=True)
class Past:
    """`storage` is a Prometheus' own, of all scrapes; `last` the exposition of the last one."""

    storage: Path
    last: str


def lived_through(directory: Path) -> list[tuple[Instant, str]]:
    """Every scrape of the two hours: when, and what the daemon answered."""
    loop = Loop()
    clock = VirtualClock(loop)
    clock.step(START - clock.now())
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(_scrapes(directory, clock))


async def _scrapes(directory: Path, clock: VirtualClock) -> list[tuple[Instant, str]]:
    path = directory / "mailuptime.yaml"
    path.write_text(CONFIGURATION.format(directory=directory))
    settings = load(path)
    with patch("monitor.daemon.targets_of", lambda *of: _scripted(targets_of(*of), clock)):
        daemon = Daemon(settings, Ledger(settings.ledger.path), clock)
        running = asyncio.create_task(daemon.run())
        scrapes = []
        while clock.now() < END:
            await clock.sleep(SCRAPED_EVERY / SECOND)
            scrapes.append((clock.now(), await _scrape(daemon)))
            if clock.now() - MIDNIGHT == RELOADED:
                daemon._reloader.hang_up()
        daemon._stopping.set()
        await running
    return scrapes


async def _scrape(daemon: Daemon) -> str:
    """What GET /metrics answers; without a socket, whose other end would not live in virtual time."""
    answer = await daemon._pages._metrics(make_mocked_request("GET", "/metrics"))
    assert isinstance(answer, Response)
    assert answer.text is not None
    return answer.text


def _scripted(targets: Targets, clock: VirtualClock) -> dict[str, tuple[Target, Cadence]]:
    return {name: (replace(target, probe=Scripted(name, clock)), place) for name, (target, place) in targets.items()}


def samples(exposition: str, at: Instant) -> list[str]:
    """The exposition's samples, as a scrape at an instant stores them."""
    added = 'job="mailuptime",instance="127.0.0.1:9925"'
    text = [line for line in exposition.splitlines() if line and not line.startswith("#")]
    names = {re.split(r"[{ ]", line, maxsplit=1)[0] for line in text}
    lines = []
    for line in ["up 1", *text, *standins(names, at)]:
        name, braces, labels, value = re.fullmatch(r"(\w+)(\{(.*)\})? (\S+)", line).groups()  # type: ignore[union-attr]
        inner = f"{added},{labels}" if braces and labels else added
        lines.append(f"{name}{{{inner}}} {value} {at / SECOND:.3f}")
    return lines


def recorded(directory: Path) -> Past:
    """The two hours as a Prometheus would have stored them."""
    written, storage = directory / "scrapes.om", directory / "blocks"
    scrapes = lived_through(directory)
    lines = [line for at, exposition in scrapes for line in samples(exposition, at)]
    written.write_text("\n".join([*lines, "# EOF", ""]))
    command = ["/usr/bin/promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(written), str(storage)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return Past(storage, scrapes[-1][1])
