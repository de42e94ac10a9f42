"""A service's figures as they stood at instants of the past, by what is known now.

What was recorded, declared and corrected since counts: a row that was undecided then is decided, an outage excused
afterwards is excused at every instant behind it. Each figure at T is that of `[.., T)`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from monitor.core.book import Book, Horizon
from monitor.core.budget import LONGEST, Burn, burn
from monitor.core.calendar import Month
from monitor.core.instants import DAY, Duration, Instant
from monitor.core.intervals import BEGINNING, END, Span, clip
from monitor.core.month import Figures, Sums, sums, weighted
from monitor.core.outages import counted
from monitor.core.service import EVERYTHING, Service, Sets

_CHUNK: Duration = DAY


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant: the state there, the running month's figures so far, and all time before added up.

    `state` is up, down or unknown; figures have no outages, blips or suspects.
    """

    at: Instant
    state: str
    figures: Figures
    seconds: Sums
    burn: Burn


@dataclass(frozen=True, slots=True)
class TargetMoment:
    """One target at an instant; `outage` is the start of the one that runs there."""

    at: Instant
    state: str
    outage: Instant | None


def moments(book: Book, name: str, start: Instant, end: Instant, step: Duration, now: Instant) -> Iterator[Moment]:
    """The service at `start`, `start + step` and so on before `end`, which is not after `now`."""
    horizon = Horizon(now, now=True)
    accounted = _accounted(book, name)
    seconds = _sums(book, name, accounted, (BEGINNING, start), horizon)
    so_far, of_month, reached = Sums(), None, start
    for first, last, month in _chunks(book, start, end):
        if month != of_month:
            so_far = _sums(book, name, accounted, (month.start(book.rules.zone), first), horizon)
            of_month = month
        opened = max(month.start(book.rules.zone), first - LONGEST)
        sets, own = book.evaluated(name, (opened, last), horizon)
        downtime = counted(sets.kept_down, own, opened, last)
        for at in _instants(start, first, last, step):
            passed = _evaluated(sets, own, accounted, (reached, at))
            so_far, seconds, reached = so_far + passed, seconds + passed, at
            figures = _figures(book, name, month, at, so_far)
            yield Moment(
                at,
                _state(sets, at),
                figures,
                seconds,
                burn(downtime, at, figures.budget, figures.remaining, figures.total),
            )
        passed = _evaluated(sets, own, accounted, (reached, last))
        so_far, seconds, reached = so_far + passed, seconds + passed, last


def target_moments(
    book: Book, target: str, start: Instant, end: Instant, step: Duration, now: Instant
) -> Iterator[TargetMoment]:
    """The same of one target."""
    account = book.accounts[target]
    for first, last, _ in _chunks(book, start, end):
        view = account.history.view(account.timeline, first, last, horizon=now, clip_voices=True)
        for at in _instants(start, first, last, step):
            state = "down" if _covers(view.down, at) else "unknown" if _covers(view.unknown, at) else "up"
            running = [outage.start for outage in view.outages if outage.start <= at < outage.end]
            yield TargetMoment(at, state, running[-1] if running else None)


def in_maintenance(
    book: Book, name: str, start: Instant, end: Instant, step: Duration
) -> Iterator[tuple[Instant, bool]]:
    """Whether a declared window of the service goes on, as `outlook` tells of the present."""
    of_service = [one for one in book.windows if not one.scope or {name, EVERYTHING} & set(one.scope)]
    for first, last, _ in _chunks(book, start, end):
        spans = [
            (begin, window.cut(planned)) for window in of_service for begin, planned in window.occurrences(first, last)
        ]
        for at in _instants(start, first, last, step):
            yield at, any(begin <= at < ended for begin, ended in spans)


def by_accounts(members: Sequence[Service], downtimes: Mapping[str, Duration], total: Duration) -> Fraction | None:
    """Availability in percent by the accounts that members serve (R6), from each member's downtime."""
    if not members or any(one.name not in downtimes for one in members):
        return None
    return weighted([(downtimes[one.name], one.accounts) for one in members], total)


def _chunks(book: Book, start: Instant, end: Instant) -> Iterator[tuple[Instant, Instant, Month]]:
    """`[start, end)` in pieces of at most a day, none of which reaches into another month."""
    while start < end:
        month = Month.of(start, book.rules.zone)
        last = min(end, start + _CHUNK, month.plus(1).start(book.rules.zone))
        yield start, last, month
        start = last


def _instants(origin: Instant, first: Instant, last: Instant, step: Duration) -> range:
    """Those of the steps from `origin` on that lie in `[first, last)`."""
    return range(origin + -(-(first - origin) // step) * step, last, step)


def _accounted(book: Book, name: str) -> Span | None:
    """From when until when the service is accounted for."""
    service = book.rules.services[name]
    since = book.since(service)
    return None if since is None else (since, END if service.until is None else service.until)


def _sums(book: Book, name: str, accounted: Span | None, span: Span, horizon: Horizon) -> Sums:
    """The measures of the part of a span that the service is accounted for."""
    if accounted is None:
        return Sums()
    start, end = max(span[0], accounted[0]), min(span[1], accounted[1])
    return book.sums(name, start, end, horizon) if start < end else Sums()


def _evaluated(sets: Sets, own: list[Span], accounted: Span | None, span: Span) -> Sums:
    """The measures of a span, of the part of it that the service is accounted for."""
    if accounted is None:
        return Sums()
    start, end = max(span[0], accounted[0]), min(span[1], accounted[1])
    return sums(sets, own, start, end) if start < end else Sums()


def _figures(book: Book, name: str, month: Month, at: Instant, so_far: Sums) -> Figures:
    return replace(book.bounds(name, month, Horizon(at, now=True))[1], sums=so_far)


def _state(sets: Sets, at: Instant) -> str:
    return "down" if _covers(sets.down, at) else "unknown" if _covers(sets.unknown, at) else "up"


def _covers(spans: list[Span], at: Instant) -> bool:
    return bool(clip(spans, at, at + 1))
