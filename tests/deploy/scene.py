"""Decides what the exposition for the deployment's tests tells of.

One service has had a blip and is in an outage, one is well, and the monitor is in good health.
"""

from fractions import Fraction
from zoneinfo import ZoneInfo

from monitor.core.book import Book, Rules, TargetRule
from monitor.core.check import Check, Outcome
from monitor.core.compliance import Compliance, Row, Tally
from monitor.core.instants import DAY, HOUR, MILLISECOND, MINUTE, SECOND, Instant, parse_instant
from monitor.core.maintenance import Window
from monitor.core.month import Objectives
from monitor.core.service import Service
from monitor.core.workload import Basis, Workload
from monitor.incidents.picture import TicketPicture, Urgent
from monitor.live import Live, resumed
from monitor.metrics import (
    Answer,
    Exposition,
    Health,
    Lateness,
    PhaseDurations,
    Room,
    Scrape,
    SecurityFact,
    Seen,
    WorkerHealth,
)
from monitor.photographer import Photographer
from monitor.runner import Result, Target
from monitor.snapshot import Snapshot
from probes.base import Certificate, Evidence, Phase, Steps

ZONE = ZoneInfo("Asia/Bangkok")
MONTH = "2026-11"
START = parse_instant("2026-11-10T09:00", ZONE)
NOW = START + 3 * HOUR + 30 * SECOND
TARGETS = ("ailing/smtp", "ailing/imap", "healthy/imap")


class _Silent:
    """In the place of a probe: nothing is probed in this scene."""

    async def check(self, steps: Steps) -> None: ...

    async def pulse(self, steps: Steps) -> None: ...


# Not over the scene itself: one window that has ended, and one that is to come.
_WINDOWS = [
    Window(name, (), start, start + MINUTE, "patching", "ops")
    for name, start in (("old", START - 9 * MINUTE), ("new", NOW + MINUTE))
]


def snapshot() -> Snapshot:
    """Three hours of a check a minute: `ailing/imap` has a blip after ten minutes and an outage in the last twenty."""
    book = Book(_rules(), _WINDOWS)
    lives = {name: _live(book, name) for name in TARGETS}
    for at in range(START, NOW, MINUTE):
        for name, live in lives.items():
            result = _result(live.target, at)
            book.record(name, result.check)
            live.take(result)
    waiting = lives["ailing/imap"]
    waiting.backoff_until = NOW / SECOND + 600
    waiting.deliveries["delivered"] = 3
    return Photographer(book, lives, months=13).take(NOW, NOW / SECOND)


def _rules() -> Rules:
    return Rules(
        zone=ZONE,
        targets={name: TargetRule(3, 2, 135 * SECOND) for name in TARGETS},
        services={
            name: Service(name, 1, tuple(target for target in TARGETS if target.startswith(f"{name}/")))
            for name in ("ailing", "healthy")
        },
        objectives={
            "ailing": Objectives(Fraction(995, 10), 216 * MINUTE),
            "healthy": Objectives(Fraction(999, 10), 43 * MINUTE),
        },
    )


def _live(book: Book, name: str) -> Live:
    protocol = name.rpartition("/")[2]
    target = Target(name, protocol, _Silent(), 15 * SECOND, 135 * SECOND, min_days_left=14, expects=True)
    return Live(target, resumed(book.accounts[name].timeline, 0))


def _result(target: Target, at: Instant) -> Result:
    minute = (at - START) // MINUTE
    down = target.name == "ailing/imap" and (minute == 10 or minute > 160)
    check = Check(
        at,
        Outcome.DOWN if down else Outcome.UP,
        40 * MILLISECOND,
        target.voice,
        cause="connect_refused" if down else None,
    )
    problem = "name" if target.name == "ailing/smtp" else None
    certificate = Certificate("CN=mx", "CN=ca", ("mx",), START / SECOND, (START + 90 * DAY) / SECOND, problem)
    phases = tuple(Phase(name, 0.01, ok=True) for name in ("dns", "connect", "tls", "greeting"))
    seen = Evidence(certificate=certificate, quota_used=0.25)
    return Result(target, check, at / SECOND, phases, None, seen, "", pulse=False)


def _tickets() -> TicketPicture:
    """A P1 of half an hour ago, nine resolved in time this month and one too late."""
    row: Row = ("incident", "P1", "resolution")
    found = Compliance(Fraction(99), {row: Tally(9, 1, 1)}, {"incident": 11})
    urgent = Urgent(row, "INC-1", 30 / 216, 186 * 60)
    return TicketPicture({("incident", "P1", "recorded"): 1}, (urgent,), ((MONTH, found),))


class Scene:
    """The exposition of the snapshot; each call starts one more check, 20 ms late, whose phases take 10 ms."""

    def __init__(self) -> None:
        self._lateness = Lateness()
        self._phases = PhaseDurations()
        self._snapshot = snapshot()
        self._health = Health(
            ledger_writable=True,
            pending=2,
            last_commit=NOW,
            clock_steps=1,
            loop_lag=0.001,
            turned_away=0,
            configured=True,
            configured_at=START,
            self_tests={"resolver": True, "gateway": False},
            clock_synchronized=True,
            security=(
                SecurityFact("ailing/smtp", False, "auth_needs_tls", True),
                SecurityFact("example.go.th", True, "dmarc", False),
            ),
            surveyed=START,
            workload=Workload(260_000, 320, Basis(250_000, 320)),
            workers=(WorkerHealth("0", True, 1, 2, 0.001, 12.5, 64 * 2**20),),
            room=Room(3, 0, 412),
            notifications={"sent": 2, "failed": 1, "dropped": 0},
            tickets=_tickets(),
            reports_waiting=1,
        )
        self._exposition = Exposition()

    def exposition(self, accept: str = "", accept_encoding: str = "") -> Answer:
        self._lateness.observe(0.02)
        for phase in ("dns", "connect", "total"):
            self._phases.observe(0.01, "imap", phase, seen=Seen({"target": "ailing/imap"}, NOW / SECOND))
        histograms = (self._lateness.read(), self._phases.read())
        return self._exposition.answer(Scrape(self._snapshot, self._health, histograms), accept, accept_encoding)
