"""Pictures of services, evaluated anew only where something may have changed.

A service is *quiet* where nothing was recorded or declared, every counting target is up and stays up for as long as
its voice reaches. Then the time since it was evaluated is up time and nothing else: figures go on by an addition.
"""

import operator
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.core.account import Mark
from monitor.core.book import Book, Horizon
from monitor.core.budget import LONGEST, Burn, burn
from monitor.core.calendar import Month
from monitor.core.instants import Duration, Instant
from monitor.core.intervals import Spans
from monitor.core.maintenance import Exclusion, Outlook, Outlooks, Window, together
from monitor.core.month import Figures, StateSeconds, Sums
from monitor.core.outages import identity_of
from monitor.core.rules import Epochs
from monitor.core.service import EVERYTHING, Service
from monitor.live import Live
from monitor.snapshot import ServicePicture


@dataclass(frozen=True, slots=True)
class _Evaluated:
    """What the book says of a service at an instant; `downtime` is what burn rates look back on."""

    at: Instant
    figures: Figures
    past: tuple[Figures, ...]
    downtime: Spans
    burn: Burn

    def moved(self, now: Instant) -> "_Evaluated":
        """The same later, where everything in between is up time."""
        if now == self.at:
            return self
        figures = replace(self.figures, until=now, sums=self.figures.sums + _up(now - self.at))
        spent = self.burn
        if self.downtime:
            spent = burn(self.downtime, now, figures.budget, figures.remaining, figures.total)
        return _Evaluated(now, figures, self.past, self.downtime, spent)


@dataclass(frozen=True, slots=True)
class _Quiet:
    """Everything from `up_since` to `until` is up time, for all that the marks' targets say."""

    evaluated: _Evaluated
    up_since: Instant
    ends: Instant
    marks: tuple[tuple[str, Mark], ...]
    declared: tuple[Sequence[Window], Sequence[Exclusion], Epochs]

    @property
    def until(self) -> Instant:
        return min(self.ends, *(mark.voice_end for _, mark in self.marks))

    @property
    def newest(self) -> Instant:
        return max(mark.newest or 0 for _, mark in self.marks)


