"""Notation for worked cases: checks as lines of times, in the zone of the agreement."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from zoneinfo import ZoneInfo

from monitor.core.book import Book, Horizon, Rules, TargetRule
from monitor.core.calendar import Month
from monitor.core.check import Check, Outcome
from monitor.core.instants import DAY, MINUTE, SECOND, Instant, parse_instant
from monitor.core.maintenance import Policy, Window
from monitor.core.month import Figures, Objectives
from monitor.core.service import Service

ZONE = ZoneInfo("Asia/Bangkok")
STALE_AFTER = 135 * SECOND
NOVEMBER = Month(2026, 11)

Checks = dict[Instant, Check]


def at(text: str, day: str = "2026-11-10") -> Instant:
    """A time of day on 2026-11-10, or a whole time."""
    return parse_instant(text if "T" in text else f"{day}T{text}", ZONE)


def up(instant: Instant, seconds: int = 0) -> Check:
    return Check(instant, Outcome.UP, seconds * SECOND, STALE_AFTER)


def down(instant: Instant, seconds: int = 0) -> Check:
    return Check(instant, Outcome.DOWN, seconds * SECOND, STALE_AFTER, cause="timeout")


def minutely(start: Instant, end: Instant) -> Iterator[Check]:
    """`up` every minute in `[start, end)`."""
    return (up(instant) for instant in range(start, end, MINUTE))


def series(*facts: Check, silent: tuple[str, str] | None = None, month: Month = NOVEMBER) -> list[Check]:
    """The facts of a case; `up` every minute of the month where nothing else is said.

    Nothing else is said from the first fact to the last one, and in `silent`.
    """
    start, end = month.span(ZONE)
    said = [(min(fact.at for fact in facts), max(fact.at for fact in facts))] if facts else []
    if silent:
        said.append((at(silent[0]), at(silent[1])))
    others = [check for check in minutely(start, end) if not any(a <= check.at <= b for a, b in said)]
    return sorted([*others, *facts], key=lambda check: check.at)


def every(seconds: int, start: str, end: str) -> list[Check]:
    """`down` every so many seconds in `[start, end]`."""
    return [down(instant) for instant in range(at(start), at(end) + 1, seconds * SECOND)]


def window(start: str, end: str, declared: str = "2026-11-09T09:00", approved_by: str | None = None) -> Window:
    return Window("w" + start, (), at(start), at(end), "upgrade", "ops", declared=at(declared), approved_by=approved_by)


def book(
    checks: dict[str, list[Check]], *, at_least: int = 1, windows: Iterable[Window] = (), policy: Policy | None = None
) -> Book:
    """A service `mail` of the targets given, with confirm 3, recover 2, 99.5 % and 216 minutes."""
    targets = {f"mail/{name}": TargetRule(3, 2, STALE_AFTER) for name in checks}
    rules = Rules(
        ZONE,
        targets,
        {"mail": Service("mail", at_least, tuple(targets))},
        {"mail": Objectives(Fraction("99.5"), 216 * MINUTE)},
        policy or Policy(),
    )
    made = Book(rules, tuple(windows))
    for name, own in checks.items():
        for check in own:
            made.record(f"mail/{name}", check)
    return made


def figures(
    *checks: list[Check], month: Month = NOVEMBER, at_least: int = 1, windows: Iterable[Window] = ()
) -> Figures:
    """The finished month's figures of a service whose targets are given by their checks."""
    made = book({f"t{n}": own for n, own in enumerate(checks)}, at_least=at_least, windows=windows)
    return made.figures("mail", month, Horizon(month.span(ZONE)[1], now=False))


__all__ = ["DAY", "NOVEMBER", "ZONE", "at", "book", "down", "every", "figures", "minutely", "series", "up", "window"]
