"""The program's accounting against the oracle, and laws that hold whatever the checks were.

The small axis of the oracle is laid into a real month, once with its first instant at the month's beginning and
once with its last at the month's end, in steps of a microsecond or of six hours.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.book import Book, Horizon, Rules, TargetRule
from monitor.core.calendar import Month
from monitor.core.check import Check, Outcome
from monitor.core.instants import DAY, HOUR
from monitor.core.maintenance import Amendment, Policy, Window, judge
from monitor.core.month import Figures, Objectives, Sums
from monitor.core.service import Service
from monitor.core.timeline import Blip, Event, Gap, Outage, Timeline
from tests.core import oracle
from tests.core.oracle import OCheck, OService, OTarget, OView, OWindow
from tests.core.oracle_maintenance import OOccurrence, OPolicy, excusing
from tests.core.strategies import LATEST, OCase, cases, occurrences, policies, series, targets

BANGKOK = ZoneInfo("Asia/Bangkok")
NOVEMBER = Month(2026, 11)
START, END = NOVEMBER.span(BANGKOK)


@dataclass(frozen=True)
class Axis:
    """Where the small integers lie: `zero` is the instant of 0, `step` the length of a cell."""

    zero: int
    step: int

    def instant(self, small: int) -> int:
        return self.zero + small * self.step


@dataclass(frozen=True)
class Lie:
    at_end: bool
    step: int

    def axis(self, view: OView) -> Axis:
        anchor, small = (END, view.end) if self.at_end else (START, view.start)
        return Axis(anchor - small * self.step, self.step)


lies = st.builds(Lie, at_end=st.booleans(), step=st.sampled_from([1, 6 * HOUR]))


def check_of(found: OCheck, target: OTarget, axis: Axis) -> Check:
    voice = target.stale_after if found.voice is None else found.voice
    return Check(
        axis.instant(found.at),
        Outcome(found.outcome),
        found.duration * axis.step,
        voice * axis.step,
        speaks=found.speaks,
    )


def service_of(found: OService) -> Service:
    own = tuple(f"{found.name}/{name}" for name, target in found.targets.items() if target.counts)
    return Service(found.name, found.rule, own, tuple(service_of(member) for member in found.members))


def targets_of(found: OService) -> dict[str, OTarget]:
    own = {f"{found.name}/{name}": target for name, target in found.targets.items()}
    for member in found.members:
        own |= targets_of(member)
    return own


def window_of(found: OWindow, axis: Axis) -> Window:
    return Window("w", found.scope, axis.instant(found.start), axis.instant(found.end), "patching", "ops")


def book_of(case: OCase, axis: Axis, *, budget: int, service: Service) -> Book:
    """The checks recorded as the daemon or `replay` would have them at the horizon."""
    own = targets_of(case.service)
    rules = Rules(
        zone=BANGKOK,
        targets={path: TargetRule(t.confirm, t.recover, t.stale_after * axis.step) for path, t in own.items()},
        services={service.name: service},
        objectives={service.name: Objectives(Fraction(0), budget * axis.step)},
        windows=[window_of(window, axis) for window in case.windows],
    )
    book = Book(rules)
    for path, checks in case.checks.items():
        for found in sorted(oracle.looked_at(checks, case.view), key=lambda check: check.at):
            book.record(path, check_of(found, own[path], axis))
    return book


def figures_of(case: OCase, lie: Lie, budget: int = 5) -> tuple[Axis, Figures]:
    """The program's figures; what the month does not bound is bounded by the service's own since and until."""
    view, axis = case.view, lie.axis(case.view)
    since, until = view.since, view.until
    if lie.at_end:
        first = oracle.evaluated(case.service, case.checks, view)
        since = max(view.start, min(first, default=view.end) if since is None else since)
    else:
        until = view.end if until is None else min(view.end, until)
    service = replace(
        service_of(case.service),
        since=None if since is None else axis.instant(since),
        until=None if until is None else axis.instant(until),
    )
    book = book_of(case, axis, budget=budget, service=service)
    return axis, book.figures("s", NOVEMBER, Horizon(axis.instant(view.horizon), now=view.clip))


def in_oracle_terms(axis: Axis, found: Figures) -> oracle.Figures:
    def small(instant: int) -> Fraction:
        return Fraction(instant - axis.zero, axis.step)

    def cells(duration: int) -> Fraction:
        return Fraction(duration, axis.step)

    return {
        "gross": cells(found.sums.downtime + found.sums.excused),
        "excused": cells(found.sums.excused),
        "downtime": cells(found.sums.downtime),
        "unknown": cells(found.sums.unknown),
        "up": cells(found.sums.up),
        "elapsed": cells(found.sums.length),
        "coverage": found.coverage,
        "possibly_counted": cells(found.sums.possibly),
        "certainly_counted": cells(found.sums.certainly),
        "blips": {"count": found.blips[0], "seconds": cells(found.blips[1])},
        "suspect": sorted(found.suspect),
        "outages": [
            {
                "start": small(outage.start),
                "end": None if outage.ongoing else small(outage.end),
                "ongoing": outage.ongoing,
                "seconds": cells(outage.seconds),
                "min": cells(outage.min_seconds),
                "max": cells(outage.max_seconds),
                "excused": cells(outage.excused_seconds),
            }
            for outage in found.outages
        ],
        "since": None if found.since is None else small(found.since),
        "until": None if found.until is None else small(found.until),
    }


def expected(case: OCase) -> oracle.Figures:
    found = oracle.figures(case.service, case.checks, case.windows, case.view)
    return {key: value for key, value in found.items() if key != "total"}


@given(cases(), lies, st.integers(0, 20))
def test_every_figure_is_the_oracles(case: OCase, lie: Lie, budget: int) -> None:
    axis, found = figures_of(case, lie, budget)
    assert in_oracle_terms(axis, found) == expected(case)
    assert found.verdict == oracle.verdict(expected(case), Fraction(budget))
