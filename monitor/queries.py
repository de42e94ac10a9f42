"""What commands and the API ask of a book: one answer for a running daemon and for a ledger at rest."""

from collections import deque
from collections.abc import Iterator
from typing import Any

from monitor.closing import Closing, services_of
from monitor.core.book import Book, Horizon
from monitor.core.calendar import Month
from monitor.core.instants import Instant
from monitor.core.month import Figures
from monitor.core.outages import ServiceOutage
from monitor.core.workload import Basis, workload
from monitor.figures import Document, bounds_document, month_document, outage_document, workload_document


def month_asked(book: Book, text: str | None, now: Instant) -> Month:
    """The month that was asked for, else the running one. Raises ValueError for what is no month."""
    return Month.of(now, book.rules.zone) if text is None else Month.parse(text)


def each(book: Book, month: Month, horizon: Horizon, only: str | None = None) -> Iterator[tuple[str, Figures]]:
    """The month's figures of every service, or of one alone, each evaluated once, and when it is asked for.

    A month that is over has the services that it ended with, as its closing and its report have. A service that a
    reload removes meanwhile is left out.
    """
    end = month.span(book.rules.zone)[1]
    over = services_of(book, month) if end < horizon.at else ()
    made: dict[str, Figures] = {}

    def of(name: str) -> Figures:
        if name not in made:
            made[name] = book.figures(name, month, horizon, of)
        return made[name]

    names = list(over or book.rules.services) if only is None else [only]
    return ((name, of(name)) for name in names if name in over or name in book.rules.services)


def every(book: Book, month: Month, horizon: Horizon, only: str | None = None) -> dict[str, Figures]:
    return dict(each(book, month, horizon, only))


def figures(book: Book, month: Month, horizon: Horizon, basis: Basis, only: str | None = None) -> Document:
    """The same as a document, with the workload of that month."""
    document = month_document(month, book.rules.zone, every(book, month, horizon, only).values())
    seen = min(month.span(book.rules.zone)[1], horizon.at)
    return {**document, "workload": workload_document(workload(book.epochs.at(seen - 1), basis))}


def sla(
    book: Book, month: str | None, now: Instant, closed: dict[str, Closing], basis: Basis, only: str | None = None
) -> Document:
    """The month's figures of every service, or of one alone; a closed month says so.

    Raises ValueError for what is no month.
    """
    now = book.present(now)
    asked = month_asked(book, month, now)
    document = figures(book, asked, Horizon(now, now=True), basis, only)
    closing = closed.get(str(asked))
    return document if closing is None else {**document, "revision": closing.revision, "digest": closing.digest}


class Outages:
    """A month's outages of every service, or of one alone. Raises ValueError for what is no month."""

    def __init__(self, book: Book, month: str | None, now: Instant, only: str | None = None) -> None:
        now = book.present(now)
        self._zone = book.rules.zone
        self._month = month_asked(book, month, now)
        self._figures = each(book, self._month, Horizon(now, now=True), only)
        self._listed: list[dict[str, Any]] = []

    def found(self) -> Iterator[None]:
        """Service by service."""
        for name, figures in self._figures:
            self._listed += [self._outage(name, outage) for outage in figures.outages]
            yield

    @property
    def document(self) -> Document:
        """Of what was found."""
        return {"month": str(self._month), "timezone": self._zone.key, "outages": self._listed}

    def _outage(self, name: str, outage: ServiceOutage) -> Document:
        bounds = [bounds_document(target, part, self._zone) for target, part in outage.parts]
        return {"service": name, **outage_document(outage, self._zone), "bounds": bounds}


def outages(book: Book, month: str | None, now: Instant) -> Document:
    """The month's outages of every service. Raises ValueError for what is no month."""
    made = Outages(book, month, now)
    deque(made.found(), maxlen=0)
    return made.document
