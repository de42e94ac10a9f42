"""The account of all targets and services: checks go in, figures come out.

The daemon and `replay` use this one path. `record` takes checks in the order of their instants per target and
returns what has become final; `figures` evaluates a month as seen from a horizon.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from monitor.core.budget import BURN_WINDOWS, burn_rate, exhaustion
from monitor.core.calendar import Month
from monitor.core.check import Check
from monitor.core.history import History, View
from monitor.core.instants import DAY, Duration, Instant
from monitor.core.intervals import Span, Spans, total
from monitor.core.maintenance import Exclusion, Policy, Window, excusing
from monitor.core.month import Figures, Objectives, Sums, sums
from monitor.core.outages import ServiceOutage, counted, outages
from monitor.core.service import Service, Sets, Views, Windows, evaluate, windows_of
from monitor.core.timeline import Event, Timeline


@dataclass(frozen=True, slots=True)
class TargetRule:
    """How checks of a target become labels (R2), and how long one speaks where it does not say (R1)."""

    confirm: int
    recover: int
    stale_after: Duration


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything configured that decides figures."""

    zone: ZoneInfo
    targets: Mapping[str, TargetRule]
    services: Mapping[str, Service]
    objectives: Mapping[str, Objectives]
    policy: Policy = field(default_factory=Policy)
    windows: Sequence[Window] = ()
    exclusions: Sequence[Exclusion] = ()


@dataclass(slots=True)
class Account:
    """One target's timeline and what has become final of it; `first` and `newest` are instants of checks."""

    timeline: Timeline
    history: History = field(default_factory=History)
    first: Instant | None = None
    newest: Instant | None = None


@dataclass(frozen=True, slots=True)
class Horizon:
    """The end of what is looked at. `now`: voices end there; otherwise it is a month's end and they go on (R2, R8)."""

    at: Instant
    now: bool


@dataclass(frozen=True, slots=True)
class Burn:
    """Burn rates by window, microseconds to exhaustion (None: never), and the settled instant."""

    rates: Mapping[str, float]
    exhaustion: float | None


class Book:
    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.accounts = {name: Account(Timeline(r.confirm, r.recover)) for name, r in rules.targets.items()}

    def record(self, target: str, check: Check) -> list[Event]:
        """Take a check and return the target's events that have become final.

        Raises ValueError where the check speaks and lies before one already recorded; KeyError where the target
        is not configured.
        """
        account = self.accounts[target]
        account.first = check.at if account.first is None else min(account.first, check.at)
        account.newest = check.at if account.newest is None else max(account.newest, check.at)
        events = account.timeline.feed(check)
        account.history.add(events)
        return events

    def since(self, service: Service) -> Instant | None:
        """When the service is accounted for from: its own setting, else its first recorded check (R8)."""
        if service.since is not None:
            return service.since
        firsts = [self.accounts[leaf].first for leaf in service.leaves()]
        return min((first for first in firsts if first is not None), default=None)

    def figures(self, name: str, month: Month, horizon: Horizon) -> Figures:
        """The figures of a service and a month (R8, R9, R10)."""
        service = self.rules.services[name]
        start, end = month.span(self.rules.zone)
        until = min(end, horizon.at if horizon.now else end, *([service.until] if service.until else []))
        since = self.since(service)
        begin = max(start, since) if since is not None else until
        empty = since is None or begin >= until
        evaluated = (until, until) if empty else (begin, until)
        sets, views, windows = self._around(service, evaluated, horizon)
        own = windows_of(service, windows)
        return Figures(
            service=name,
            month=month,
            total=end - start,
            since=None if empty else begin,
            until=None if empty else until,
            provisional=horizon.now and horizon.at < end,
            sums=sums(sets, own, *evaluated),
            objectives=self.rules.objectives[name],
            blips=_blips(service, views, evaluated),
            suspect=_suspect(service, views, evaluated),
            outages=tuple(outages(service, sets, own, views, evaluated)),
        )

    def outages(self, name: str, month: Month, horizon: Horizon) -> tuple[ServiceOutage, ...]:
        return self.figures(name, month, horizon).outages

    def burn(self, figures: Figures, horizon: Horizon) -> Burn:
        """Burn rates and the time to exhaustion as seen from now (R11)."""
        service = self.rules.services[figures.service]
        month_start = figures.month.start(self.rules.zone)
        begin = max(month_start, horizon.at - 3 * DAY)
        recent = self._counted(service, (begin, max(begin, horizon.at)), horizon)
        down = {w: _inside(recent, horizon.at - length, horizon.at) for w, length in BURN_WINDOWS.items()}
        left = exhaustion(figures.remaining, down["1h"])
        rates = {
            window: float(burn_rate(down[window], length, figures.budget, figures.total))
            for window, length in BURN_WINDOWS.items()
        }
        return Burn(rates, None if left is None else float(left))

    def sums(self, name: str, start: Instant, end: Instant, horizon: Horizon) -> Sums:
        """The measures of `[start, end)` alone; those of neighbouring stretches add up."""
        service = self.rules.services[name]
        views, windows = self._views(start, end, horizon), self._windows(start, end)
        return sums(evaluate(service, views, windows), windows_of(service, windows), start, end)

    def _counted(self, service: Service, span: Span, horizon: Horizon) -> Spans:
        views, windows = self._views(*span, horizon), self._windows(*span)
        sets = evaluate(service, views, windows)
        return counted(sets.kept_down, windows_of(service, windows), *span)

    def _around(self, service: Service, span: Span, horizon: Horizon) -> tuple[Sets, Views, Windows]:
        """Evaluate a span, widened until the outages that touch its ends are whole."""
        start, end = span
        reach = 2 * DAY
        while True:
            views, windows = self._views(start, end, horizon), self._windows(start, end)
            sets = evaluate(service, views, windows)
            before = bool(sets.down) and sets.down[0][0] == start
            after = bool(sets.down) and sets.down[-1][1] == end
            if start == end or not (before or after) or reach > 2**60:
                return sets, views, windows
            start -= reach * before
            end += reach * after
            reach *= 8

    def _views(self, start: Instant, end: Instant, horizon: Horizon) -> Views:
        made: dict[str, View] = {}

        def view(target: str) -> View:
            if target not in made:
                account = self.accounts[target]
                made[target] = account.history.view(
                    account.timeline, start, end, horizon=horizon.at, clip_voices=horizon.now
                )
            return made[target]

        return view

    def _windows(self, start: Instant, end: Instant) -> Windows:
        rules = self.rules
        return excusing(rules.windows, rules.exclusions, rules.policy, start, end)


def _inside(spans: Spans, start: Instant, end: Instant) -> Duration:
    return total((max(s, start), min(e, end)) for s, e in spans if s < end and start < e)


def _suspect(service: Service, views: Views, evaluated: Span) -> tuple[str, ...]:
    """Targets whose undecided row makes a part of E possibly down."""
    rows = [(leaf, views(leaf).suspect) for leaf in service.leaves()]
    return tuple(leaf for leaf, row in rows if row and row[0] < evaluated[1] and evaluated[0] < row[1])


def _blips(service: Service, views: Views, evaluated: Span) -> tuple[int, Duration]:
    """Blips of counting targets whose first `down` lies in E, in full (R9)."""
    found = [
        blip.end - blip.start
        for leaf in service.leaves()
        for blip in views(leaf).blips
        if evaluated[0] <= blip.start < evaluated[1]
    ]
    return len(found), sum(found)
