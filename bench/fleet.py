"""A fleet with a year behind it: what is rendered, and pictured, in `bench.exposition`."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from zoneinfo import ZoneInfo

from monitor.core.book import Book
from monitor.core.calendar import Month
from monitor.core.check import Check, Outcome
from monitor.core.instants import DAY, HOUR, MILLISECOND, MINUTE, SECOND, Instant
from monitor.core.month import Objectives
from monitor.core.rules import Rules, TargetRule
from monitor.core.service import Service
from monitor.live import Live, resumed
from monitor.runner import Result, Target
from probes.base import Certificate, Evidence, Phase, Steps

SERVICES, TARGETS, MONTHS = 320, 5, 13
ZONE = ZoneInfo("Asia/Bangkok")
BEGINNING = Month(2025, 11).start(ZONE)
NOW = Month(2026, 11).start(ZONE) + 20 * DAY
VOICE = 135 * SECOND
PROTOCOLS = ("smtp", "submission", "imap", "pop3", "webmail")[:TARGETS]
PHASES = ("dns", "connect", "tls", "greeting", "auth", "quit")


class _IdleProbe:
    async def check(self, steps: Steps) -> None: ...

    async def pulse(self, steps: Steps) -> None: ...


@dataclass
class Fleet:
    book: Book
    lives: dict[str, Live]

    def check(self, name: str, at: Instant, outcome: Outcome = Outcome.UP, voice: int = VOICE) -> None:
        """One check arrives and is recorded."""
        made = _result(self.lives[name].target, at, outcome, voice)
        self.lives[name].take(made)
        self.book.record(name, made.check)


def fleet(services: int = SERVICES) -> Fleet:
    """Each service has five targets, an outage a month in two of them, and a check a minute of late."""
    names = [f"agency-{number:03}" for number in range(services)]
    book = Book(_rules(names))
    lives = {target: _live(book, target) for target in book.rules.targets}
    made = Fleet(book, lives)
    for number, target in enumerate(lives):
        shift = number * MINUTE // len(lives)
        if number % TARGETS < 2:
            for start in range(BEGINNING + number * HOUR // TARGETS, NOW - DAY, 28 * DAY):
                _month_with_an_outage(made, target, start)
        made.check(target, BEGINNING + shift, voice=NOW - BEGINNING) if number % TARGETS >= 2 else None
        made.check(target, NOW - 2 * MINUTE + shift)
        made.check(target, NOW - MINUTE + shift)
    return made


def _month_with_an_outage(made: Fleet, target: str, start: Instant) -> None:
    """Up from the start on, down for 15 s after a day, up again for the rest; one voice stands for many checks."""
    made.check(target, start, voice=DAY)
    for number in range(3):
        made.check(target, start + DAY + 5 * number * SECOND, Outcome.DOWN)
    for number in range(2):
        made.check(target, start + DAY + (15 + 5 * number) * SECOND, voice=29 * DAY)


def _rules(names: Sequence[str]) -> Rules:
    targets = [f"{name}/{protocol}" for name in names for protocol in PROTOCOLS]
    return Rules(
        ZONE,
        {target: TargetRule(3, 2, VOICE) for target in targets},
        {name: Service(name, 1, tuple(f"{name}/{protocol}" for protocol in PROTOCOLS)) for name in names},
        dict.fromkeys(names, Objectives(Fraction("99.5"), 216 * MINUTE)),
    )


def _live(book: Book, name: str) -> Live:
    target = Target(name, name.partition("/")[2], _IdleProbe(), 15 * SECOND, VOICE, min_days_left=14)
    return Live(target, resumed(book.accounts[name].timeline, 0))


def _result(target: Target, at: Instant, outcome: Outcome, voice: int) -> Result:
    check = Check(at, outcome, 40 * MILLISECOND, voice, cause=None if outcome is Outcome.UP else "connect_refused")
    phases = tuple(Phase(name, 0.004 + at % 997 / 1e6, ok=True) for name in PHASES)
    certificate = Certificate("CN=mx", "CN=ca", ("mx",), BEGINNING / SECOND, (NOW + 60 * DAY) / SECOND)
    return Result(target, check, at / SECOND, phases, None, Evidence(certificate=certificate), "", pulse=False)
