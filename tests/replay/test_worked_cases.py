"""The worked cases of ACCOUNTING through the command: files in, the document out."""

import pytest

from monitor.core.instants import MINUTE, SECOND, parse_instant
from tests.core.worked import ZONE, at, down, every, minutely, series, up
from tests.replay.commands import Desk, Document

OUTAGE = [up(at("10:00")), *every(5, "10:01:00", "13:36:45"), up(at("13:37:00")), up(at("13:37:05"))]
LONGER = [*OUTAGE[:-2], up(at("13:37:01")), up(at("13:37:06"))]
TWO = {
    "t1": series(up(at("09:59")), *every(5, "10:00:00", "10:29:55"), up(at("10:30:00")), up(at("10:30:05"))),
    "t2": series(up(at("10:19")), *every(5, "10:20:00", "10:49:55"), up(at("10:50:00")), up(at("10:50:05"))),
}


def window(start: str, end: str, **more: str) -> Document:
    """Declared the day before, where nothing else is said; local times without an offset."""
    made = {"start": f"2026-11-10T{start}", "end": f"2026-11-10T{end}", "reason": "upgrade", "by": "ops"}
    return {"declared": "2026-11-09T09:00", **made, **more}


def test_case_1_a_month_without_a_failure_is_met(desk: Desk) -> None:
    done = desk.replay(desk.checks(t=series()))
    assert (done.status, done.err) == (0, "")
    assert done.service["downtime_seconds"] == 0
    assert done.service["availability_percent"] == 100
    assert done.service["verdict"] == "met"


def test_case_2_exactly_the_budget_is_met_by_the_figure_and_undetermined_by_the_bounds(desk: Desk) -> None:
    done = desk.replay(desk.checks(t=series(*OUTAGE)))
    assert done.status == 0
    found, (outage,) = done.service, done.service["outages"]
    assert (found["downtime_seconds"], found["availability_percent"], found["remaining_seconds"]) == (12_960, 99.5, 0)
    assert (found["met"], found["verdict"]) == (True, "undetermined")
    assert [one["met"] for one in found["objectives"].values()] == [True, True]
    assert (outage["min_seconds"], outage["max_seconds"]) == (12_945, 13_020)
    assert round(found["availability_lower_percent"], 4) == 99.4977


def test_case_3_one_second_more_misses_both_and_says_so_by_the_status(desk: Desk) -> None:
    checks = desk.checks(t=series(*LONGER))
    done = desk.replay(checks)
    assert (done.status, done.err) == (1, "")
    assert (done.service["downtime_seconds"], done.service["remaining_seconds"]) == (12_961, -1)
    assert [one["met"] for one in done.service["objectives"].values()] == [False, False]
    assert "99.499 %" in desk.replay(checks, "--format", "table").out


def test_case_4_two_failures_are_a_blip(desk: Desk) -> None:
    done = desk.replay(desk.checks(t=series(down(at("10:01:00")), down(at("10:01:05")), up(at("10:01:10")))))
    assert done.service["downtime_seconds"] == 0
    assert done.service["blips"] == {"count": 1, "seconds": 10}


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ([window("12:00", "13:00")], 9_360),
        ([window("12:00", "13:00"), window("12:30", "14:00")], 7_140),
        ([window("12:00", "13:00", declared="2026-11-10T12:20")], 10_560),
        ([window("12:00", "13:00", declared="2026-11-10T12:20", approved_by="chief")], 9_360),
        ([window("12:00", "13:00", declared="2026-11-10T12:20", approved_by="ops")], 10_560),
    ],
    ids=["case 5", "case 6", "case 7", "case 7, approved by another", "case 7, approved by the author"],
)
def test_cases_5_to_7_declared_maintenance_is_not_counted(desk: Desk, windows: list[Document], expected: int) -> None:
    listed = desk.lists("maintenance.json", *windows)
    done = desk.replay(desk.checks(t=series(*OUTAGE)), "--maintenance", listed)
    assert done.service["downtime_seconds"] == expected
    assert done.service["gross_downtime_seconds"] == 12_960
    assert done.service["excused_seconds"] == 12_960 - expected


def test_windows_of_the_configuration_are_joined_by_those_of_the_file(desk: Desk) -> None:
    desk.configure("t", maintenance=[window("12:00", "13:00")])
    listed = desk.file(
        "maintenance.yaml",
        "- {start: 2026-11-10T12:30, end: 2026-11-10T14:00, reason: upgrade, by: ops}\n",
    )
    done = desk.replay(desk.checks(t=series(*OUTAGE)), "--maintenance", listed)
    assert done.service["downtime_seconds"] == 7_140


