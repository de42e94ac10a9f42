"""An immutable picture of everything that is exported, made after a commit and rendered by whoever asks.

Months that have settled are kept; only the running one, and one that has just ended, are evaluated anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.core.book import Book, Horizon
from monitor.core.budget import LONGEST, Burn, burn
from monitor.core.calendar import Month
from monitor.core.history import History
from monitor.core.instants import Instant
from monitor.core.maintenance import Outlook, outlook, together
from monitor.core.month import Figures, Sums
from monitor.core.service import EVERYTHING, Service
from monitor.live import Live
from monitor.queries import newest
from monitor.runner import Result

STATES = ("up", "suspect", "down", "unknown")


@dataclass(frozen=True, slots=True)
class TargetPicture:
    name: str
    protocol: str
    state: str
    success: bool | None
    last: Result | None
    outcomes: Mapping[str, int]
    causes: Mapping[str, int]
    outage_start: Instant | None
    outages: int
    blips: int


@dataclass(frozen=True, slots=True)
class ServicePicture:
    """`months` from the running one backwards; `settled` the instant that `seconds` have been added up to."""

    name: str
    state: str
    months: tuple[Figures, ...]
    burn: Burn
    seconds: Sums
    settled: Instant | None
    maintenance: Outlook


@dataclass(frozen=True, slots=True)
class Snapshot:
    at: Instant
    month: Month
    targets: tuple[TargetPicture, ...]
    services: tuple[ServicePicture, ...]


class Photographer:
    """Makes snapshots of a book and the live states."""

    def __init__(self, book: Book, lives: Mapping[str, Live], months: int) -> None:
        self._book = book
        self._lives = lives
        self._months = months
        self._finished: dict[tuple[str, Month], Figures] = {}
        self._outlooks: dict[str, Outlook] = {}
        self._seconds: dict[str, tuple[Instant, Sums]] = {}

    def take(self, now: Instant, monotonic: float, *, services: bool = True) -> Snapshot:
        """Picture everything as of `now`, never before the newest check that is recorded; or the targets only."""
        now = newest(self._book, now)
        month = Month.of(now, self._book.rules.zone)
        states = {name: live.state(monotonic) for name, live in self._lives.items()}
        targets = tuple(self._target(name, states[name]) for name in self._lives)
        rules = self._book.rules.services.values() if services else ()
        self._outlooks = outlook(self._book.windows, now) if services else {}
        pictures = tuple(self._service(service, month, now, states) for service in rules)
        return Snapshot(now, month, targets, pictures)

    def forget(self) -> None:
        """Evaluate months that have settled anew: something declared may have changed them."""
        self._finished.clear()

    def _target(self, name: str, state: str) -> TargetPicture:
        live, account = self._lives[name], self._book.accounts[name]
        present = account.timeline.present()
        running = present.stretch if present.down else None
        late = History()  # what the newest check has ended, which the history takes with the next one
        late.add(present.events)
        return TargetPicture(
            name,
            live.target.protocol,
            state,
            live.success,
            live.last,
            {outcome.value: number for outcome, number in live.outcomes.items()},
            dict(live.causes),
            running.start if running else None,
            len(account.history.outages) + len(late.outages) + (1 if present.ended or present.stretch else 0),
            len(account.history.blips) + len(late.blips),
        )

    def _service(self, service: Service, month: Month, now: Instant, states: Mapping[str, str]) -> ServicePicture:
        horizon = Horizon(now, now=True)
        reached = self._reached(service, now)
        settled = min((self._book.accounts[leaf].timeline.settled(reached) for leaf in service.leaves()), default=now)
        figures = tuple(
            self._figures(service.name, month.plus(-back), horizon, reached, settled) for back in range(self._months)
        )
        shown = tuple(one for one in figures if one.since is not None or one.month == month)
        span = (max(month.start(self._book.rules.zone), now - LONGEST), now)
        downtime = self._book.counted(service.name, span, horizon)
        spent = burn(downtime, now, figures[0].budget, figures[0].remaining, figures[0].total)
        seconds = self._settled_seconds(service, settled, horizon)
        return ServicePicture(
            service.name,
            state_of(service, states),
            shown,
            spent,
            seconds,
            settled if seconds.length else None,
            together(*(self._outlooks.get(scope, Outlook()) for scope in (EVERYTHING, service.name))),
        )

    def _figures(self, name: str, month: Month, horizon: Horizon, reached: Instant, settled: Instant) -> Figures:
        kept = self._finished.get((name, month))
        if kept is not None:
            return kept
        figures = self._book.running(name, month, horizon, reached)
        if settled >= month.plus(1).start(self._book.rules.zone):
            self._finished[name, month] = figures
        return figures

    def _reached(self, service: Service, now: Instant) -> Instant:
        """The instant that no check of the service will be recorded before: one that is under way holds it back."""
        lives = (self._lives.get(leaf) for leaf in service.leaves())
        return min([now, *(live.running for live in lives if live is not None and live.running is not None)])

    def _settled_seconds(self, service: Service, settled: Instant, horizon: Horizon) -> Sums:
        since = self._book.since(service)
        if since is None:
            return Sums()
        before, sums = self._seconds.get(service.name, (since, Sums()))
        if settled > before:
            sums += self._book.sums(service.name, before, settled, horizon)
            self._seconds[service.name] = (settled, sums)
        return sums


def state_of(service: Service, states: Mapping[str, str]) -> str:
    """The present state of a service by its rule (R6); suspect where its suspects, if down, would make it down."""
    parts = [states.get(target, "unknown") for target in service.targets]
    parts += [state_of(member, states) for member in service.members]
    down, unknown, suspect = (parts.count(state) for state in ("down", "unknown", "suspect"))
    if down >= service.at_least:
        return "down"
    if down + unknown >= service.at_least:
        return "unknown"
    return "suspect" if down + unknown + suspect >= service.at_least else "up"
