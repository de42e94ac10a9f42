"""A service of two targets, whose book the tests write and restore."""

from fractions import Fraction
from zoneinfo import ZoneInfo

from monitor.core.book import Book, Horizon
from monitor.core.calendar import Month
from monitor.core.check import Check, Outcome
from monitor.core.instants import MINUTE, SECOND
from monitor.core.month import Figures, Objectives
from monitor.core.rules import Rules, TargetRule
from monitor.core.service import Service
from monitor.ledger import Ledger
from monitor.ledger.restore import restored

ZONE = ZoneInfo("Asia/Bangkok")
NOVEMBER = Month(2026, 11)
START, END = NOVEMBER.span(ZONE)
VOICE = 135 * SECOND
TARGETS = ("mail/imap", "mail/smtp")

RULES = Rules(
    zone=ZONE,
    targets={name: TargetRule(confirm=3, recover=2, stale_after=VOICE) for name in TARGETS},
    services={"mail": Service("mail", 1, TARGETS)},
    objectives={"mail": Objectives(Fraction("99.5"), 216 * MINUTE)},
)


def book() -> Book:
    return Book(RULES)


def check(at: int, outcome: Outcome = Outcome.UP, *, duration: int = 0, voice: int = VOICE) -> Check:
    return Check(at, outcome, duration, voice, cause=None if outcome is Outcome.UP else "timeout")


def book_of(ledger: Ledger) -> Book:
    found, _ = restored(ledger, RULES)
    return found


def views(book: Book) -> list[Figures]:
    """The month as seen at its end, and in the middle of everything."""
    horizons = [Horizon(END, now=False), *(Horizon(START + minutes * MINUTE, now=True) for minutes in (1, 10, 90))]
    return [book.figures("mail", NOVEMBER, horizon) for horizon in horizons]
