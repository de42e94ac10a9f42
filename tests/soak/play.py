"""Two daemons watch the same scripted outages: one in peace, the other killed at random instants. What must agree.

After each kill the ledger as it lies there is copied and opened: `verify` finds nothing, and everything is in it that
anybody could read before the kill. In the end every scripted outage is one outage, whose bounds leave room for the
truth, of the killed daemon as of the other one; and replaying the recorded checks gives the recorded figures.
"""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from math import inf
from pathlib import Path
from random import Random
from typing import Any

from monitor import verification
from monitor.assembly import rules_of
from monitor.core.book import Horizon
from monitor.core.calendar import Month
from monitor.ledger import CheckRow, Ledger, LedgerError, Link, Reader
from monitor.ledger.restore import restored
from monitor.settings import load
from tests.e2e.commands import mailuptime
from tests.lab import wait_until
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon, states
from tests.soak.servers import Stretch, script

SERVICES = ("one", "two", "three")
CHECKING = {
    "interval": "1s",
    "timeout": "900ms",
    "confirm": {"failures": 3, "interval": "200ms"},
    "recover": {"successes": 2, "interval": "200ms"},
    "pulse": "off",
    "stale_after": "60s",
}


LIFE = 4.5
"""Seconds from one start to the next, about; the script is as long as all of them."""


@dataclass
class Found:
    """What came of it; `wrong` is empty where all is well."""

    kills: int
    outages: int
    truth: float
    downtime: dict[str, float] = field(default_factory=dict)  # seconds, by daemon
    least: dict[str, float] = field(default_factory=dict)
    most: dict[str, float] = field(default_factory=dict)
    unknown: dict[str, float] = field(default_factory=dict)
    checks: dict[str, int] = field(default_factory=dict)
    during_outages: int = 0
    before_probing: int = 0
    wrong: list[str] = field(default_factory=list)


def play(place: Path, seed: str, kills: int, minutes: float = inf) -> Found:
    """So many kills, or as many as there are in so many minutes."""
    random = Random(seed)
    scripts = [script(random, kills * LIFE + 30) for _ in SERVICES]
    with ExitStack() as stack:
        ports, go = stack.enter_context(_servers(scripts))
        calm = stack.enter_context(_daemon(place / "calm", ports))
        killed = _Killed(place / "killed", ports, scripts)
        stack.enter_context(killed.daemon)
        for daemon in (calm, killed.daemon):  # both have seen everything up before the script begins
            _wait_until_up(daemon, seconds=60)
        killed.daemon.stop(signal.SIGKILL)
        begin = killed.begin = go()
        for number in range(kills):
            if time.time() > begin + 60 * minutes:
                break
            killed.live(random.uniform(0, 2) if number % 3 == 1 else None, random.uniform(0, 4))
        killed.daemon.start()
        done = begin + max(one.end for each in scripts for one in each)
        wait_until(lambda: time.time() > done, "the script to end", seconds=kills * LIFE + 90)
        for daemon in (calm, killed.daemon):
            _wait_until_up(daemon, seconds=60)
        killed.daemon.stop()
    found = killed.found
    found.outages, found.truth = sum(map(len, scripts)), sum(one.end - one.start for each in scripts for one in each)
    for name, daemon in (("calm", calm), ("killed", killed.daemon)):
        found.wrong += _judged(name, daemon.configuration, scripts, begin, found)
    found.wrong += killed.remembered()
    return found


def _wait_until_up(daemon: Daemon, seconds: float) -> None:
    wait_until(lambda: set(states(daemon).values()) == {"up"}, "every target to be up", seconds=seconds)


@contextmanager
def _servers(scripts: list[list[Stretch]]) -> Iterator[tuple[list[int], Callable[[], float]]]:
    """Their ports, and what lets the script begin: it returns when that was."""
    given = json.dumps([[list(asdict(one).values()) for one in each] for each in scripts])
    command = [sys.executable, "-m", "tests.soak.servers", given]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        stdin = process.stdin

        def go() -> float:
            begin = time.time()
            print(begin, file=stdin, flush=True)
            return begin

        try:
            yield json.loads(process.stdout.readline()), go
        finally:
            process.communicate()


