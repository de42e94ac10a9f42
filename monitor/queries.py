"""What commands and the API ask of a book: one answer for a running daemon and for a ledger at rest."""

from typing import Any

from monitor.closing import Closing
from monitor.core.book import Book, Horizon
from monitor.core.calendar import Month
from monitor.core.instants import Instant
from monitor.core.month import Figures
from monitor.core.workload import Basis, workload
from monitor.figures import Document, bounds_document, month_document, outage_document, workload_document


def month_asked(book: Book, text: str | None, now: Instant) -> Month:
    """The month that was asked for, else the running one. Raises ValueError for what is no month."""
    return Month.of(now, book.rules.zone) if text is None else Month.parse(text)


def every(book: Book, month: Month, horizon: Horizon) -> dict[str, Figures]:
    """The month's figures of every service, each evaluated once."""
    made: dict[str, Figures] = {}

    def of(name: str) -> Figures:
        if name not in made:
            made[name] = book.figures(name, month, horizon, of)
        return made[name]

    return {name: of(name) for name in book.rules.services}


def figures(book: Book, month: Month, horizon: Horizon, basis: Basis) -> Document:
    """The same as a document, with the workload of that month."""
    document = month_document(month, book.rules.zone, every(book, month, horizon).values())
    seen = min(month.span(book.rules.zone)[1], horizon.at)
    return {**document, "workload": workload_document(workload(book.epochs.at(seen - 1), basis))}


def sla(book: Book, month: str | None, now: Instant, closed: dict[str, Closing], basis: Basis) -> Document:
    """The month's figures of every service; a closed month says so. Raises ValueError for what is no month."""
    now = book.present(now)
    asked = month_asked(book, month, now)
    document = figures(book, asked, Horizon(now, now=True), basis)
    closing = closed.get(str(asked))
    return document if closing is None else {**document, "revision": closing.revision, "digest": closing.digest}


def outages(book: Book, month: str | None, now: Instant) -> Document:
    """The month's outages of every service. Raises ValueError for what is no month."""
    now = book.present(now)
    asked, zone = month_asked(book, month, now), book.rules.zone
    listed: list[dict[str, Any]] = [
        {
            "service": name,
            **outage_document(outage, zone),
            "bounds": [bounds_document(target, part, zone) for target, part in outage.parts],
        }
        for name, found in every(book, asked, Horizon(now, now=True)).items()
        for outage in found.outages
    ]
    return {"month": str(asked), "timezone": zone.key, "outages": listed}
