"""The oracle itself against the literal numbers of the contract.

The worked cases are played in seconds over a few hours of the day, with T given as the whole month's.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given

from tests.core.oracle import Figures, OCheck, OService, OTarget, OView, OWindow, figures, verdict
from tests.core.oracle_maintenance import OOccurrence, OPolicy, excusing
from tests.core.strategies import occurrences, policies

DAY = 86_400
NOVEMBER = 30 * DAY
MAIL = OService("mail", targets={"imap": OTarget()})


def at(clock: str) -> int:
    hours, minutes, seconds = (int(part) for part in f"{clock}:00".split(":")[:3])
    return hours * 3600 + minutes * 60 + seconds


MORNING = OView(at("09:00"), at("15:00"), at("15:00"), total=NOVEMBER)


def every(step: int, first: str, last: str, outcome: str = "down") -> list[OCheck]:
    return [OCheck(instant, outcome) for instant in range(at(first), at(last) + 1, step)]


def day(facts: Iterable[OCheck] = ()) -> list[OCheck]:
    """`up` every minute from 09:00 to 15:00, but for the stretch that the facts speak of."""
    facts = list(facts)
    told = range(min(fact.at for fact in facts), max(fact.at for fact in facts) + 1) if facts else range(0)
    return [up for up in every(60, "09:00", "14:59", "up") if up.at not in told] + facts


def outage(end: str, first: str = "10:01:00", last: str = "13:36:45") -> list[OCheck]:
    """`down` every 5 s, then the two `up` that end it."""
    return [*every(5, first, last), OCheck(at(end), "up"), OCheck(at(end) + 5, "up")]


def budget(total: int) -> Fraction:
    return min(Fraction(total, 200), Fraction(216 * 60))


def told(checks: list[OCheck], *windows: OWindow, view: OView = MORNING) -> Figures:
    return figures(MAIL, {"mail/imap": checks}, windows, view)


def spans(found: Figures) -> list[tuple[int, int, int, int]]:
    return [(o["start"], o["end"], o["min"], o["max"]) for o in found["outages"]]


def test_case_1_a_month_without_a_failure_is_met() -> None:
    found = told(day())
    assert (found["downtime"], found["unknown"], found["outages"]) == (0, 0, [])
    assert verdict(found, budget(NOVEMBER)) == "met"


def test_case_2_exactly_the_budget_meets_but_its_bounds_leave_it_undetermined() -> None:
    found = told(day(outage("13:37:00")))
    assert found["downtime"] == 12_960 == budget(NOVEMBER)
    assert spans(found) == [(at("10:01"), at("13:37"), 12_945, 13_020)]
    assert [(o["seconds"], o["excused"], o["ongoing"]) for o in found["outages"]] == [(12_960, 0, False)]
    assert (found["certainly_counted"], found["possibly_counted"]) == (12_945, 13_020)
    assert verdict(found, budget(NOVEMBER)) == "undetermined"


def test_case_3_one_second_more_is_missed() -> None:
    found = told(day(outage("13:37:01")))
    assert found["downtime"] == 12_961
    assert verdict(found, budget(NOVEMBER)) == "missed"


def test_case_4_a_short_row_is_a_blip_to_the_up_that_ended_it() -> None:
    found = told(day([*every(5, "10:01:00", "10:01:05"), OCheck(at("10:01:10"), "up")]))
    assert (found["downtime"], found["blips"]) == (0, {"count": 1, "seconds": 10})


def test_cases_5_and_6_windows_excuse_their_union() -> None:
    noon, later = OWindow(at("12:00"), at("13:00")), OWindow(at("12:30"), at("14:00"))
    found = told(day(outage("13:37:00")), noon)
    assert (found["gross"], found["excused"], found["downtime"]) == (12_960, 3_600, 9_360)
    assert told(day(outage("13:37:00")), noon, later)["downtime"] == 7_140


@pytest.mark.parametrize(("approved", "downtime"), [(False, 10_560), (True, 9_360)])
def test_case_7_what_lies_before_the_declaration_excuses_only_when_approved(*, approved: bool, downtime: int) -> None:
    occurrence = OOccurrence(at("12:00"), at("13:00"), declared=at("12:20"), approved=approved)
    windows = [OWindow(cell, cell + 1) for cell in excusing(occurrence, OPolicy())]
    assert told(day(outage("13:37:00")), *windows)["downtime"] == downtime


def test_case_8_an_outage_over_midnight_of_the_first_is_the_same_one_in_both_months() -> None:
    checks = [OCheck(t, "down" if -1800 <= t < 1800 else "up") for t in range(-7200, 7200, 60)]
    october, november = (told(checks, view=OView(s, s + 7200, s + 7200, total=NOVEMBER)) for s in (-7200, 0))
    for found in (october, november):
        assert found["downtime"] == 1_800
        assert [(o["start"], o["end"], o["seconds"]) for o in found["outages"]] == [(-1800, 1800, 1800)]


@pytest.mark.parametrize(("rule", "downtime"), [(1, 3_000), (2, 600)])
def test_cases_9_and_10_any_is_down_in_the_union_and_all_in_the_intersection(rule: int, downtime: int) -> None:
    pair = OService("mail", rule, {"imap": OTarget(), "smtp": OTarget()})
    checks = {
        "mail/imap": day([*every(60, "10:00", "10:29"), OCheck(at("10:30"), "up")]),
        "mail/smtp": day([*every(60, "10:20", "10:49"), OCheck(at("10:50"), "up")]),
    }
    assert figures(pair, checks, [], MORNING)["downtime"] == downtime


@pytest.mark.parametrize(("days", "minutes", "remaining"), [(28, 210, -504), (31, 220, -240)])
def test_cases_11_and_12_the_smaller_limit_binds(days: int, minutes: int, remaining: int) -> None:
    end = f"{10 + (minutes + 1) // 60}:{(minutes + 1) % 60:02}:00"
    last = f"{10 + (minutes + 1) // 60}:{minutes % 60:02}:55"
    found = told(day(outage(end, last=last)), view=replace(MORNING, total=days * DAY))
    assert found["downtime"] == minutes * 60
    assert budget(days * DAY) - minutes * 60 == remaining
    assert verdict(found, budget(days * DAY)) == "missed"


def test_case_13_time_nobody_spoke_for_is_unknown_from_the_end_of_the_last_voice() -> None:
    checks = [check for check in day() if not at("10:00") < check.at < at("11:00")]
    found = told(checks)
    assert (found["downtime"], found["unknown"]) == (0, 3_465)
    assert found["coverage"] == 1 - Fraction(3_465, 6 * 3600)


def test_case_14_a_pause_shorter_than_a_voice_does_not_split_an_outage() -> None:
    spoken = [c for c in outage("11:01:00", last="11:00:55") if not at("10:30:00") <= c.at < at("10:30:40")]
    found = told(day(spoken))
    assert (found["downtime"], len(found["outages"])) == (3_600, 1)


def test_case_15_durations_bound_an_outage_by_what_a_hanging_server_may_have_done() -> None:
    hang = [OCheck(at(clock), "down", 15) for clock in ("10:01:00", "10:01:15", "10:01:30")]
    found = told(day([*hang, OCheck(at("10:01:45"), "up", 9), OCheck(at("10:01:54"), "up")]))
    assert found["downtime"] == 45
    assert [(o["min"], o["max"]) for o in found["outages"]] == [(15, 114)]


def test_case_16_a_gap_ends_a_row_where_its_last_voice_ends() -> None:
    facts = [OCheck(at(clock), "down") for clock in ("10:01:00", "13:00:00", "13:00:05")]
    found = told(day([*facts, OCheck(at("13:00:10"), "up"), OCheck(at("13:00:15"), "up")]))
    assert (found["downtime"], found["blips"]) == (0, {"count": 2, "seconds": 145})
    assert found["unknown"] == at("13:00:00") - at("10:03:15")


def test_case_17_a_service_is_accounted_for_from_its_first_check() -> None:
    found = told([check for check in day() if check.at >= at("12:00")])
    assert (found["since"], found["elapsed"], found["total"]) == (at("12:00"), 3 * 3600, NOVEMBER)
    assert (found["coverage"], found["downtime"]) == (1, 0)


# The corners that no worked case reaches, in small numbers.

QUICK = OTarget(confirm=1, recover=1, stale_after=10)
SLOW = OTarget(confirm=3, recover=2, stale_after=10)


def spoken(checks: str) -> list[OCheck]:
    """`0u 5d3` is an `up` at 0 and a `down` at 5 that took 3; `?` is `unknown`."""
    outcomes = {"u": "up", "d": "down", "?": "unknown"}
    words = [re.fullmatch(r"(\d+)([ud?])(\d*)", word) for word in checks.split()]
    return [OCheck(int(w[1]), outcomes[w[2]], int(w[3] or 0)) for w in words if w]


def small(checks: str | list[OCheck], target: OTarget = QUICK, end: int = 20, *, clip: bool = False) -> Figures:
    told = spoken(checks) if isinstance(checks, str) else checks
    return figures(OService("s", targets={"t": target}), {"s/t": told}, [], OView(0, end, end, clip=clip))


def pair(first: str, second: str, *windows: OWindow, rule: int = 1, end: int = 20) -> Figures:
    service = OService("s", rule, {"a": QUICK, "b": QUICK})
    return figures(service, {"s/a": spoken(first), "s/b": spoken(second)}, windows, OView(0, end, end))


@pytest.mark.parametrize("checks", ["0u 5d 5u 8u 15u", "0u 5u 5d 8u 15u", "15u 5d 8u 0u 5? 5d"])
def test_down_wins_a_tie_in_whatever_order_it_is_read(checks: str) -> None:
    assert small(checks)["downtime"] == 3


def test_the_longer_of_two_equal_checks_bounds_the_outage() -> None:
    assert spans(small("0u 5d1 5d4 12d 15u")) == [(5, 15, 3, 15)]


def test_a_check_that_does_not_speak_takes_no_part_in_a_tie_but_begins_the_record() -> None:
    mute = OCheck(5, "down", speaks=False)
    found, alone = small([mute, OCheck(5, "up"), OCheck(12, "up")]), small([mute])
    assert (found["downtime"], found["up"]) == (0, 15)
    assert (alone["since"], alone["unknown"]) == (5, 15)


def test_a_recorded_limit_counts_as_it_stands_and_the_longer_one_wins_a_tie() -> None:
    found = small([OCheck(0, "up", voice=2), OCheck(5, "up", voice=3), OCheck(5, "up", voice=14)])
    assert (found["up"], found["unknown"]) == (16, 4)


def test_a_gap_leaves_a_target_down_and_its_unfinished_recovery_with_it() -> None:
    found = small("0u 5d 10u 30u 35u", OTarget(1, 2, 10), end=40)
    assert (found["downtime"], found["unknown"]) == (15, 10)
    assert spans(found) == [(5, 20, 0, 30)]


def test_an_outage_in_which_nothing_failed_has_nothing_certain_and_ends_at_its_neighbour() -> None:
    assert spans(small("0u 5d 20u", OTarget(1, 2, 10), end=40)) == [(5, 15, 0, 20), (20, 30, 0, 15)]


def test_an_outage_is_ongoing_only_where_now_cuts_it_off() -> None:
    cut, whole = (small("0u 5d 10u", OTarget(1, 2, 10), end=15, clip=clip)["outages"][0] for clip in (True, False))
    assert (cut["end"], cut["ongoing"], cut["seconds"]) == (None, True, 10)
    assert (whole["end"], whole["ongoing"], whole["seconds"]) == (20, False, 10)


def test_an_undecided_row_is_suspect_and_possibly_down_from_the_last_up() -> None:
    found = small("0u 5d", SLOW, end=15, clip=True)
    assert (found["downtime"], found["suspect"], found["possibly_counted"]) == (0, ["s/t"], 15)
    assert found["blips"] == {"count": 0, "seconds": 0}
    assert verdict(found, Fraction(14)) == "undetermined"


def test_silence_after_a_row_makes_it_a_blip_where_its_last_voice_ends() -> None:
    found = small("0u 5d", SLOW, end=16, clip=True)
    assert (found["suspect"], found["possibly_counted"], found["blips"]["seconds"]) == ([], 1, 10)


def test_checks_after_the_month_decide_how_it_ended() -> None:
    whole, cut = (small("0u 5u 15d 20d 25d", SLOW, clip=clip) for clip in (False, True))
    assert (whole["downtime"], cut["downtime"]) == (5, 0)
    assert small("0u 5u 15d 25u", SLOW)["blips"] == {"count": 1, "seconds": 10}


def test_stretches_that_only_touch_bound_two_outages() -> None:
    found = pair("0u 5d 10u 20u", "0u 10u 15d 20u", end=30)
    assert spans(found) == [(5, 10, 0, 10), (15, 20, 0, 10)]


def test_stretches_that_meet_inside_an_outage_bound_it_together() -> None:
    assert spans(pair("0u 5d 10u 20u", "10d 20u", end=30)) == [(5, 20, 0, 20)]


@pytest.mark.parametrize(("rule", "downtime", "excused"), [(1, 5, 0), (2, 2, 3)])
def test_a_window_of_one_target_is_taken_out_of_it_and_the_rule_applied_again(
    rule: int, downtime: int, excused: int
) -> None:
    found = pair("0u 5d 10u", "0u 5d 10u", OWindow(5, 8, ("s/a",)), rule=rule)
    assert (found["gross"], found["downtime"], found["excused"]) == (5, downtime, excused)
    assert [o["excused"] for o in found["outages"]] == [excused]


def test_a_window_of_a_member_excuses_what_only_that_member_was_down() -> None:
    members = [OService(name, targets={"t": QUICK}) for name in ("m", "n")]
    service = OService("s", members=members)
    checks = {"m/t": spoken("0u 5d 10u"), "n/t": spoken("0u 8d 10u")}
    found = figures(service, checks, [OWindow(0, 20, ("m",))], OView(0, 20, 20))
    assert (found["gross"], found["downtime"], found["excused"]) == (5, 2, 3)


def test_a_target_that_does_not_count_decides_nothing() -> None:
    service = OService("s", targets={"t": QUICK, "x": replace(SLOW, counts=False)})
    found = figures(service, {"s/t": spoken("5u 12u"), "s/x": spoken("0d 3u")}, [], OView(0, 20, 20))
    assert (found["since"], found["downtime"], found["blips"]["count"]) == (5, 0, 0)


def test_a_month_that_nobody_watched_is_not_met() -> None:
    found = small("")
    assert (found["since"], found["coverage"], verdict(found, Fraction(100))) == (None, None, "undetermined")


@given(occurrences(), policies)
def test_approval_only_adds_and_cancelling_only_takes_away(occurrence: OOccurrence, policy: OPolicy) -> None:
    occurrence = replace(occurrence, cancelled_at=None)
    cells = set(excusing(occurrence, policy))
    assert cells <= set(excusing(replace(occurrence, approved=True), policy))
    cancelled = set(excusing(replace(occurrence, cancelled_at=occurrence.start + 3), policy))
    assert cancelled <= cells
    assert cancelled <= set(range(occurrence.start, occurrence.start + 3))


@pytest.mark.parametrize(
    ("declared", "notice", "late", "cells"),
    [
        (None, 5, "refuse", [10, 11, 12]), (10, 0, "refuse", [10, 11, 12]), (5, 5, "refuse", [10, 11, 12]),
        (11, 0, "refuse", []), (6, 5, "refuse", []), (11, 0, "excuse", [11, 12]),
    ],
)  # fmt: skip
def test_lateness_is_notice_not_given(declared: int | None, notice: int, late: str, cells: list[int]) -> None:
    occurrence = OOccurrence(10, 13, declared)
    assert excusing(occurrence, OPolicy(notice, late)) == cells


def test_shortening_acts_from_then_on() -> None:
    assert excusing(OOccurrence(10, 20, shortened=[(15, 12)]), OPolicy()) == [10, 11, 12, 13, 14]
    assert excusing(OOccurrence(10, 20, shortened=[(11, 14)]), OPolicy()) == [10, 11, 12, 13]
