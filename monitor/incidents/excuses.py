"""Whether an outage counts: what maintenance and exclusions excuse in full opens no incident and is judged by none."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.core.book import Book, Horizon
from monitor.core.instants import HOUR, Instant
from monitor.core.intervals import Span, total
from monitor.core.maintenance import Exclusion, Window
from monitor.core.outages import start_of
from monitor.core.rules import Epochs
from monitor.core.tickets import Ticket


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found of an outage that is over, for as long as nothing else is declared."""

    excused: bool
    declared: tuple[Sequence[Window], Sequence[Exclusion], Epochs]


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
        if known is not None and all(one is other for one, other in zip(known.declared, declared, strict=True)):
            return known.excused
        span = span_of(book, identity, now)
        if span is None:
            return False
        service, _ = start_of(identity) or ("", 0)
        excused = not total(book.counted(service, span, Horizon(now, now=True)))
        if span[1] < now:
            self._known[identity] = _Known(excused, declared)
        return excused


def span_of(book: Book, identity: str, now: Instant) -> Span | None:
    """The stretch of an outage, as far as it goes now; None where there is none that begins then."""
    service, start = start_of(identity) or ("", 0)
    if service not in book.rules.services or start >= now:
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
