"""Whether an outage counts: what maintenance and exclusions excuse in full opens no incident and is judged by none."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.core.book import Book, Horizon
from monitor.core.instants import HOUR, SECOND, Instant
from monitor.core.intervals import Span, total
from monitor.core.maintenance import Exclusion, Window
from monitor.core.outages import start_of
from monitor.core.rules import Epochs
from monitor.core.tickets import Ticket

AGAIN: Instant = 10 * SECOND
"""For how long an outage that goes on and is excused so far is believed to be."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found of an outage, until when, for as long as nothing else is declared."""

    excused: bool
    until: Instant | None
    declared: tuple[Sequence[Window], Sequence[Exclusion], Epochs]

    def holds(self, declared: tuple[object, ...], now: Instant) -> bool:
        return all(map(operator.is_, self.declared, declared)) and (self.until is None or now < self.until)


class Excuses:
    def __init__(self, book: Book) -> None:
        self._book = book
        self._known: dict[str, _Known] = {}

    def of(self, ticket: Ticket, now: Instant) -> bool:
        """Whether the ticket is about outages, and every second of them is excused."""
        return bool(ticket.outages) and all(self.outage(one, now) for one in ticket.outages)

    def outage(self, identity: str, now: Instant) -> bool:
        """Whether there is such an outage, and it is excused in full as far as it goes now."""
        book = self._book
        known, declared = self._known.get(identity), (book.windows, book.exclusions, book.epochs)
        if known is not None and known.holds(declared, now):
            return known.excused
        found = self._found(identity, now)
        if found is None:
            return False
        excused, over = found
        # A second that counts does so for as long as nothing is declared; one more may be the first that counts.
        self._known[identity] = _Known(excused, None if over or not excused else now + AGAIN, declared)
        return excused

    def _found(self, identity: str, now: Instant) -> tuple[bool, bool] | None:
        """Whether it is excused, and over; None where there is no such outage."""
        book = self._book
        service, start = start_of(identity) or ("", 0)
        if not any(one.occurrences(start, now) for one in book.windows) and not any(
            one.start < now and start < one.end for one in book.exclusions
        ):
            return (False, False) if book.leaves(service) else None
        span = span_of(book, identity, now)
        if span is None:
            return None
        return not total(book.counted(service, span, Horizon(now, now=True))), span[1] < now


def span_of(book: Book, identity: str, now: Instant) -> Span | None:
    """The stretch of an outage, as far as it goes now; None where there is none that begins then.

    Also of a service that is gone since.
    """
    service, start = start_of(identity) or ("", 0)
    if not book.leaves(service) or start >= now:
        return None
    reach, horizon = HOUR, Horizon(now, now=True)
    while True:
        until = min(now, start + reach)
        sets, _ = book.evaluated(service, (start, until), horizon)
        if not sets.down or sets.down[0][0] != start:
            return None
        if sets.down[0][1] < until or until == now:
            return sets.down[0]
        reach *= 8
