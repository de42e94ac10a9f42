"""Closing months (R16): their figures as facts, and a new revision wherever a correction changes them."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from monitor.core import ACCOUNTING_VERSION
from monitor.core.book import Book, Horizon
from monitor.core.calendar import Month
from monitor.core.instants import Duration, Instant
from monitor.core.month import Figures
from monitor.ledger.chain import Fact, canonical

KIND = "closing"
Tickets = Callable[[Month, Instant], Mapping[str, Any]]
"""What a month keeps of incidents, requests and complaints, as seen from an instant: `tickets` and `holidays`."""


@dataclass(frozen=True, slots=True)
class Closing:
    """The newest revision of a closed month, and the digest of its fact's body."""

    revision: int
    digest: str
    services: dict[str, Any]
    tickets: Mapping[str, Any] = field(default_factory=dict)


def closings_of(facts: Iterable[Fact]) -> dict[str, Closing]:
    """The newest closing of each month, by `YYYY-MM`."""
    found: dict[str, Closing] = {}
    for fact in facts:
        if fact.kind == KIND:
            body = fact.body
            found[body["month"]] = Closing(body["revision"], digest_of(body), body["services"], body.get("tickets", {}))
    return found


def digest_of(body: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(body)).hexdigest()


def closable(book: Book, now: Instant, close_after: Duration) -> list[Month]:
    """The months from the first check on that ended long enough ago."""
    firsts = [account.first for account in book.accounts.values() if account.first is not None]
    zone = book.rules.zone
    month, found = Month.of(min(firsts, default=now), zone), []
    while month.plus(1).start(zone) + close_after <= now:
        found.append(month)
        month = month.plus(1)
    return found


def due(
    book: Book,
    closed: dict[str, Closing],
    now: Instant,
    close_after: Duration,
    *,
    head: str,
    reason: str,
    tickets: Tickets,
) -> list[Fact]:
    """Closings to record now: months that are due, and revisions of closed ones whose figures have changed."""
    found = steps(book, closed, now, close_after, head=head, reason=reason, tickets=tickets)
    return [fact for fact in found if fact is not None]


def steps(
    book: Book,
    closed: dict[str, Closing],
    now: Instant,
    close_after: Duration | None,
    *,
    head: str,
    reason: str,
    tickets: Tickets,
) -> Iterator[Fact | None]:
    """The same bit by bit: None after each service, as a large fleet's months take longer than a check may wait.

    Without `close_after` only what tickets have changed of closed months is looked at.
    """
    months = map(Month.parse, closed) if close_after is None else closable(book, now, close_after)
    for month in months:
        before = closed.get(str(month))
        services: dict[str, Any] = {}
        if close_after is None and before is not None:
            services = before.services
            yield None
        else:
            for name in services_of(book, month):
                services[name] = body_of(book.figures(name, month, Horizon(now, now=True)))
                yield None
        more = tickets(month, now)
        if before is None or before.services != services or before.tickets != more["tickets"]:
            yield _fact(book, month, before, services, now, head=head, reason=reason, more=more)


def services_of(book: Book, month: Month) -> Collection[str]:
    """Those that were configured at the month's end."""
    return book.epochs.at(month.plus(1).start(book.rules.zone) - 1).services


def _fact(
    book: Book,
    month: Month,
    before: Closing | None,
    services: dict[str, Any],
    now: Instant,
    *,
    head: str,
    reason: str,
    more: Mapping[str, Any],
) -> Fact:
    body = {
        "month": str(month),
        "revision": before.revision + 1 if before else 1,
        "reason": (reason or "time has passed") if before else "the month is over",
        "services": services,
        "rules": digest_of(book.epochs.at(month.plus(1).start(book.rules.zone) - 1).document()),
        "accounting": ACCOUNTING_VERSION,
        "tzdata": version("tzdata"),
        "head": head,
        **more,
    }
    return Fact(now, KIND, body)


def figures_at(book: Book, month: Month, now: Instant) -> dict[str, Any]:
    """The figures of every service that was configured at the month's end, as JSON values."""
    return {name: body_of(book.figures(name, month, Horizon(now, now=True))) for name in services_of(book, month)}


def body_of(figures: Figures) -> dict[str, Any]:
    """Everything that was measured, in microseconds; percentages and verdicts follow from it."""
    sums = figures.sums
    return {
        "since": figures.since,
        "until": figures.until,
        "total": figures.total,
        "up": sums.up,
        "downtime": sums.downtime,
        "excused": sums.excused,
        "unknown": sums.unknown,
        "possibly": sums.possibly,
        "certainly": sums.certainly,
        "blips": list(figures.blips),
        "objectives": [str(figures.objectives.availability), figures.objectives.downtime],
        "verdict": figures.verdict,
        "outages": [
            [one.id, one.seconds, one.min_seconds, one.max_seconds, one.excused_seconds, one.cause]
            for one in figures.outages
        ],
    }