def test_case_8_an_outage_over_midnight_of_the_first_counts_in_both_months(desk: Desk) -> None:
    facts = [up(at("2026-10-31T23:29:00"))]
    facts += [down(i) for i in range(at("2026-10-31T23:30"), at("2026-11-01T00:30"), 15 * SECOND)]
    facts += [up(at("2026-11-01T00:30:00")), up(at("2026-11-01T00:30:15"))]
    before = minutely(at("2026-10-31T20:00"), at("2026-10-31T23:29"))
    after = minutely(at("2026-11-01T00:31"), at("2026-11-01T04:00"))
    checks = desk.checks(t=[*before, *facts, *after])
    october, november = (desk.replay(checks, month=month).service for month in ("2026-10", "2026-11"))
    assert (october["downtime_seconds"], november["downtime_seconds"]) == (1_800, 1_800)
    assert october["outages"][0]["id"] == november["outages"][0]["id"] == "mail-20261031T163000Z"
    assert november["outages"][0]["end"] == october["outages"][0]["end"] == "2026-11-01T00:30:00+07:00"


@pytest.mark.parametrize(("rule", "expected"), [("any", 3_000), ("all", 600)], ids=["case 9", "case 10"])
def test_cases_9_and_10_the_rule_decides_over_two_targets(desk: Desk, rule: str, expected: int) -> None:
    desk.configure("t1", "t2", down_when=rule)
    assert desk.replay(desk.checks(**TWO)).service["downtime_seconds"] == expected


@pytest.mark.parametrize(
    ("month", "length", "share", "by_share", "by_length", "remaining"),
    [("2026-02", 210, 99.479, False, True, -504), ("2026-12", 220, 99.507, True, False, -240)],
    ids=["case 11, February", "case 12, December"],
)
def test_cases_11_and_12_both_objectives_are_judged(
    desk: Desk, month: str, length: int, share: float, by_share: bool, by_length: bool, remaining: int
) -> None:
    start = parse_instant(f"{month}-10T10:00", ZONE)
    end = start + length * MINUTE
    facts = [down(instant) for instant in range(start, end, 5 * SECOND)]
    checks = [*minutely(start - 60 * MINUTE, start), *facts, up(end), up(end + 5 * SECOND)]
    done = desk.replay(desk.checks(t=checks), month=month)
    found = done.service
    assert (done.status, found["verdict"]) == (1, "missed")
    assert (found["downtime_seconds"], found["remaining_seconds"]) == (length * 60, remaining)
    assert int(found["availability_percent"] * 1000) / 1000 == share
    assert [one["met"] for one in found["objectives"].values()] == [by_share, by_length]


def test_case_13_time_that_nobody_watched_is_unknown(desk: Desk) -> None:
    found = desk.replay(desk.checks(t=series(silent=("10:00:01", "10:59:59")))).service
    assert (found["downtime_seconds"], found["unknown_seconds"]) == (0, 3_465)


def test_case_14_a_restart_in_the_middle_leaves_one_outage(desk: Desk) -> None:
    facts = [up(at("10:00")), *every(5, "10:01:00", "10:30:00"), *every(5, "10:30:40", "11:00:55")]
    found = desk.replay(desk.checks(t=series(*facts, up(at("11:01:00")), up(at("11:01:05"))))).service
    assert found["downtime_seconds"] == 3_600
    assert [one["start"] for one in found["outages"]] == ["2026-11-10T10:01:00+07:00"]


def test_case_15_a_hang_is_bounded_by_durations(desk: Desk) -> None:
    facts = [up(at("10:00:00")), *(down(at(f"10:01:{s:02}"), 15) for s in (0, 15, 30))]
    found = desk.replay(desk.checks(t=series(*facts, up(at("10:01:45"), 9), up(at("10:01:54"))))).service
    (outage,) = found["outages"]
    assert (found["downtime_seconds"], outage["min_seconds"], outage["max_seconds"]) == (45, 15, 114)
    assert outage["cause"] == "timeout"


def test_case_16_failures_apart_are_blips_and_the_time_between_is_unknown(desk: Desk) -> None:
    facts = [down(at("10:01:00")), down(at("13:00:00")), down(at("13:00:05"))]
    found = desk.replay(desk.checks(t=series(up(at("10:00")), *facts, up(at("13:00:10")), up(at("13:00:15"))))).service
    assert found["downtime_seconds"] == 0
    assert found["blips"] == {"count": 2, "seconds": 145}
    assert found["unknown_seconds"] == (at("13:00:00") - at("10:03:15")) / SECOND


def test_case_17_accounting_begins_with_the_first_check_and_the_denominator_stays(desk: Desk) -> None:
    found = desk.replay(desk.checks(t=minutely(at("2026-11-15T00:00"), at("2026-12-01T00:00")))).service
    assert found["since"] == "2026-11-15T00:00:00+07:00"
    assert (found["coverage"], found["total_seconds"], found["elapsed_seconds"]) == (1, 2_592_000, 16 * 86_400)
