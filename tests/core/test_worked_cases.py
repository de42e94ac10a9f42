"""The worked cases of ACCOUNTING, literally: one test a row."""

from fractions import Fraction

import pytest

from monitor.core.book import Horizon
from monitor.core.calendar import Month
from monitor.core.events import Outage
from monitor.core.instants import MINUTE, SECOND, parse_instant
from monitor.core.month import Figures
from monitor.figures import percent, service_document
from tests.core.worked import NOVEMBER, ZONE, at, book, down, every, figures, minutely, series, up, window

OUTAGE = [up(at("10:00")), *every(5, "10:01:00", "13:36:45"), up(at("13:37:00")), up(at("13:37:05"))]
LONGER = [*OUTAGE[:-2], up(at("13:37:01")), up(at("13:37:06"))]


def downtime(found: Figures) -> float:
    return found.sums.downtime / SECOND


def the_outage(found: Figures) -> dict[str, object]:
    (outage,) = service_document(found, ZONE)["outages"]
    assert isinstance(outage, dict)
    return outage


def test_case_1_a_month_without_a_failure_is_met() -> None:
    found = figures(series())
    assert downtime(found) == 0
    assert found.availability == 100
    assert found.verdict == "met"


def test_case_2_exactly_the_budget_is_met_by_the_figure_and_undetermined_by_the_bounds() -> None:
    found = figures(series(*OUTAGE))
    assert downtime(found) == 12_960
    assert found.availability == Fraction("99.5")
    assert found.met
    assert found.remaining == 0
    assert the_outage(found)["min_seconds"] == 12_945
    assert the_outage(found)["max_seconds"] == 13_020
    assert found.verdict == "undetermined"
    assert percent(found.availability_lower) == "99.497 %"
    assert round(float(found.availability_lower), 4) == 99.4977


def test_case_3_one_second_more_misses_both_and_never_reads_as_met() -> None:
    found = figures(series(*LONGER))
    assert downtime(found) == 12_961
    assert (found.availability_met, found.downtime_met) == (False, False)
    assert found.remaining == -1 * SECOND
    assert percent(found.availability) == "99.499 %"


def test_case_4_two_failures_are_a_blip() -> None:
    found = figures(series(down(at("10:01:00")), down(at("10:01:05")), up(at("10:01:10"))))
    assert (downtime(found), found.blips) == (0, (1, 10 * SECOND))


def test_case_5_declared_maintenance_is_not_counted() -> None:
    found = figures(series(*OUTAGE), windows=[window("12:00", "13:00")])
    assert downtime(found) == 9_360
    assert percent(found.availability) == "99.638 %"


def test_case_6_overlapping_windows_excuse_once() -> None:
    found = figures(series(*OUTAGE), windows=[window("12:00", "13:00"), window("12:30", "14:00")])
    assert downtime(found) == 7_140


@pytest.mark.parametrize(("approved_by", "expected"), [(None, 10_560), ("chief", 9_360), ("ops", 10_560)])
def test_case_7_a_retroactive_part_excuses_nothing_unless_another_approved(
    approved_by: str | None, expected: int
) -> None:
    late = window("12:00", "13:00", declared="2026-11-10T12:20", approved_by=approved_by)
    assert downtime(figures(series(*OUTAGE), windows=[late])) == expected


def test_case_8_an_outage_over_midnight_of_the_first_counts_in_both_months() -> None:
    facts = [up(at("2026-10-31T23:29:00"))]
    facts += [down(i) for i in range(at("2026-10-31T23:30"), at("2026-11-01T00:30"), 15 * SECOND)]
    facts += [up(at("2026-11-01T00:30:00")), up(at("2026-11-01T00:30:15"))]
    checks = [
        *minutely(at("2026-10-01T00:00"), at("2026-10-31T23:29")),
        *facts,
        *minutely(at("2026-11-01T00:31"), at("2026-12-01T00:00")),
    ]
    october, november = (figures(checks, month=month) for month in (Month(2026, 10), NOVEMBER))
    assert (downtime(october), downtime(november)) == (1_800, 1_800)
    assert the_outage(october)["id"] == the_outage(november)["id"]
    for found in (october, november):
        assert the_outage(found)["start"] == "2026-10-31T23:30:00+07:00"
        assert the_outage(found)["end"] == "2026-11-01T00:30:00+07:00"


TWO = (
    series(up(at("09:59")), *every(5, "10:00:00", "10:29:55"), up(at("10:30:00")), up(at("10:30:05"))),
    series(up(at("10:19")), *every(5, "10:20:00", "10:49:55"), up(at("10:50:00")), up(at("10:50:05"))),
)


