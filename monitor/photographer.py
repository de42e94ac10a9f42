"""Makes snapshots of the book and the live states, anew only where something may have changed.

What nothing has happened to keeps its very picture from one snapshot to the next: targets here, services in
`monitor.portrait`. Every figure is the one that a snapshot made from nothing would have.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf

from monitor.core.account import Account
from monitor.core.book import Book
from monitor.core.calendar import Month
from monitor.core.history import History
from monitor.core.instants import DAY, SECOND, Instant
from monitor.core.month import StateSeconds
from monitor.live import Live
from monitor.portrait import Portraitist
from monitor.snapshot import Snapshot, TargetPicture


class Photographer:
    """`seconds` is where the seconds of services go on from (see `Portraitist`)."""

    def __init__(
        self, book: Book, lives: Mapping[str, Live], months: int, seconds: Mapping[str, StateSeconds] | None = None
    ) -> None:
        self._book = book
        self._targets = _Targets(book, lives)
        self._services = Portraitist(book, lives, months, seconds)

    def take(self, now: Instant, monotonic: float, *, services: bool = True) -> Snapshot:
        """Picture everything as of `now`, never before the newest check that is recorded; or the targets only."""
        return next(filter(None, self.steps(now, monotonic, services=services)))

    def steps(self, now: Instant, monotonic: float, *, services: bool = True) -> Iterator[Snapshot | None]:
        """The same bit by bit: None after the targets and after each service, and in the end what came of it."""
        now = self._book.present(now)
        month = Month.of(now, self._book.rules.zone)
        targets = self._targets.take(now, monotonic)
        yield None
        states = {target.name: target.state for target in targets} if services else {}
        pictures = []
        for picture in self._services.take(now, month, states) if services else ():
            pictures.append(picture)
            yield None
        yield Snapshot(now, month, targets, tuple(pictures))

    def forget(self) -> None:
        """Evaluate everything anew: something declared may have changed it."""
        self._services.forget()

    @property
    def seconds(self) -> Mapping[str, StateSeconds]:
        """Where the seconds of services would go on from."""
        return self._services.seconds


@dataclass(slots=True)
class _Kept:
    """A picture, what it was made from, and how long it holds: in instants of both clocks."""

    picture: TargetPicture
    made_from: tuple[object, ...]
    monotonic: float
    wall: float


class _Targets:
    """Makes pictures of targets; one is made anew where a check arrived or was recorded, or where time changes it."""

    def __init__(self, book: Book, lives: Mapping[str, Live]) -> None:
        self._book = book
        self._lives = lives
        self._kept: dict[str, _Kept] = {}

    def take(self, now: Instant, monotonic: float) -> tuple[TargetPicture, ...]:
        moment = round(monotonic * SECOND)
        kept: dict[str, _Kept] = {}
        for name, live in self._lives.items():
            account = self._book.accounts[name]
            made_from = _sources(live, account)
            one = self._kept.get(name)
            if one is None or one.made_from != made_from or moment >= one.monotonic or now >= one.wall:
                one = _picture(name, live, account, made_from, now, moment)
            kept[name] = one
        self._kept = kept
        return tuple(one.picture for one in kept.values())


def _sources(live: Live, account: Account) -> tuple[object, ...]:
    """Small things that differ whenever the picture may; of objects that never change, their identity."""
    deliveries = sum(live.deliveries.values()) if live.deliveries else 0
    return live.arrived, account.recorded, id(live.target), id(account), deliveries, live.backoff_until


def _picture(
    name: str, live: Live, account: Account, made_from: tuple[object, ...], now: Instant, moment: Instant
) -> _Kept:
    present = account.timeline.present()
    running = present.stretch if present.down else None
    late = History()  # what the newest check has ended, which the history takes with the next one
    late.add(present.events)
    certificate = None if live.presented is None else live.presented.evidence.certificate
    expires = inf if certificate is None else certificate.not_after * SECOND - live.target.min_days_left * DAY
    backoff = None if live.backoff_until is None else live.backoff_until - moment / SECOND
    picture = TargetPicture(
        name,
        live.target.protocol,
        live.state(moment / SECOND),
        live.success,
        live.last,
        dict(live.outcomes),
        dict(live.causes),
        running.start if running else None,
        len(account.history.outages) + len(late.outages) + (1 if present.ended or present.stretch else 0),
        len(account.history.blips) + len(late.blips),
        dict(live.deliveries),
        None if certificate is None else now >= expires,
        live.target.expects,
        backoff if backoff is not None and backoff > 0 else None,
        live.presented,
    )
    voiced = live.timeline.present().voice_end
    until = inf if voiced is None or voiced <= moment else voiced
    if picture.backoff is not None:
        until = moment  # what is left of it changes with every moment
    return _Kept(picture, made_from, until, inf if now >= expires else expires)
