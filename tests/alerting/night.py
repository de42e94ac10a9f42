"""A bad night over the turn of a month, minute by minute: nearly every rule has a reason to fire."""

from collections.abc import Iterator
from fractions import Fraction

from monitor.alerting.conditions import conditions
from monitor.alerting.memory import Memory
from monitor.alerting.sight import Sight
from monitor.core.book import Book, Rules, TargetRule
from monitor.core.check import Check, Outcome
from monitor.core.compliance import Compliance, Row, Tally
from monitor.core.instants import DAY, MILLISECOND, MINUTE, SECOND, Instant, parse_instant
from monitor.core.maintenance import Window
from monitor.core.month import Objectives
from monitor.core.service import Service
from monitor.incidents.picture import TicketPicture, Urgent
from monitor.live import Live, resumed
from monitor.metrics import Health, Lateness
from monitor.photographer import Photographer
from monitor.runner import Result, Target
from probes.base import Certificate, Evidence
from tests.core.worked import ZONE
from tests.shell.fleet import IdleProbe

MINUTES = 420
COUNTING = ("mail/imap", "mail/smtp", "other/pop3", "third/imap", "tight/imap")
TARGETS = (*COUNTING, "mail/web", "other/delivery")
SERVICES = ("mail", "other", "third", "tight")


def at(text: str) -> Instant:
    return parse_instant(text, ZONE)


START = at("2026-11-30T21:00")


def between(now: Instant, start: str, end: str) -> bool:
    """By times of the evening of 30 November, or of the night after it."""

    def time(text: str) -> Instant:
        return at(f"2026-11-30T{text}") if text > "12" else at(f"2026-12-01T{text}")

    return time(start) <= now < time(end)


WINDOWS = [
    Window("late", ("other",), at("2026-12-01T01:00"), at("2026-12-01T01:30"), "patching", "ops"),
    Window("web", ("mail",), at("2026-11-30T22:00"), at("2026-11-30T22:10"), "patching", "ops"),
]
DOWN = {
    "mail/imap": [("22:03", "22:08"), ("23:30", "00:40")],  # within a window; over the turn of the month
    "mail/web": [("01:20", "01:40")],  # which does not count
    "other/pop3": [("01:10", "01:50")],  # longer than its window
    "other/delivery": [("02:00", "02:20")],
    "tight/imap": [("21:30", "21:33"), ("02:30", "02:36"), ("02:50", "02:54")],
}


class Night:
    def __init__(self) -> None:
        self.book = Book(self.rules(), WINDOWS)
        self.lives = {name: self._live(name) for name in TARGETS}
        self.lateness = Lateness()
        self._photographer = Photographer(self.book, self.lives, months=2)

    @staticmethod
    def rules() -> Rules:
        return Rules(
            zone=ZONE,
            targets={name: TargetRule(2, 1, 135 * SECOND) for name in TARGETS},
            services={
                name: Service(name, 1, tuple(target for target in COUNTING if target.startswith(f"{name}/")))
                for name in SERVICES
            },
            objectives={
                name: Objectives(Fraction(995, 10), (5 if name == "tight" else 216) * MINUTE) for name in SERVICES
            },
        )

    def sights(self) -> Iterator[tuple[Memory, Sight]]:
        """What is seen each minute, taken in."""
        memory = Memory()
        for now in range(START, START + MINUTES * MINUTE, MINUTE):
            for live in self.lives.values():
                result = self._result(live.target, now)
                self.book.record(live.target.name, result.check)
                live.take(result)
            for _ in range(20):
                self.lateness.observe(3.0 if between(now, "02:00", "02:30") else 0.002)
            lost = self.lives["other/delivery"].deliveries
            lost["lost"], lost["late"] = int(now >= at("2026-12-01T02:40")), int(now >= at("2026-12-01T00:10"))
            snapshot = self._photographer.take(now, now / SECOND)
            sight = Sight.of(snapshot, self._health(now), self.lateness.read(), memory.past)
            memory.look(sight, list(conditions(sight)))
            yield memory, sight

    def _live(self, name: str) -> Live:
        protocol = "roundtrip" if name == "other/delivery" else "imap"
        target = Target(name, protocol, IdleProbe(), 15 * SECOND, 135 * SECOND, min_days_left=7, expects=True)
        return Live(target, resumed(self.book.accounts[name].timeline, 0))

    def _result(self, target: Target, now: Instant) -> Result:
        outcome, cause = Outcome.UP, None
        if any(between(now, *span) for span in DOWN.get(target.name, ())):
            outcome, cause = Outcome.DOWN, "connect_refused"
        if target.name == "third/imap" and (between(now, "22:30", "23:00") or between(now, "00:05", "00:35")):
            outcome, cause = Outcome.UNKNOWN, "credential"
        check = Check(now, outcome, 40 * MILLISECOND, target.voice, cause=cause)
        ends = {"other/pop3": at("2026-12-15T00:20"), "mail/smtp": at("2026-12-03T00:50")}
        until = ends.get(target.name, START + 90 * DAY)
        problem = "name" if target.name == "mail/smtp" and between(now, "23:00", "23:20") else None
        slow = ("slow: tls took 2.00 s",) if target.name == "tight/imap" and between(now, "00:00", "00:30") else ()
        seen = Evidence(
            certificate=Certificate("CN=mx", "CN=ca", ("mx",), START / SECOND, until / SECOND, problem),
            quota_used=0.85 if target.name == "other/pop3" and between(now, "03:00", "03:20") else 0.25,
            warnings=list(slow),
        )
        return Result(target, check, now / SECOND, (), None, seen, "", pulse=False)

    @staticmethod
    def _health(now: Instant) -> Health:
        return Health(
            ledger_writable=not between(now, "21:40", "21:50"),
            pending=3,
            last_commit=now - (700 if between(now, "03:30", "03:40") else 1) * SECOND,
            clock_steps=int(now >= at("2026-11-30T23:40")),
            loop_lag=0.3 if between(now, "00:40", "01:00") else 0.001,
            turned_away=0,
            configured=not between(now, "21:10", "21:20"),
            configured_at=START,
            self_tests={"resolver": not between(now, "21:20", "21:30")},
            clock_synchronized=not between(now, "22:00", "22:30"),
            tickets=_tickets(now),
            reports_waiting=int(between(now, "21:05", "22:25")),
        )


def _tickets(now: Instant) -> TicketPicture:
    """A P1 of 22:00 that is resolved at 02:00, 24 minutes too late, and a December whose first ten miss one."""
    december = now >= at("2026-12-01T00:00")
    tally = Tally(9, 1) if december and now >= at("2026-12-01T01:00") else Tally(10)
    month = ("2026-12" if december else "2026-11", Compliance(Fraction(99), {("incident", "P1", "resolution"): tally}))
    if not between(now, "22:00", "02:00"):
        return TicketPicture(months=(month,))
    left = at("2026-12-01T01:36") - now
    row: Row = ("incident", "P1", "resolution")
    urgent = Urgent(row, "INC-1", 1 - left / (216 * MINUTE), left / SECOND)
    return TicketPicture({("incident", "P1", "recorded"): 1}, (urgent,), (month,))
