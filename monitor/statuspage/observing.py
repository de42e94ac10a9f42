"""Pictures in the daemon what the page shows, and says what has changed.

What is cheap is taken from the snapshot each second. Days and outages are asked of the book, a service at a time and
with rests in between: at most a tenth of the event loop goes to them, however much breaks at once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple, TypeVar

from monitor.assembly import host_of
from monitor.clock import Clock
from monitor.closing import Closing
from monitor.core.book import Book, Horizon
from monitor.core.calendar import Month
from monitor.core.instants import DAY, Instant, from_datetime, to_datetime
from monitor.core.month import Sums, sums
from monitor.core.outages import start_of
from monitor.settings import Settings
from monitor.snapshot import ServicePicture, Snapshot, TargetPicture
from monitor.statuspage.picturing import DAYS, occurrences, outage_of, whole
from monitor.statuspage.view import (
    Beat,
    Calendar,
    Closed,
    Day,
    Message,
    Occurrence,
    Outage,
    Part,
    Past,
    Present,
    Site,
)
from monitor.texts import LANGUAGES

T = TypeVar("T")

REST = 9
"""How many times as long as asking the book took nothing is asked of it."""


class Waits(NamedTuple):
    """Seconds between two pictures of a service whose sums move, and of one that nothing happens to."""

    moving: float
    still: float


@dataclass(slots=True)
class _Said:
    """What was last said of a service: its state, its sums, and when, on the monotonic clock."""

    urgent: object
    sums: object
    at: float


class Observer:
    """`say` is called with each message; the same one twice would only cost time."""

    def __init__(
        self,
        clock: Clock,
        book: Book,
        snapshot: Callable[[], Snapshot],
        head: Callable[[], str],
        closings: Callable[[], Mapping[str, Closing]],
        say: Callable[[Message], None],
    ) -> None:
        self._clock = clock
        self._book = book
        self._snapshot = snapshot
        self._head = head
        self._closings = closings
        self._say = say
        self._hidden: frozenset[str] = frozenset()
        self._hosts: Mapping[str, str] | None = None  # where details are shown, of each target
        self._protocols: dict[str, str] = {}  # of each target
        self._present: dict[str, _Said] = {}
        self._past: dict[str, _Said] = {}
        self._portions: dict[tuple[str, Month], tuple[Outage, ...]] = {}  # of months that are over
        self._calendar: object = None
        self._closed: dict[str, int] = {}
        self._declared: tuple[Any, ...] = ()

    def change(self, settings: Settings) -> None:
        """From now on this is shown, and in these words."""
        status = settings.status
        self._hidden = frozenset(status.hide)
        targets = {f"{one.name}/{target.name}": target for one in settings.services for target in one.targets}
        self._protocols = {name: target.type for name, target in targets.items()}
        self._hosts = {name: host_of(target) for name, target in targets.items()} if status.details else None
        for kept in (self._present, self._past, self._portions):
            kept.clear()
        self._calendar = None
        titles = {
            one.name: {language: getattr(one.title, language) or one.name for language in LANGUAGES}
            for one in settings.services
            if one.name not in self._hidden
        }
        own = {language: title for language in LANGUAGES if (title := getattr(status.title, language))}
        self._say(Site(settings.zone, own, status.language, status.url, titles, status.config_file, settings.log))

    async def watch(self) -> None:
        """Each second what is cheap."""
        while True:
            await self._look()
            await self._clock.sleep(1.0)

    async def remember(self) -> None:
        """Days and outages, of one service after the other."""
        while True:
            for picture in self._due():
                await self._recall(picture)
            await self._clock.sleep(1.0)

    async def _look(self) -> None:
        snapshot = self._snapshot()
        declared = (tuple(self._book.windows), tuple(self._book.exclusions), self._book.epochs)
        if declared != self._declared:
            self._declared = declared
            self._portions.clear()
            self._past.clear()
        targets = {target.name: target for target in snapshot.targets} if self._hosts is not None else {}
        for picture in snapshot.services:
            if picture.name not in self._hidden:
                parts = tuple(self._parts(picture.name, targets))
                if self._say_present(picture, parts):
                    await self._clock.sleep(0)  # where hundreds break at once, checks go on in between
        self._say_calendar(snapshot.at)
        closed = {month: closing.revision for month, closing in self._closings().items()}
        if closed != self._closed:
            self._closed = closed
            self._say(Closed(closed))
        self._say(Beat(snapshot.at, self._head()))

    def _say_present(self, picture: ServicePicture, parts: tuple[Part, ...]) -> bool:
        """Say how a service is, if it is due; whether it was."""
        maintenance, outage = picture.maintenance, picture.outage
        state = "maintenance" if picture.state == "down" and maintenance.active else picture.state
        urgent = (state, maintenance.active, maintenance.next_start, outage, parts, picture.running.month)
        if not self._is_due(self._present, picture.name, urgent, _moving(picture), Waits(moving=5.0, still=60.0)):
            return False
        began = start_of(outage) if outage is not None else None
        months = picture.months
        if self._hosts is None:
            months = tuple(replace(one, suspect=()) for one in months)  # which are names of targets
        self._say(
            Present(
                picture.name,
                state,
                maintenance.active,
                maintenance.next_start,
                outage,
                began[1] if began else None,
                months,
                parts,
            )
        )
        return True

    def _is_due(self, said: dict[str, _Said], name: str, urgent: object, moving: object, waits: Waits) -> bool:
        """Whether it has to be said: at once what changes a state, else once it has waited long enough."""
        now, before = self._clock.monotonic(), said.get(name)
        if before is not None and urgent == before.urgent:
            wait = waits.still if moving == before.sums else waits.moving
            if now - before.at < wait:
                return False
        said[name] = _Said(urgent, moving, now)
        return True

    def _parts(self, name: str, targets: Mapping[str, TargetPicture]) -> Iterator[Part]:
        """The targets of a service that do not work, where details are shown."""
        if self._hosts is None or (service := self._book.rules.services.get(name)) is None:
            return
        for leaf in service.leaves():
            target = targets.get(leaf)
            if target is not None and target.state != "up" and target.last is not None:
                cause, reply = target.last.check.cause or "", target.last.reply or ""
                yield Part(leaf, target.protocol, target.state, self._hosts.get(leaf, ""), cause, reply)

    def _say_calendar(self, now: Instant) -> None:
        key = (self._declared[0], now // (DAY // 24))
        if key != self._calendar:
            self._calendar = key
            self._say(Calendar(tuple(self._shown(occurrences(self._declared[0], now)))))

    def _shown(self, found: Iterable[Occurrence]) -> Iterator[Occurrence]:
        """Without hidden services, and without what is about those alone."""
        for one in found:
            services = tuple(name for name in one.services if name not in self._hidden)
            if services or not one.services:
                yield replace(one, services=services)

    def _due(self) -> Iterator[ServicePicture]:
        """Services whose days and outages are to be pictured anew."""
        snapshot = self._snapshot()
        today = to_datetime(snapshot.at, self._book.rules.zone).date()
        failing = {target.name for target in snapshot.targets if target.outage_start is not None}
        for picture in snapshot.services:
            name, service = picture.name, self._book.rules.services.get(picture.name)
            if name in self._hidden or service is None:
                continue
            part = frozenset(failing.intersection(service.leaves())) if picture.outage is not None else frozenset()
            waits = Waits(moving=60.0, still=inf)
            if self._is_due(self._past, name, (picture.outage, part, today), _moving(picture), waits):
                yield picture

    async def _recall(self, picture: ServicePicture) -> None:
        name = picture.name
        found: dict[str, Outage] = {}
        for one in reversed(picture.months):
            for outage in await self._rested(partial(self._portion, name, one.month)):
                found[outage.id] = whole(found.get(outage.id), outage)
        days = await self._rested(partial(self._days, name))
        if name in self._book.rules.services:
            newest = sorted(found.values(), key=lambda outage: outage.start, reverse=True)
            self._say(Past(name, tuple(days), tuple(newest)))

    async def _rested(self, ask: Callable[[], T]) -> T:
        began = self._clock.monotonic()
        answer = ask()
        await self._clock.sleep(REST * (self._clock.monotonic() - began))
        return answer

    @property
    def _horizon(self) -> Horizon:
        return Horizon(self._book.present(self._clock.now()), now=True)

    def _portion(self, name: str, month: Month) -> tuple[Outage, ...]:
        """The outages of a month; of one that was over a whole month ago they are kept, until something is declared."""
        kept = self._portions.get((name, month))
        if kept is not None or name not in self._book.rules.services:
            return kept or ()
        horizon = self._horizon
        figures = self._book.figures(name, month, horizon)
        made = tuple(outage_of(one, self._protocols, details=self._hosts is not None) for one in figures.outages)
        if month.plus(2) <= Month.of(horizon.at, self._book.rules.zone):
            self._portions[name, month] = made
        return made

    def _days(self, name: str) -> list[Day]:
        if name not in self._book.rules.services:
            return []
        horizon, service = self._horizon, self._book.rules.services[name]
        today = to_datetime(horizon.at, self._book.rules.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        edges = [from_datetime(today + timedelta(days=number)) for number in range(1 - DAYS, 2)]
        since, now = self._book.since(service), horizon.at
        first = now if since is None else max(edges[0], since)
        last = now if service.until is None else min(now, service.until)
        if first >= last:
            return [Day(edge, Sums()) for edge in edges[:-1]]
        sets, windows = self._book.evaluated(name, (first, last), horizon)
        return [Day(start, sums(sets, windows, max(start, first), min(end, last))) for start, end in pairwise(edges)]


def _moving(picture: ServicePicture) -> object:
    """All figures that do not grow while everything is well."""
    of = picture.running.sums
    return of.downtime, of.excused, of.unknown, of.possibly, of.certainly, picture.past