def _daemon(place: Path, ports: list[int]) -> Daemon:
    place.mkdir()
    port = free_port()
    document = {
        "sla": {"timezone": "Asia/Bangkok", "availability": "99.5%", "downtime_budget": "216m"},
        "ledger": {"path": str(place / "ledger.db")},
        "control": {"socket": str(place / "control.sock")},
        "web": {"listen": f"127.0.0.1:{port}"},
        "defaults": CHECKING,
        "services": [
            {
                "name": name,
                "targets": [{"name": "smtp", "type": "smtp", "host": "127.0.0.1", "port": to, "tls": "none"}],
            }
            for name, to in zip(SERVICES, ports, strict=True)
        ],
    }
    file = place / "mailuptime.yaml"
    file.write_text(json.dumps(document))
    return Daemon(file, port)


class _Killed:
    """The daemon that lives again and again, and what of its ledger has been seen."""

    def __init__(self, place: Path, ports: list[int], scripts: list[list[Stretch]]) -> None:
        self.daemon = _daemon(place, ports)
        self.found = Found(0, 0, 0.0)
        self._ledger = place / "ledger.db"
        self._scripts = scripts
        self.begin = 0.0
        self._links: list[Link] = []
        self._rows: list[tuple[int, CheckRow]] = []
        self._outages: set[tuple[str, int]] = set()

    def live(self, early: float | None, later: float) -> None:
        """Start, kill so many seconds later, or after the first check of this life, and look at what is left."""
        before = len(self._rows)
        with self.daemon.log.open("ab") as log:
            command = [sys.executable, "-m", "monitor", "run", "-c", str(self.daemon.configuration)]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            if early is None:
                wait_until(lambda: self._readable()[1] > before, "a check of this life", seconds=60)
            until = time.monotonic() + (later if early is None else early)
            wait_until(lambda: time.monotonic() >= until, "the instant of the kill", seconds=30)
            links, number = self._readable()
            process.send_signal(signal.SIGKILL)
            status = process.wait(30)
        now = time.time() - self.begin
        self.found.kills += 1
        self.found.during_outages += any(one.start <= now < one.end for each in self._scripts for one in each)
        if status != -signal.SIGKILL:
            self.found.wrong.append(f"kill {self.found.kills}: the daemon had ended by itself with {status}")
        self._look(links, number)
        self.found.before_probing += len(self._rows) == before

    def _readable(self) -> tuple[list[Link], int]:
        """What anybody can read at this moment."""
        try:
            with Reader.beside(self._ledger) as reader:
                return list(reader.facts()), reader.last_check()
        except LedgerError:
            return self._links, len(self._rows)

    def _look(self, links: list[Link], number: int) -> None:
        """Open a copy of what the killed process left."""
        if not self._ledger.exists():
            return
        copy = self._ledger.parent / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for suffix in ("", "-wal", ".lock"):
            if (file := Path(f"{self._ledger}{suffix}")).exists():
                shutil.copy(file, copy / file.name)
        what = f"kill {self.found.kills}"
        settings = load(self.daemon.configuration)
        with Ledger(copy / "ledger.db") as ledger:
            differences = verification.verify(ledger, rules_of(settings)).differences
            self.found.wrong += [f"{what}: verify: {one}" for one in differences]
            kept, rows = list(ledger.facts()), list(ledger.rows(0))
            book, _ = restored(ledger, rules_of(settings))
        if kept[: len(links)] != links or kept[: len(self._links)] != self._links:
            self.found.wrong.append(f"{what}: facts are lost")
        if len(rows) < number or rows[: len(self._rows)] != self._rows:
            self.found.wrong.append(f"{what}: checks are lost")
        self._links, self._rows = kept, rows
        now = rows[-1][1].check.at + 1 if rows else 0
        for name in SERVICES if rows else ():
            figures = book.figures(name, Month.of(now, settings.zone), Horizon(now, now=True))
            self._outages |= {(name, one.start) for one in figures.outages}

    def remembered(self) -> list[str]:
        """Every outage that was recorded before a kill has the start in the end that it had then."""
        starts = {
            (name, _exact(one["start"])) for name in SERVICES for one in _outages(self.daemon.configuration, name)
        }
        return [f"killed: an outage of {name} is gone, or has another start" for name, _ in self._outages - starts]