class Portraitist:
    """`seconds` is where the seconds of each service go on from, as of when they were last kept."""

    def __init__(
        self, book: Book, lives: Mapping[str, Live], months: int, seconds: Mapping[str, StateSeconds] | None = None
    ) -> None:
        self._book = book
        self._lives = lives
        self._months = months
        self.seconds: dict[str, StateSeconds] = dict(seconds or {})
        self._finished: dict[tuple[str, Month], Figures] = {}
        self._declared: tuple[object, ...] = ()  # what they were evaluated by
        self._outlooks = Outlooks.of((), 0)
        self._quiet: dict[str, _Quiet] = {}
        self._taken: dict[tuple[str, Month], Figures] = {}  # of this moment

    def forget(self) -> None:
        """Evaluate everything anew: something declared may have changed it."""
        self._finished.clear()
        self._quiet.clear()

    def take(self, now: Instant, month: Month, states: Mapping[str, str]) -> Iterator[ServicePicture]:
        """A picture of every service; neither the instant nor the checks on record ever go back."""
        if not self._outlooks.hold(self._book.windows, now):
            self._outlooks = Outlooks.of(self._book.windows, now)
        self._taken.clear()
        for service in self._book.rules.services.values():
            yield self._picture(service, month, now, states)

    def _picture(self, service: Service, month: Month, now: Instant, states: Mapping[str, str]) -> ServicePicture:
        self._notice()
        name, horizon = service.name, Horizon(now, now=True)
        leaves = list(service.leaves())
        reached = self._reached(leaves, now)
        quiet, outage = self._goes_on(name, month, now), None
        if quiet is not None:
            shown = quiet.evaluated.moved(now)
        else:
            shown = self._evaluated(service, month, horizon, reached)
            quiet = self._quieted(service, shown, leaves)
            outage = self._outage(name, horizon)
        self._taken |= {(name, one.month): one for one in (shown.figures, *shown.past)}
        settled = self._settled(leaves, quiet, reached, now)
        state = state_of(service, states)
        return ServicePicture(
            name,
            state,
            shown.figures,
            shown.past,
            shown.burn,
            self._counted(service, settled, horizon, quiet),
            self._maintenance(service, state, states),
            outage,
        )

    def _notice(self) -> None:
        """Keep no month by what was declared before: that may change late, and between two services."""
        declared = self._book.windows, self._book.exclusions, self._book.epochs
        if not self._declared or any(map(operator.is_not, declared, self._declared)):
            self._declared = declared
            self._finished.clear()
            self._taken.clear()

    def _maintenance(self, service: Service, state: str, states: Mapping[str, str]) -> Outlook:
        """Of the service; active also while windows on its parts cover all that makes it down."""
        found = self._outlooks.by_scope
        own = together(*(found[scope] for scope in (EVERYTHING, service.name) if scope in found))
        if own.active or state != "down":
            return own
        covered = {scope for scope, outlook in found.items() if outlook.active}
        return replace(own, active=state_of(service, states, covered) != "down")

    def _evaluated(self, service: Service, month: Month, horizon: Horizon, reached: Instant) -> _Evaluated:
        name, now = service.name, horizon.at
        accounts = (self._book.accounts[leaf] for leaf in self._book.leaves(name))
        anchor = min((account.timeline.anchor(reached) for account in accounts), default=now)
        months = self._accounted(name, month, horizon)
        figures, *past = (self._figures(name, one, horizon, reached, anchor) for one in months)
        span = (max(month.start(self._book.rules.zone), now - LONGEST), now)
        downtime = self._book.counted(name, span, horizon)
        spent = burn(downtime, now, figures.budget, figures.remaining, figures.total)
        return _Evaluated(now, figures, tuple(past), downtime, spent)

    def _accounted(self, name: str, month: Month, horizon: Horizon) -> Iterator[Month]:
        """The month, and those before it that the service is accounted for."""
        yield month
        for back in range(1, self._months):
            past = month.plus(-back)
            start, end = self._book.bounds(name, past, horizon)[0]
            if start < end:
                yield past

    def _figures(self, name: str, month: Month, horizon: Horizon, reached: Instant, anchor: Instant) -> Figures:
        """The figures of a month; they are kept once not even the bounds of an outage can reach back into it."""
        kept = self._finished.get((name, month))
        if kept is not None:
            return kept
        figures = self._book.running(name, month, horizon, reached, lambda one: self._of_member(one, month, horizon))
        if anchor >= month.plus(1).start(self._book.rules.zone):
            self._finished[name, month] = figures
        return figures

    def _of_member(self, name: str, month: Month, horizon: Horizon) -> Figures:
        """The figures of a month as its own picture has them, taken before or after this one."""
        found = self._taken.get((name, month)) or self._finished.get((name, month))
        if found is None:
            reached = self._reached(self._book.leaves(name), horizon.at)
            found = self._book.running(name, month, horizon, reached, lambda o: self._of_member(o, month, horizon))
            self._taken[name, month] = found
        return found

    def _quieted(self, service: Service, shown: _Evaluated, leaves: Sequence[str]) -> _Quiet | None:
        """How long time alone moves the service on from here, if it does."""
        now, name, book = shown.at, service.name, self._book
        self._quiet.pop(name, None)
        found = [(leaf, book.accounts[leaf].mark()) for leaf in leaves]
        marks = [(leaf, mark) for leaf, mark in found if mark and mark.outer_end <= now < mark.voice_end]
        plain = shown.figures.since is not None and shown.figures.until == now and book.epochs.starts[-1] < now
        finished = all((name, one.month) in self._finished for one in shown.past)
        # A target of earlier rules may still change what is past.
        if not leaves or len(marks) < len(leaves) or set(book.leaves(name)) != set(leaves) or not (plain and finished):
            return None
        month_end = shown.figures.month.span(book.rules.zone)[1]
        quiet = _Quiet(
            shown,
            # The newest check of a target that is up is one that found it up, or does not speak.
            max([book.epochs.starts[-1], *(mark.newest for _, mark in marks if mark.newest is not None)]),
            month_end if service.until is None else min(month_end, service.until),
            tuple(marks),
            (book.windows, book.exclusions, book.epochs),
        )
        self._quiet[name] = quiet
        return quiet

    def _goes_on(self, name: str, month: Month, now: Instant) -> _Quiet | None:
        """The quiet that the service is still in, with what was recorded since."""
        quiet, book = self._quiet.get(name), self._book
        if quiet is None or month != quiet.evaluated.figures.month or now < quiet.evaluated.at:
            return None
        windows, exclusions, epochs = quiet.declared
        if windows is not book.windows or exclusions is not book.exclusions or epochs is not book.epochs:
            return None
        marks = tuple((leaf, book.accounts[leaf].stayed_up(mark)) for leaf, mark in quiet.marks)
        still = tuple((leaf, mark) for leaf, mark in marks if mark is not None)
        if len(still) < len(marks):
            return None
        if still != quiet.marks:
            quiet = self._quiet[name] = replace(quiet, marks=still)
        return quiet if now <= quiet.until else None

    def _outage(self, name: str, horizon: Horizon) -> str | None:
        start = self._book.down_since(name, horizon)
        return None if start is None else identity_of(name, start)

    def _reached(self, leaves: Sequence[str], now: Instant) -> Instant:
        """The instant that no check of them will be recorded before: one that is under way holds it back."""
        for leaf in leaves:
            live = self._lives.get(leaf)
            if live is not None and live.outstanding:
                now = min(now, *live.outstanding)
        return now

    def _settled(self, leaves: Sequence[str], quiet: _Quiet | None, reached: Instant, now: Instant) -> Instant:
        if quiet is not None and quiet.newest < reached:
            return reached
        return min((self._book.accounts[leaf].timeline.settled(reached) for leaf in leaves), default=now)

    def _counted(
        self, service: Service, settled: Instant, horizon: Horizon, quiet: _Quiet | None
    ) -> StateSeconds | None:
        """Seconds by state up to the settled instant: what was added once stays, whatever is declared later."""
        name, since = service.name, self._book.since(service)
        before = self.seconds.get(name) or (None if since is None else StateSeconds(since))
        if before is not None and settled > before.settled:
            if quiet is not None and before.settled >= quiet.up_since:
                more = _up(settled - before.settled)
            else:
                more = self._book.sums(name, before.settled, settled, horizon)
            self.seconds[name] = before.plus(settled, more)
        return self.seconds.get(name)


def _up(length: Duration) -> Sums:
    return Sums(length=length, up=length)


def state_of(service: Service, states: Mapping[str, str], covered: Container[str] = ()) -> str:
    """The present state of a service by its rule (R6); suspect where its suspects, if down, would make it down.

    Parts that are `covered` are taken for up.
    """
    parts = ["up" if target in covered else states.get(target, "unknown") for target in service.targets]
    parts += ["up" if member.name in covered else state_of(member, states, covered) for member in service.members]
    down, unknown, suspect = (parts.count(state) for state in ("down", "unknown", "suspect"))
    if down >= service.at_least:
        return "down"
    if down + unknown >= service.at_least:
        return "unknown"
    return "suspect" if down + unknown + suspect >= service.at_least else "up"
