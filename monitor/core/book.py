"""The account of all targets and services: checks go in, figures come out.

The daemon, `replay` and `verify` use this one path. `record` takes checks in the order of their instants per target
and returns what has become final; `figures` evaluates a month as seen from a horizon.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from monitor.core.account import Account, Horizon
from monitor.core.calendar import Month
from monitor.core.check import Check
from monitor.core.events import Event
from monitor.core.history import View
from monitor.core.instants import HOUR, Instant
from monitor.core.intervals import Span, Spans, normal
from monitor.core.kept import Kept
from monitor.core.maintenance import Exclusion, Window, excusing
from monitor.core.month import Figures, Sums, sums, weighted
from monitor.core.outages import ServiceOutage, counted, outages, start_of
from monitor.core.rules import Epochs, Rules, TargetRule
from monitor.core.service import Service, Sets, Views, Windows, evaluate, windows_of
from monitor.core.timeline import Timeline

_FAR = 2**60  # microseconds: farther than any outage reaches
FiguresOf = Callable[[str], Figures]
Members = FiguresOf | None


class Book:
    def __init__(
        self, rules: Rules | Epochs, windows: Sequence[Window] = (), exclusions: Sequence[Exclusion] = ()
    ) -> None:
        self.epochs = rules if isinstance(rules, Epochs) else Epochs.of(rules)
        self.windows = windows
        self.exclusions = exclusions
        self.accounts: dict[str, Account] = {}
        self._kept: dict[tuple[str, Month], Kept] = {}
        for one in self.epochs.rules:
            self._open_accounts(one)

    @property
    def rules(self) -> Rules:
        """The rules in force now."""
        return self.epochs.current

    def present(self, now: Instant) -> Instant:
        """The present of the accounts: now, but never before a check that is recorded, however the clock was set."""
        recorded = (account.newest for account in self.accounts.values())
        return max([now, *(instant for instant in recorded if instant is not None)])

    def change_rules(self, now: Instant, rules: Rules) -> Instant:
        """From now on other rules are in force (R7); returns since when.

        Where the clock was set back that is later than `now`: what is recorded stays judged by the rules before.
        """
        start = max(now, self.present(now - 1) + 1, self.epochs.starts[-1] + 1)
        self.epochs = self.epochs.plus(start, rules)
        self._open_accounts(rules)
        return start

    def record(self, target: str, check: Check) -> list[Event]:
        """Take a check and return the target's events that have become final.

        Raises ValueError where the check speaks and lies before one already recorded; KeyError where the target
        is not configured.
        """
        account = self.accounts[target]
        account.seen(check.at)
        rule = self.epochs.at(check.at).targets.get(target)
        events = account.timeline.feed(check, (rule.confirm, rule.recover) if rule else None)
        account.history.add(events)
        return events

    def since(self, service: Service) -> Instant | None:
        """When the service is accounted for from: its own setting, else its first recorded check (R8)."""
        if service.since is not None:
            return service.since
        firsts = [self.accounts[leaf].first for leaf in self.leaves(service.name)]
        return min((first for first in firsts if first is not None), default=None)

    def figures(self, name: str, month: Month, horizon: Horizon, members: Members = None) -> Figures:
        """A month's figures with its outages (R8, R9, R10); `members` where somebody has theirs."""
        evaluated, plain = self.bounds(name, month, horizon)
        sets, found, views, windows = self._around(name, evaluated, horizon)
        own = windows_of(name, windows)
        leaves = self.leaves(name) if evaluated[0] < evaluated[1] else []
        of_member = members or (lambda one: self.figures(one, month, horizon))
        return replace(
            plain,
            sums=sums(sets, own, *evaluated),
            blips=self._blips(name, views, evaluated),
            suspect=_suspect(leaves, views, evaluated),
            outages=tuple(outages(name, leaves, found, sets, own, views, evaluated)),
            availability_weighted=self._weighted(name, month, horizon, of_member),
        )

    def running(self, name: str, month: Month, horizon: Horizon, reached: Instant, members: Members = None) -> Figures:
        """The same without the outages, at a cost that does not grow with the month: what is final is kept added up.

        No check before `reached` may come any more; neither it nor the horizon goes back. `members` as above.
        """
        (begin, until), plain = self.bounds(name, month, horizon)
        anchors = (self.accounts[leaf].timeline.anchor(reached) for leaf in self.leaves(name))
        anchor = max(begin, min([until, *anchors]))
        kept = self._kept.get((name, month))
        declared = self.windows, self.exclusions, self.epochs
        if kept is None or not kept.holds(begin, *declared):
            kept = Kept(begin, begin, Sums(), (0, 0), *declared)
        if anchor > kept.up_to:
            kept = kept.plus(anchor, *self._measured(name, (kept.up_to, anchor), horizon)[:2])
        self._kept[name, month] = kept
        late, blips, suspect = self._measured(name, (kept.up_to, until), horizon)
        of_member = members or (lambda one: self.running(one, month, horizon, reached))
        return replace(
            plain,
            sums=kept.sums + late,
            blips=(kept.blips[0] + blips[0], kept.blips[1] + blips[1]),
            suspect=suspect,
            availability_weighted=self._weighted(name, month, horizon, of_member),
        )

    def _weighted(self, name: str, month: Month, horizon: Horizon, figures: FiguresOf) -> Fraction | None:
        """Availability by the accounts of its members (R6), where it has members that are services of their own."""
        rules = self.knowing(name, month, horizon)
        members = rules.services[name].members
        if not members or any(one.name not in rules.services for one in members):
            return None
        start, end = month.span(self.rules.zone)
        return weighted([(figures(one.name).sums.downtime, one.accounts) for one in members], end - start)

    def _measured(self, name: str, span: Span, horizon: Horizon) -> tuple[Sums, tuple[int, int], tuple[str, ...]]:
        """The measures, blips and suspects of a stretch."""
        if span[0] >= span[1]:
            return Sums(), (0, 0), ()
        views = self._views(*span, horizon)
        measured = sums(*self.evaluated(name, span, horizon), *span)
        return measured, self._blips(name, views, span), _suspect(self.leaves(name), views, span)

    def bounds(self, name: str, month: Month, horizon: Horizon) -> tuple[Span, Figures]:
        """E, and the figures before anything is measured."""
        start, end = month.span(self.rules.zone)
        rules = self.knowing(name, month, horizon)
        service = rules.services[name]
        until = min(end, horizon.at if horizon.now else end, *([service.until] if service.until is not None else []))
        since = self.since(service)
        begin = max(start, since) if since is not None else until
        empty = since is None or begin >= until
        return (until, until) if empty else (begin, until), Figures(
            service=name,
            month=month,
            total=end - start,
            since=None if empty else begin,
            until=None if empty else until,
            provisional=horizon.now and horizon.at < end,
            sums=Sums(),
            objectives=rules.objectives[name],
            blips=(0, 0),
            suspect=(),
            outages=(),
        )

    def knowing(self, name: str, month: Month, horizon: Horizon) -> Rules:
        """The rules at the end of what is looked at of a month; else the newest later ones that know the service."""
        end = month.span(self.rules.zone)[1]
        at = (min(end, horizon.at) if horizon.now else end) - 1
        then, rules = self.epochs.at(at), zip(self.epochs.starts, self.epochs.rules, strict=True)
        later = [one for start, one in rules if start > at and name in one.services]
        return then if name in then.services or not later else later[-1]

    def outage(self, identity: str, horizon: Horizon) -> ServiceOutage | None:
        """The outage of an id, if there is one."""
        name, start = start_of(identity) or ("", 0)
        month = Month.of(start, self.rules.zone)
        if name not in self.knowing(name, month, horizon).services:
            return None
        return next((one for one in self.figures(name, month, horizon).outages if one.start == start), None)

    def evaluated(self, name: str, span: Span, horizon: Horizon) -> tuple[Sets, Spans]:
        """What is down and unknown in a span, clipped to it, and the windows on the service itself."""
        views, windows = self._views(*span, horizon), self._windows(*span)
        return self._sets(name, *span, views, windows)[0], windows_of(name, windows)

    def down_since(self, name: str, horizon: Horizon) -> Instant | None:
        """The start of the outage that goes on at the horizon; None where none does."""
        if not self._down(name, horizon.at - 1, horizon.at, horizon):
            return None
        return self._start_before(name, horizon.at, horizon, reached=True)

    def counted(self, name: str, span: Span, horizon: Horizon) -> Spans:
        """The downtime inside a span, what is excused taken out."""
        sets, own = self.evaluated(name, span, horizon)
        return counted(sets.kept_down, own, *span)

    def sums(self, name: str, start: Instant, end: Instant, horizon: Horizon) -> Sums:
        """The measures of `[start, end)` alone; those of neighbouring stretches add up."""
        return sums(*self.evaluated(name, (start, end), horizon), start, end)

    def _open_accounts(self, rules: Rules) -> None:
        for name, rule in rules.targets.items():
            if name not in self.accounts:
                self.accounts[name] = Account(Timeline(rule.confirm, rule.recover))

    def leaves(self, name: str) -> list[str]:
        """The counting targets of a service, in any epoch."""
        found = (rules.services[name].leaves() for rules in self.epochs.rules if name in rules.services)
        return list(dict.fromkeys(leaf for leaves in found for leaf in leaves))

    def _around(self, name: str, span: Span, horizon: Horizon) -> tuple[Sets, list[Span], Views, Windows]:
        """Evaluate a span, widened so that the outages that go over its ends are whole."""
        start, end = span
        if start < end:
            start, end = self._start_before(name, start, horizon), self._end_after(name, end, horizon)
        views, windows = self._views(start, end, horizon), self._windows(start, end)
        return *self._sets(name, start, end, views, windows), views, windows

    def _start_before(self, name: str, edge: Instant, horizon: Horizon, *, reached: bool = False) -> Instant:
        """The start of the outage that goes over an instant, or reaches it; the instant itself where none does."""
        reach = HOUR
        while True:
            down = self._down(name, edge - reach, edge + 1, horizon)
            over = [start for start, end in down if start < edge < end or (reached and end == edge)]
            if not over or over[0] > edge - reach or reach > _FAR:
                return over[0] if over else edge
            reach *= 8

    def _end_after(self, name: str, edge: Instant, horizon: Horizon) -> Instant:
        """The end of the outage that goes over an instant; the instant itself where none does."""
        reach = HOUR
        while True:
            down = self._down(name, edge - 1, edge + reach, horizon)
            over = [end for start, end in down if start < edge < end]
            if not over or over[0] < edge + reach or reach > _FAR:
                return over[0] if over else edge
            reach *= 8

    def _down(self, name: str, start: Instant, end: Instant, horizon: Horizon) -> Spans:
        return self._sets(name, start, end, self._views(start, end, horizon), {})[0].down

    def _sets(self, name: str, start: Instant, end: Instant, views: Views, windows: Windows) -> tuple[Sets, list[Span]]:
        """The service over a stretch, and the stretches of its outages, each piece by the rules in force then (R7)."""
        pieces = [
            (first, last, evaluate(rules.services[name], views, windows))
            for first, last, rules in self.epochs.pieces(start, end)
            if name in rules.services
        ]
        if len(pieces) == 1 and pieces[0][:2] == (start, end):
            return pieces[0][2]
        joined = Sets.joined([(evaluated[0].clipped(first, last)) for first, last, evaluated in pieces])
        unseen = [(first, last) for first, last, rules in self.epochs.pieces(start, end) if name not in rules.services]
        found = [
            (max(span[0], first), min(span[1], last))
            for first, last, evaluated in pieces
            for span in evaluated[1]
            if span[0] < last and first < span[1]
        ]
        return replace(
            joined,
            unknown=normal([*joined.unknown, *unseen]),
            possibly=normal([*joined.possibly, *unseen]),
            kept_possibly=normal([*joined.kept_possibly, *unseen]),
        ), found

    def _blips(self, name: str, views: Views, evaluated: Span) -> tuple[int, int]:
        """Blips of counting targets whose first `down` lies in E, in full (R9)."""
        found = [
            blip.end - blip.start
            for first, last, rules in self.epochs.pieces(*evaluated)
            if name in rules.services
            for leaf in rules.services[name].leaves()
            for blip in views(leaf).blips
            if first <= blip.start < last
        ]
        return len(found), sum(found)

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
        return excusing(self.windows, self.exclusions, lambda at: self.epochs.at(at).policy, start, end)


def _suspect(leaves: Sequence[str], views: Views, evaluated: Span) -> tuple[str, ...]:
    """Targets whose undecided row makes a part of E possibly down."""
    rows = [(leaf, views(leaf).suspect) for leaf in leaves]
    return tuple(leaf for leaf, row in rows if row and row[0] < evaluated[1] and evaluated[0] < row[1])


__all__ = ["Account", "Book", "Epochs", "Horizon", "Rules", "TargetRule"]