def _judged(name: str, file: Path, scripts: list[list[Stretch]], begin: float, found: Found) -> list[str]:
    """Figures against the truth, and against themselves."""
    wrong = []
    settings = load(file)
    with Ledger(settings.ledger.path) as ledger:
        verified = verification.verify(ledger, rules_of(settings))
        found.checks[name] = verified.checks
        wrong += [f"{name}: verify: {one}" for one in verified.differences]
        instants = [row.check.at for _, row in ledger.rows(0)]
    month = str(Month.of(instants[0], settings.zone))
    told = mailuptime("sla", "-c", file, "--month", month, "--format", "json").document
    if not _replayed(file, month, told):
        wrong.append(f"{name}: a replay of the recorded checks gives other figures")
    sums = dict.fromkeys(("seconds", "min_seconds", "max_seconds"), 0.0)
    for service, stretches in zip(SERVICES, scripts, strict=True):
        outages = _outages(file, service)
        if name == "calm" and len(outages) != len(stretches):
            wrong.append(f"{name}: {service} has {len(outages)} outages for {len(stretches)} scripted ones")
        for one in outages:
            wrong += [f"{name}: {service}: {text}" for text in _misplaced(one["bounds"][0], stretches, begin)]
            for key in sums:
                sums[key] += one[key]
    found.downtime[name], found.least[name], found.most[name] = sums.values()
    found.unknown[name] = sum(one["unknown_seconds"] for one in told["services"])
    if not found.least[name] <= found.truth <= found.most[name]:
        wrong.append(f"{name}: the bounds of the downtime leave no room for the truth")
    return wrong


def _misplaced(part: Any, stretches: list[Stretch], begin: float) -> list[str]:
    """Whether the bounds of a recorded outage leave room for the truth.

    Two scripted outages may be one of a daemon that was dead too often between them to see two good checks.
    """
    (first, certain), (last, outer) = (map(_instant, part[key]) for key in ("start_bounds", "end_bounds"))
    inside = [one for one in stretches if begin + one.end > certain - 1 and begin + one.start < last + 1]
    if not inside:
        return [f"the outage of {part['start']} is in no script"]
    start, end = begin + inside[0].start, begin + inside[-1].end
    told = [] if first < start <= certain else [f"the start at {inside[0].start:.3f} s lies outside its bounds"]
    return told + ([] if last < end <= outer else [f"the end at {inside[-1].end:.3f} s lies outside its bounds"])


def _replayed(file: Path, month: str, told: Any) -> bool:
    lines = mailuptime("export", "checks", "-c", file, "--month", month).out
    checks = file.with_name("checks.jsonl")
    checks.write_text(lines)
    # Both were asked at their own present: what is compared ends with the last check
    until = max((one["until"] for one in told["services"]), default="")
    replayed = mailuptime("replay", "-c", file, checks, "--month", month, "--until", until, "--format", "json").document
    return bool(_comparable(replayed) == _comparable(told))


def _comparable(document: Any) -> Any:
    keys = ("gross_downtime_seconds", "downtime_seconds", "blips", "outages", "since")
    return {one["service"]: {key: one[key] for key in keys} for one in document["services"]}


def _outages(file: Path, service: str) -> list[dict[str, Any]]:
    listed = mailuptime("outages", "-c", file, "--format", "json").document["outages"]
    return [one for one in listed if one["service"] == service]


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _exact(text: str) -> int:
    return round(_instant(text) * 10**6)
