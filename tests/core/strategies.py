"""What Hypothesis feeds to the accounting, and how the program is given it.

Cases are small, reach every rule and shrink well. The small axis is laid into a real month, once with the first
instant looked at as the month's beginning and once with the last as its end, in steps of a microsecond or six hours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from monitor.core.book import Book, Horizon, Rules, TargetRule
from monitor.core.calendar import Month
from monitor.core.check import Check, Outcome
from monitor.core.instants import HOUR
from monitor.core.maintenance import Window
from monitor.core.month import Figures, Objectives
from monitor.core.service import Service
from tests.core import oracle
from tests.core.oracle import OCheck, OService, OTarget, OView, OWindow
from tests.core.oracle_maintenance import OOccurrence, OPolicy

LATEST = 60


@dataclass(frozen=True)
class OCase:
    service: OService
    checks: Mapping[str, Sequence[OCheck]]
    windows: Sequence[OWindow]
    view: OView


details = st.builds(
    OCheck,
    at=st.just(0),
    outcome=st.sampled_from(["up", "down", "up", "down", "unknown"]),
    duration=st.just(0) | st.integers(0, 6),
    voice=st.none() | st.integers(0, 12),
    speaks=st.sampled_from([True, True, True, False]),
)


def paced(steps: Sequence[tuple[int, OCheck]]) -> list[OCheck]:
    """The checks one after the other, each so long after the one before it."""
    instants = accumulate(step for step, _ in steps)
    return [replace(check, at=at) for at, (_, check) in zip(instants, steps, strict=True) if at <= LATEST]


def with_twins(found: tuple[list[OCheck], list[int]]) -> list[OCheck]:
    """Some of the checks once more: exact duplicates."""
    checks, twins = found
    return checks + [checks[twin] for twin in twins if twin < len(checks)]


in_pace = st.lists(st.tuples(st.integers(0, 6), details), max_size=24).map(paced)
anywhere = st.lists(st.builds(lambda at, check: replace(check, at=at), st.integers(0, LATEST), details), max_size=12)
series = st.tuples(in_pace | anywhere, st.lists(st.integers(0, 12), max_size=2)).map(with_twins)

targets = st.builds(
    OTarget,
    confirm=st.integers(1, 3),
    recover=st.integers(1, 3),
    stale_after=st.integers(1, 12),
    counts=st.sampled_from([True, True, True, False]),
)


@st.composite
def flat_services(draw: st.DrawFn, name: str = "s") -> OService:
    """A service of one to three targets, the first of which counts so that a rule is possible."""
    found = draw(st.lists(targets, min_size=1, max_size=3))
    found[0] = replace(found[0], counts=True)
    rule = draw(st.integers(1, sum(target.counts for target in found)))
    return OService(name, rule, {f"t{number}": target for number, target in enumerate(found, 1)})


@st.composite
def nested_services(draw: st.DrawFn) -> OService:
    members = [draw(flat_services(f"m{number}")) for number in range(1, draw(st.integers(1, 2)) + 1)]
    return OService("s", draw(st.integers(1, len(members))), {}, tuple(members))


@st.composite
def using(draw: st.DrawFn, service: OService, other: OService) -> OService:
    """The service with some of another's targets among its own, each counting or not as it says."""
    names = draw(st.lists(st.sampled_from(sorted(other.targets)), min_size=1, unique=True))
    uses = {f"{other.name}/{name}": replace(other.targets[name], counts=draw(st.booleans())) for name in names}
    counting = [target for target in (*service.targets.values(), *uses.values()) if target.counts]
    return replace(service, uses=uses, rule=draw(st.integers(1, len(counting))))


@st.composite
def sharing_services(draw: st.DrawFn) -> OService:
    """A service that uses targets of one that is no part of it, or members of which one uses those of the other."""
    other = draw(flat_services("m1"))
    if draw(st.booleans()):
        return draw(using(draw(flat_services()), other))
    return OService("s", draw(st.integers(1, 2)), {}, (other, draw(using(draw(flat_services("m2")), other))))


services = flat_services() | nested_services() | sharing_services()


def paths(service: OService) -> list[str]:
    """Every target, those that do not count included."""
    own = [*(f"{service.name}/{name}" for name in service.targets), *service.uses]
    return list(dict.fromkeys(own + [path for member in service.members for path in paths(member)]))


def scopes(service: OService) -> list[str]:
    return [service.name, *(member.name for member in service.members), *paths(service)]


def windows_of(service: OService) -> st.SearchStrategy[list[OWindow]]:
    scope = st.lists(st.sampled_from(scopes(service)), max_size=2, unique=True).map(tuple)
    window = st.builds(
        lambda start, length, scope: OWindow(start, start + length, scope),
        st.integers(0, LATEST),
        st.integers(1, 20),
        scope,
    )
    return st.lists(window, max_size=3)


@st.composite
def views(draw: st.DrawFn) -> OView:
    """A month inside or around the checks, seen at its end, or at any instant with `clip`."""
    start = draw(st.integers(0, 40))
    end = start + draw(st.integers(1, 40))
    clip = draw(st.booleans())
    edge = st.none() | st.integers(0, LATEST)
    return OView(
        start=start,
        end=end,
        horizon=draw(st.integers(1, LATEST + 20)) if clip else end,
        clip=clip,
        since=draw(edge),
        until=draw(edge),
    )


@st.composite
def cases(draw: st.DrawFn) -> OCase:
    service = draw(services)
    checks = {path: draw(series) for path in paths(service)}
    return OCase(service, checks, draw(windows_of(service)), draw(views()))


policies = st.builds(OPolicy, notice=st.integers(0, 10), late=st.sampled_from(["excuse", "refuse"]))


@st.composite
def occurrences(draw: st.DrawFn) -> OOccurrence:
    start = draw(st.integers(0, 20))
    instant = st.integers(0, 40)
    return OOccurrence(
        start=start,
        end=start + draw(st.integers(1, 15)),
        declared=draw(st.none() | instant),
        approved=draw(st.booleans()),
        cancelled_at=draw(st.none() | instant),
        shortened=tuple(draw(st.lists(st.tuples(instant, instant), max_size=2))),
    )


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
    own += tuple(path for path, target in found.uses.items() if target.counts)
    return Service(found.name, found.rule, own, tuple(service_of(member) for member in found.members))


def targets_of(found: OService) -> dict[str, OTarget]:
    own = {**{f"{found.name}/{name}": target for name, target in found.targets.items()}, **found.uses}
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
    )
    book = Book(rules, [window_of(window, axis) for window in case.windows])
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
        return cells(instant - axis.zero)

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
