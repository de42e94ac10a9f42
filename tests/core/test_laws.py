"""The program's accounting against the oracle, and laws that hold whatever the checks were."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import groupby, pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from monitor.core.book import Book, Horizon, Rules, TargetRule
from monitor.core.calendar import Month
from monitor.core.check import Check, Outcome
from monitor.core.history import History
from monitor.core.instants import HOUR, from_datetime
from monitor.core.maintenance import Amendment, Policy, Window, judge
from monitor.core.month import Objectives, Sums
from monitor.core.service import Service
from monitor.core.timeline import Timeline
from tests.core import oracle
from tests.core.oracle import OCheck, OService, OTarget, OView, OWindow
from tests.core.oracle_maintenance import OOccurrence, OPolicy, excusing
from tests.core.strategies import (
    LATEST,
    NOVEMBER,
    START,
    Axis,
    Lie,
    OCase,
    book_of,
    cases,
    check_of,
    expected,
    figures_of,
    in_oracle_terms,
    lies,
    occurrences,
    policies,
    series,
    service_of,
    targets,
    targets_of,
)

ZONES = [
    "Asia/Bangkok", "UTC", "Europe/Berlin", "America/New_York", "America/Havana", "America/Santiago",
    "Africa/Cairo", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia",
]  # fmt: skip
SMALL = Axis(START, 1)


def one(checks: str, view: OView, confirm: int = 1, recover: int = 1) -> OCase:
    """One target whose voices last one cell; `0u 2d.0` is an `up` at 0, and a `down` at 2 without a voice."""
    said = []
    for word in checks.split():
        head, _, voice = word.partition(".")
        said.append(OCheck(int(head[:-1]), {"u": "up", "d": "down"}[head[-1]], voice=int(voice or 1)))
    return OCase(OService("s", targets={"t": OTarget(confirm, recover, 1)}), {"s/t": said}, [], view)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(one("0u", OView(0, 1, 1)), id="no outage at all"),
        pytest.param(one("0d.3", OView(0, 1, 1)), id="nothing is ongoing at the end of a month that is over"),
        pytest.param(one("0d 2d", OView(0, 4, 4)), id="two outages with silence between and after them"),
        pytest.param(one("0u 1d.0", OView(0, 1, 1)), id="a voice of nothing makes no outage"),
        pytest.param(one("0d 1d.0", OView(0, 1, 1)), id="a check at an outage's end does not stand in it"),
        pytest.param(one("0u 1u 2d", OView(0, 1, 1), 2), id="a suspect row of another month is not of this one"),
        pytest.param(one("0d.2", OView(0, 1, 1, since=1), 2), id="nobody is suspect where E is empty"),
        pytest.param(one("0d 2d.0", OView(0, 2, 2)), id="a voice of nothing is no neighbouring outage"),
    ],
)
def test_a_case_that_was_once_read_otherwise_is_the_oracles(case: OCase) -> None:
    axis, found = figures_of(case, Lie(at_end=False, step=1))
    assert in_oracle_terms(axis, found) == expected(case)


@settings(max_examples=4 * settings().max_examples, deadline=None)
@given(cases(), lies, st.integers(0, 20))
def test_every_figure_is_the_oracles(case: OCase, lie: Lie, budget: int) -> None:
    axis, found = figures_of(case, lie, budget)
    assert in_oracle_terms(axis, found) == expected(case)
    assert found.verdict == oracle.verdict(expected(case), Fraction(budget))


@given(occurrences(), policies)
def test_an_occurrence_excuses_what_the_oracle_says(occurrence: OOccurrence, policy: OPolicy) -> None:
    amendments = [Amendment(at, end) for at, end in occurrence.shortened]
    if occurrence.cancelled_at is not None:
        amendments.append(Amendment(occurrence.cancelled_at, occurrence.cancelled_at))
    planned = (occurrence.start, occurrence.end)
    window = Window(
        "w", (), *planned, "patching", "ops",
        declared=occurrence.declared,
        approved_by="head" if occurrence.approved else "ops",
        amendments=tuple(amendments),
    )  # fmt: skip
    found = judge(window, planned, Policy(policy.notice, late_excuses=policy.late == "excuse"))
    assert list(range(*(found.excused or (0, 0)))) == excusing(occurrence, policy)


@given(cases(), lies)
def test_measures_make_up_the_whole_and_keep_their_order(case: OCase, lie: Lie) -> None:
    _, found = figures_of(case, lie)
    sums = found.sums
    assert sums.up + sums.downtime + sums.excused + sums.unknown == sums.length
    assert 0 <= sums.certainly <= sums.downtime <= sums.possibly <= sums.length
    assert 0 <= found.availability_lower <= found.availability <= found.availability_upper <= 100
    assert all(0 <= o.min_seconds <= o.seconds <= o.max_seconds for o in found.outages)
    assert sum(o.seconds for o in found.outages) == sums.downtime + sums.excused
    assert sum(o.excused_seconds for o in found.outages) == sums.excused


@given(cases(), lies, st.randoms(use_true_random=False))
def test_neither_the_order_of_reading_nor_duplicates_change_a_figure(case: OCase, lie: Lie, random: Random) -> None:
    shuffled = {path: random.sample([*checks, *checks], 2 * len(checks)) for path, checks in case.checks.items()}
    assert figures_of(replace(case, checks=shuffled), lie) == figures_of(case, lie)


def in_order(checks: list[OCheck], target: OTarget) -> list[Check]:
    return [check_of(check, target, SMALL) for check in sorted(checks, key=lambda check: check.at)]


@given(target=targets, checks=series, horizon=st.integers(0, LATEST + 20), clip=st.booleans())
def test_a_timeline_interrupted_everywhere_is_the_timeline_never_interrupted(
    *, target: OTarget, checks: list[OCheck], horizon: int, clip: bool
) -> None:
    whole, broken = (Timeline(target.confirm, target.recover) for _ in range(2))
    for check in in_order([c for c in checks if not clip or c.at < horizon], target):
        broken = Timeline.restore(json.loads(json.dumps(broken.dump())))
        assert broken.feed(check) == whole.feed(check)
    at = SMALL.instant(horizon)
    assert broken.tail(at, clip=clip) == whole.tail(at, clip=clip)


@given(targets, series)
def test_what_is_settled_never_changes_and_the_settled_instant_never_moves_back(
    target: OTarget, checks: list[OCheck]
) -> None:
    timeline, history = Timeline(target.confirm, target.recover), History()
    told = [check for check in in_order(checks, target) if check.heard]
    end = SMALL.instant(LATEST + 20)
    seen = []
    for check, reached in zip(told, [*(check.at for check in told[1:]), end], strict=False):
        history.add(timeline.feed(check))
        settled = timeline.settled(reached)
        view = history.view(timeline, SMALL.zero, settled, horizon=reached, clip_voices=True)
        seen.append((settled, view.down, view.unknown))
    assert all(earlier[0] <= later[0] for earlier, later in pairwise(seen))
    for settled, down, unknown in seen:
        view = history.view(timeline, SMALL.zero, settled, horizon=end, clip_voices=True)
        assert (view.down, view.unknown) == (down, unknown)


def test_a_check_that_may_still_lose_a_tie_settles_nothing() -> None:
    timeline = Timeline(confirm=2, recover=1)
    timeline.feed(Check(5, Outcome.DOWN, 0, 10))
    timeline.feed(Check(8, Outcome.UP, 0, 10))
    assert timeline.settled(8) == 5  # a `down` at 8 would beat the `up` and make an outage of the row
    assert timeline.settled(9) == 9


@given(cases(), lies, occurrences())
def test_one_more_window_never_raises_what_is_counted(case: OCase, lie: Lie, more: OOccurrence) -> None:
    window = OWindow(more.start, more.end, (next(iter(case.checks)),))
    _, before = figures_of(case, lie)
    _, after = figures_of(replace(case, windows=[*case.windows, window]), lie)
    assert after.sums.downtime + after.sums.excused == before.sums.downtime + before.sums.excused
    assert after.sums.downtime <= before.sums.downtime
    assert after.sums.possibly <= before.sums.possibly
    assert after.sums.certainly <= before.sums.certainly


@given(cases(), lies, st.data())
def test_a_check_that_failed_instead_never_raises_the_availability(case: OCase, lie: Lie, data: st.DataObject) -> None:
    """Of an instant with one speaking check only; the bounds may move either way, by the durations."""
    path = data.draw(st.sampled_from(sorted(case.checks)))
    checks = list(case.checks[path])
    alone = [
        number
        for number, check in enumerate(checks)
        if check.speaks and check.outcome == "up" and [c.at for c in checks].count(check.at) == 1
    ]
    assume(alone)
    number = data.draw(st.sampled_from(alone))
    checks[number] = replace(checks[number], outcome="down")
    _, before = figures_of(case, lie)
    _, after = figures_of(replace(case, checks={**case.checks, path: checks}), lie)
    assert after.availability <= before.availability
    assert after.sums.unknown <= before.sums.unknown + before.sums.up


@given(cases(), st.lists(st.integers(0, LATEST + 20), min_size=2, max_size=5))
def test_the_measures_of_neighbouring_stretches_add_up(case: OCase, edges: list[int]) -> None:
    book = book_of(case, SMALL, budget=5, service=service_of(case.service))
    horizon = Horizon(SMALL.instant(case.view.horizon), now=case.view.clip)
    instants = [SMALL.instant(edge) for edge in sorted(edges)]
    parts = [book.sums("s", start, end, horizon) for start, end in pairwise(instants)]
    assert sum(parts, Sums()) == book.sums("s", instants[0], instants[-1], horizon)


@given(cases(), st.integers(1, LATEST))
def test_neighbouring_months_add_up_though_each_is_looked_at_up_to_its_own_end(case: OCase, turn: int) -> None:
    axis = Axis(START - turn, 1)
    whole = replace(case, view=OView(0, LATEST + 20, LATEST + 20))
    book = book_of(whole, axis, budget=5, service=replace(service_of(case.service), until=axis.instant(LATEST + 20)))
    first = book.figures("s", NOVEMBER.plus(-1), Horizon(START, now=False)).sums
    second = book.figures("s", NOVEMBER, Horizon(axis.instant(LATEST + 20), now=False)).sums
    both = oracle.figures(case.service, case.checks, case.windows, whole.view)
    assert first.up + second.up == both["up"]
    assert first.downtime + second.downtime == both["downtime"]
    assert first.excused + second.excused == both["excused"]
    assert first.unknown + second.unknown == both["unknown"]


@pytest.mark.parametrize("key", ZONES)
def test_days_make_up_the_month_and_months_the_year(key: str) -> None:
    zone = ZoneInfo(key)
    months = [Month(2011, number) for number in range(1, 13)]  # the year in which Apia had no 30 December
    first, last = months[0].start(zone), Month(2012, 1).start(zone)
    service = Service("s", 1, ("s/t",))
    objectives = {"s": Objectives(Fraction(995, 10), 216 * 60 * 10**6)}
    book = Book(Rules(zone, {"s/t": TargetRule(3, 2, 8 * HOUR)}, {"s": service}, objectives))
    for number, instant in enumerate(range(first, last, 7 * HOUR)):
        book.record("s/t", Check(instant, Outcome.DOWN if number % 29 < 5 else Outcome.UP, 0, (number % 8 + 1) * HOUR))
    horizon = Horizon(last, now=False)
    for month in months:
        days = [datetime(month.year, month.number, 1) + timedelta(days=day) for day in range(32)]  # noqa: DTZ001
        starts = [from_datetime(day.replace(tzinfo=zone)) for day in days if day.month == month.number]
        parts = [book.sums("s", *pair, horizon) for pair in pairwise([*starts, month.span(zone)[1]])]
        assert sum(parts, Sums()) == book.figures("s", month, horizon).sums
        assert Month.of(month.start(zone), zone) == month == Month.of(month.span(zone)[1] - 1, zone)
    year = book.sums("s", first, last, horizon)
    assert sum((book.figures("s", month, horizon).sums for month in months), Sums()) == year
    assert year.length == last - first


@settings(max_examples=300, deadline=None)
@given(cases())
def test_figures_kept_added_up_are_those_evaluated_anew(case: OCase) -> None:
    """At every instant `Book.running` says what `Book.figures` says."""
    axis = Lie(at_end=False, step=1).axis(case.view)
    service = service_of(case.service)
    book = book_of(replace(case, checks={}), axis, budget=5, service=service)
    own = targets_of(case.service)
    fed = [(found, path) for path, ones in case.checks.items() for found in ones if found.speaks]
    for at, together in groupby(sorted(fed, key=lambda one: one[0].at), key=lambda one: one[0].at):
        for found, path in together:
            book.record(path, check_of(found, own[path], axis))
        now = axis.instant(at + 1)
        kept = book.running("s", NOVEMBER, Horizon(now, now=True), now)
        anew = book.figures("s", NOVEMBER, Horizon(now, now=True))
        assert kept == replace(anew, outages=())