def test_case_9_any_of_two_targets() -> None:
    assert downtime(figures(*TWO)) == 3_000


def test_case_10_all_of_two_targets() -> None:
    assert downtime(figures(*TWO, at_least=2)) == 600


@pytest.mark.parametrize(
    ("month", "length", "shown", "by_share", "by_length", "remaining"),
    [
        (Month(2026, 2), 210, "99.479 %", False, True, -8.4 * 60),
        (Month(2026, 12), 220, "99.507 %", True, False, -4 * 60),
    ],
    ids=["case 11, February", "case 12, December"],
)
def test_cases_11_and_12_both_objectives_are_judged(
    month: Month,
    length: int,
    shown: str,
    by_share: bool,
    by_length: bool,
    remaining: float,
) -> None:
    start = parse_instant(f"{month}-10T10:00", ZONE)
    facts = [down(i) for i in range(start, start + length * MINUTE, 5 * SECOND)]
    found = figures(series(*facts, up(start + length * MINUTE), up(start + length * MINUTE + 5 * SECOND), month=month),
                    month=month)  # fmt: skip
    assert downtime(found) == length * 60
    assert percent(found.availability) == shown
    assert (found.availability_met, found.downtime_met, found.verdict) == (by_share, by_length, "missed")
    assert found.remaining / SECOND == remaining


def test_case_13_time_that_nobody_watched_is_unknown() -> None:
    found = figures(series(silent=("10:00:01", "10:59:59")))
    assert downtime(found) == 0
    assert found.sums.unknown == 3_465 * SECOND
    (gap,) = book({"t": series(silent=("10:00:01", "10:59:59"))}).accounts["mail/t"].history.gaps
    assert (gap.start, gap.end) == (at("10:02:15"), at("11:00:00"))


def test_case_14_a_restart_in_the_middle_leaves_one_outage() -> None:
    facts = [up(at("10:00")), *every(5, "10:01:00", "10:30:00"), *every(5, "10:30:40", "11:00:55")]
    found = figures(series(*facts, up(at("11:01:00")), up(at("11:01:05"))))
    assert downtime(found) == 3_600
    assert len(found.outages) == 1


def test_case_15_a_hang_is_bounded_by_durations() -> None:
    facts = [up(at("10:00:00")), *(down(at(f"10:01:{s:02}"), 15) for s in (0, 15, 30))]
    found = figures(series(*facts, up(at("10:01:45"), 9), up(at("10:01:54"))))
    outage = the_outage(found)
    assert (downtime(found), outage["min_seconds"], outage["max_seconds"]) == (45, 15, 114)
    (part,) = [part for one in found.outages for _, part in one.parts]
    assert isinstance(part, Outage)
    assert (part.certain_start, part.certain_end) == (at("10:01:15"), at("10:01:30"))
    assert (part.outer_start, part.outer_end) == (at("10:00:00"), at("10:01:54"))


def test_case_16_failures_apart_are_blips_and_the_time_between_is_unknown() -> None:
    facts = [down(at("10:01:00")), down(at("13:00:00")), down(at("13:00:05"))]
    found = figures(series(up(at("10:00")), *facts, up(at("13:00:10")), up(at("13:00:15"))))
    assert downtime(found) == 0
    assert found.blips == (2, (135 + 10) * SECOND)
    assert found.sums.unknown == at("13:00:00") - at("10:03:15")


def test_case_17_accounting_begins_with_the_first_check_and_the_denominator_stays() -> None:
    checks = list(minutely(at("2026-11-15T00:00"), at("2026-12-01T00:00")))
    found = figures(checks)
    assert found.since == at("2026-11-15T00:00")
    assert found.coverage == 1
    assert (found.total, found.sums.length) == (2_592_000 * SECOND, 16 * 86_400 * SECOND)


def test_an_outage_that_reaches_now_has_no_end_yet() -> None:
    made = book({"t": [up(at("10:00")), *every(5, "10:01:00", "10:05:00")]})
    outage = the_outage(made.figures("mail", NOVEMBER, Horizon(at("10:05:03"), now=True)))
    assert (outage["end"], outage["ongoing"], outage["seconds"]) == (None, True, 243)


def test_a_month_that_nobody_watched_is_not_a_month_that_was_met() -> None:
    found = figures([])
    assert (found.since, found.until, found.coverage, found.verdict) == (None, None, None, "undetermined")
