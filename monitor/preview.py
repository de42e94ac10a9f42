"""What a declaration, once approved, would take off the downtime of each service and month: the same arithmetic (R8).

The book is looked at as if the declaration were approved; the book itself keeps what it has. Service by service, so
that who has an event loop to mind gives others their turns.
"""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace

from monitor.core.book import Book, Horizon
from monitor.core.calendar import Month
from monitor.core.declarations import Declarations
from monitor.core.instants import Instant, seconds
from monitor.core.maintenance import Exclusion, Window
from monitor.core.service import EVERYTHING, Service
from monitor.figures import Document

MOST_MONTHS = 13


class Preview:
    """Of one window or exclusion beside what is declared; as things stand at `now`."""

    def __init__(self, book: Book, declarations: Declarations, change: Window | Exclusion, now: Instant) -> None:
        self._horizon = Horizon(now, now=True)
        self._scope = change.scope or (EVERYTHING,)
        self._book = book
        self._months = _months(change, now, book)
        self._before, self._after = copy(book), copy(book)
        self._before.windows, self._before.exclusions = declarations.declared, declarations.excluded
        approved = replace(change, approved_by=f"not {change.by}")
        if isinstance(approved, Window):
            others = [one for one in declarations.declared if one is not change]
            self._after.windows, self._after.exclusions = [*others, approved], declarations.excluded
        else:
            kept = [one for one in declarations.excluded if one is not change]
            self._after.windows, self._after.exclusions = declarations.declared, [*kept, approved]
        self.document: list[Document] = []

    def steps(self) -> Iterator[None]:
        """One service and month a step; `document` has what was found."""
        for name in list(self._book.rules.services):
            if self._touched(name):
                for month in self._months:
                    self._compare(name, month)
                    yield

    def _compare(self, name: str, month: Month) -> None:
        span, _ = self._before.bounds(name, month, self._horizon)
        if span[0] >= span[1]:
            return
        before, after = (one.sums(name, *span, self._horizon).downtime for one in (self._before, self._after))
        if before != after:
            self.document.append({"service": name, "month": str(month), "seconds": seconds(before - after)})

    def _touched(self, name: str) -> bool:
        """By the rules of any epoch."""
        known = (rules.services[name] for rules in self._book.epochs.rules if name in rules.services)
        return any(not _named(service).isdisjoint(self._scope) for service in known)


def _named(service: Service) -> set[str]:
    """What a scope may name so that it reaches this service."""
    return {EVERYTHING, service.name, *service.leaves()}.union(*map(_named, service.members))


def _months(change: Window | Exclusion, now: Instant, book: Book) -> Sequence[Month]:
    """The months up to now that it may reach into, the last ones alone where they are many."""
    recurs = isinstance(change, Window) and change.recurrence is not None
    if change.start >= now:
        return ()
    first = Month.of(change.start, book.rules.zone)
    last = Month.of(now if recurs else max(change.start, min(change.end, now) - 1), book.rules.zone)
    found = [last.plus(-back) for back in range(MOST_MONTHS) if last.plus(-back) >= first]
    return found[::-1]
