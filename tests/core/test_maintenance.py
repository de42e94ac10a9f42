"""Which spans declared windows and exclusions excuse (R13, R14, R15): by hand, and against the oracle."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.instants import DAY, HOUR
from monitor.core.intervals import Span
from monitor.core.maintenance import (
    Amendment,
    Exclusion,
    Outlook,
    Policy,
    Window,
    excusing,
    judge,
    outlook,
    together,
)  # fmt: skip
from monitor.core.recurrence import Recurrence
from monitor.core.service import EVERYTHING
from tests.core import oracle_maintenance
from tests.core.oracle_maintenance import OOccurrence, OPolicy
from tests.core.strategies import occurrences, policies
from tests.core.worked import ZONE, at

STRICT = Policy(notice=5, late_excuses=False)
LENIENT = Policy(notice=5)


def window(
    declared: int | None, approved_by: str | None = None, *amendments: Amendment, scope: tuple[str, ...] = ()
) -> Window:
    return Window("w", scope, 10, 20, "patching", "ops", None, declared, approved_by, amendments)


def exclusion(start: int, end: int, approved_by: str | None, scope: tuple[str, ...] = ()) -> Exclusion:
    return Exclusion("x", scope, start, end, "customer", "ticket 7", "ops", approved_by)


@pytest.mark.parametrize(
    ("declared", "late", "retroactive", "lenient", "strict"),
    [
        (None, False, None, (10, 20), (10, 20)),  # well in advance
        (5, False, None, (10, 20), (10, 20)),  # exactly the notice
        (6, True, None, (10, 20), None),
        (10, True, None, (10, 20), None),
        (11, True, (10, 11), (11, 20), None),  # refused whole: what is retroactive is late too
        (19, True, (10, 19), (19, 20), None),
        (20, True, (10, 20), None, None),
        (25, True, (10, 20), None, None),
    ],
)
def test_an_occurrence_is_judged_by_when_it_was_declared(
    *, declared: int | None, late: bool, retroactive: Span | None, lenient: Span | None, strict: Span | None
) -> None:
    judged = judge(window(declared), (10, 20), LENIENT)
    assert (judged.planned, judged.late, judged.retroactive, judged.excused) == ((10, 20), late, retroactive, lenient)
    assert judge(window(declared), (10, 20), STRICT).excused == strict


@pytest.mark.parametrize(("approved_by", "excused"), [("chief", (10, 20)), ("ops", None), (None, None)])
def test_only_somebody_else_can_approve_what_is_late_and_retroactive(approved_by: str, excused: Span | None) -> None:
    judged = judge(window(12, approved_by), (10, 20), STRICT)
    assert (judged.late, judged.retroactive, judged.excused) == (True, (10, 12), excused)


@pytest.mark.parametrize(
    ("amendments", "excused"),
    [
        ([Amendment(15, 15)], (10, 15)),  # cancelled while it ran: the past stays
        ([Amendment(5, 5)], None),  # cancelled before
        ([Amendment(10, 10)], None),
        ([Amendment(25, 25)], (10, 20)),  # cancelled when it was over
        ([Amendment(12, 17)], (10, 17)),  # shortened
        ([Amendment(17, 12)], (10, 17)),  # shortened to a time that has passed
        ([Amendment(12, 25)], (10, 20)),  # never lengthened
        ([Amendment(11, 17), Amendment(12, 14)], (10, 14)),
        ([Amendment(11, 14), Amendment(12, 17)], (10, 14)),
    ],
)
def test_cancelling_and_shortening_act_from_then_on(amendments: list[Amendment], excused: Span | None) -> None:
    assert judge(window(0, None, *amendments), (10, 20), LENIENT).excused == excused


def test_nothing_of_a_window_that_was_cancelled_in_time_is_retroactive() -> None:
    assert judge(window(12, None, Amendment(10, 10)), (10, 20), LENIENT).retroactive is None
    assert judge(window(14, None, Amendment(12, 12)), (10, 20), LENIENT).retroactive == (10, 12)


def test_cancelling_a_recurring_window_leaves_its_past_occurrences() -> None:
    nightly = Recurrence("FREQ=DAILY", at("2026-11-01T02:00"), ZoneInfo("Asia/Bangkok"), HOUR)
    cancelled = Amendment(at("2026-11-03T02:30"), at("2026-11-03T02:30"))
    made = Window("w", (), nightly.start, nightly.start + HOUR, "", "ops", nightly, 0, None, (cancelled,))
    found = excusing([made], [], lambda _: Policy(), at("2026-11-02T00:00"), at("2026-11-20T00:00"))
    assert found == {
        EVERYTHING: [
            (at("2026-11-02T02:00"), at("2026-11-02T03:00")),
            (at("2026-11-03T02:00"), at("2026-11-03T02:30")),
        ]
    }


def test_each_occurrence_of_a_recurring_window_is_judged_for_itself() -> None:
    start = at("2026-11-01T02:00")
    nightly = Recurrence("FREQ=DAILY", start, ZONE, HOUR)
    made = Window("w", (), start, start + HOUR, "", "ops", nightly, at("2026-11-02T02:15"))
    found = excusing([made], [], lambda _: Policy(notice=DAY, late_excuses=False), start, start + 4 * DAY)
    assert found == {EVERYTHING: [(start + 3 * DAY, start + 3 * DAY + HOUR)]}  # the third came 23 h 45 min ahead


def test_an_occurrence_is_judged_by_the_policy_in_force_at_its_start() -> None:
    def excused(turn: int) -> dict[str, list[Span]]:
        return excusing([window(7)], [], lambda instant: STRICT if instant < turn else LENIENT, 0, 30)

    assert excused(10) == {EVERYTHING: [(10, 20)]}
    assert excused(11) == {}


def test_overlapping_windows_and_exclusions_of_one_scope_are_united() -> None:
    made = [window(0, scope=("mail",)), Window("v", ("mail", "web"), 15, 25, "", "ops")]
    excluded = [exclusion(24, 28, "chief", ("mail",)), exclusion(2, 8, "ops", ("mail",)), exclusion(3, 9, None)]
    found = excusing(made, excluded, lambda _: LENIENT, 12, 26)
    assert found == {"mail": [(12, 26)], "web": [(15, 25)]}


def test_a_window_reaches_no_further_than_its_end_and_starts_no_earlier() -> None:
    assert excusing([window(0)], [], lambda _: LENIENT, 20, 30) == {}
    assert excusing([window(0)], [], lambda _: LENIENT, 0, 10) == {}
    assert excusing([window(0)], [], lambda _: LENIENT, 19, 30) == {EVERYTHING: [(19, 20)]}


def program_window(found: OOccurrence, scope: tuple[str, ...]) -> Window:
    amendments = [Amendment(at, end) for at, end in found.shortened]
    if found.cancelled_at is not None:
        amendments.append(Amendment(found.cancelled_at, found.cancelled_at))
    approver = "head" if found.approved else None
    return Window(
        "w", scope, found.start, found.end, "", "ops", None, found.declared, approver, tuple(amendments)
    )  # fmt: skip


scopes = st.lists(st.sampled_from(["mail", "mail/imap"]), max_size=2, unique=True).map(tuple)


@given(
    st.lists(st.tuples(occurrences(), scopes), max_size=4), policies, policies, st.integers(0, 20), st.integers(0, 40)
)
def test_what_windows_excuse_together_is_what_the_oracle_says_of_each(
    declared: list[tuple[OOccurrence, tuple[str, ...]]], early: OPolicy, later: OPolicy, turn: int, length: int
) -> None:
    start, end = 5, 5 + length

    def policy(instant: int) -> Policy:
        found = early if instant < turn else later
        return Policy(found.notice, late_excuses=found.late == "excuse")

    expected: dict[str, set[int]] = {}
    for one, scope in declared:
        cells = oracle_maintenance.excusing(one, early if one.start < turn else later)
        for name in scope or (EVERYTHING,):
            expected.setdefault(name, set()).update(cell for cell in cells if start <= cell < end)
    found = excusing([program_window(*one) for one in declared], [], policy, start, end)
    cells_found = {name: {cell for span in spans for cell in range(*span)} for name, spans in found.items()}
    assert {name: cells for name, cells in cells_found.items() if cells} == {k: v for k, v in expected.items() if v}


def lasting(start: int, end: int, *amendments: Amendment, scope: tuple[str, ...] = ()) -> Window:
    return Window("w", scope, start, end, "", "ops", amendments=amendments)


def test_maintenance_goes_on_from_its_start_to_before_its_end() -> None:
    active = [outlook([lasting(10, 20)], now)[EVERYTHING].active for now in (9, 10, 19, 20)]
    assert active == [False, True, True, False]


def test_the_next_start_is_the_earliest_to_come_and_the_last_end_the_latest_that_was() -> None:
    windows = [lasting(*span) for span in ((1, 4), (2, 6), (3, 5), (50, 60), (40, 45), (41, 70))]
    assert outlook(windows, 30) == {EVERYTHING: Outlook(active=False, next_start=40, last_end=6)}
    assert outlook(windows, 40)[EVERYTHING] == Outlook(active=True, next_start=41, last_end=6)
    assert outlook(windows, 6)[EVERYTHING].last_end == 6


def test_what_was_cut_is_over_where_it_was_cut_and_what_was_cancelled_in_time_never_was() -> None:
    shortened, cancelled = Amendment(5, 15), Amendment(5, 5)
    assert outlook([lasting(10, 20, shortened)], 16) == {EVERYTHING: Outlook(last_end=15)}
    assert outlook([lasting(10, 20, cancelled)], 8) == {}


def test_maintenance_is_told_by_scope_and_for_a_year_around_now() -> None:
    far = lasting(0, 1)
    assert outlook([lasting(10, 20, scope=("mail", "web/http")), far], 400 * DAY) == {}
    assert set(outlook([lasting(10, 20, scope=("mail", "web/http")), far], 15)) == {"mail", "web/http", EVERYTHING}


def test_several_scopes_come_to_the_earliest_start_and_the_latest_end() -> None:
    assert together() == Outlook()
    assert together(Outlook(next_start=9, last_end=3), Outlook(active=True, next_start=7, last_end=5), Outlook()) == (
        Outlook(active=True, next_start=7, last_end=5)
    )
