"""Windows that recur in local time (R13): clock changes, ends, and what is no rule."""

from zoneinfo import ZoneInfo

import pytest

from monitor.core.instants import HOUR, MINUTE, format_instant, parse_instant
from monitor.core.recurrence import Recurrence

BERLIN, BANGKOK = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Bangkok")


def recurring(rule: str, start: str, zone: ZoneInfo = BANGKOK, duration: int = HOUR) -> Recurrence:
    return Recurrence(rule, parse_instant(start, zone), zone, duration)


def starts(found: Recurrence, start: str, end: str) -> list[str]:
    spans = found.between(parse_instant(start, found.zone), parse_instant(end, found.zone))
    assert all(last - first == found.duration for first, last in spans)
    return [format_instant(first, found.zone) for first, _ in spans]


def ends(found: Recurrence, start: str, end: str) -> list[str]:
    spans = found.between(parse_instant(start, found.zone), parse_instant(end, found.zone))
    return [format_instant(last, found.zone) for _, last in spans]


def test_a_time_that_the_clocks_skip_is_read_with_the_offset_before_the_change() -> None:
    weekly = recurring("FREQ=WEEKLY", "2026-03-22T02:30", BERLIN)
    assert starts(weekly, "2026-03-20T00:00", "2026-04-06T00:00") == [
        "2026-03-22T02:30:00+01:00", "2026-03-29T03:30:00+02:00", "2026-04-05T02:30:00+02:00",
    ]  # fmt: skip


def test_of_a_time_that_occurs_twice_the_first_is_meant() -> None:
    weekly = recurring("FREQ=WEEKLY", "2026-10-18T02:30", BERLIN)
    assert starts(weekly, "2026-10-18T00:00", "2026-11-02T00:00") == [
        "2026-10-18T02:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-11-01T02:30:00+01:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("day", "end"), [("2026-03-29", "2026-03-29T05:00:00+02:00"), ("2026-10-25", "2026-10-25T03:00:00+01:00")]
)
def test_a_window_lasts_its_elapsed_time_over_a_clock_change(day: str, end: str) -> None:
    nightly = recurring("FREQ=DAILY", "2026-01-01T01:00", BERLIN, 3 * HOUR)
    assert ends(nightly, f"{day}T00:00", f"{day}T12:00") == [end]


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("UNTIL=20261110T020000", "2026-11-10T02:00:00+07:00"),  # local, as written
        ("UNTIL=20261110T015959", "2026-11-09T02:00:00+07:00"),
        ("UNTIL=20261109T190000Z", "2026-11-10T02:00:00+07:00"),  # 02:00 in Bangkok
        ("UNTIL=20261109T185959Z", "2026-11-09T02:00:00+07:00"),
        ("until=20261109t185959z", "2026-11-09T02:00:00+07:00"),
    ],
)
def test_the_last_occurrence_may_fall_on_the_end_itself(until: str, last: str) -> None:
    found = starts(recurring(f"FREQ=DAILY;{until}", "2026-11-08T02:00"), "2026-11-01T00:00", "2026-12-01T00:00")
    assert found[0] == "2026-11-08T02:00:00+07:00"
    assert found[-1] == last


def test_the_first_sunday_of_each_month() -> None:
    patching = recurring("FREQ=MONTHLY;BYDAY=1SU", "2026-12-06T02:00")
    assert starts(patching, "2026-12-01T00:00", "2027-04-01T00:00") == [
        "2026-12-06T02:00:00+07:00", "2027-01-03T02:00:00+07:00",
        "2027-02-07T02:00:00+07:00", "2027-03-07T02:00:00+07:00",
    ]  # fmt: skip


def test_a_counted_rule_counts_from_its_start_wherever_it_is_looked_at() -> None:
    thrice = recurring("FREQ=DAILY;COUNT=3", "2026-11-08T02:00")
    assert starts(thrice, "2026-11-09T12:00", "2026-12-01T00:00") == ["2026-11-10T02:00:00+07:00"]


def test_an_occurrence_that_reaches_in_is_given_whole_and_one_that_only_touches_is_not() -> None:
    nightly = recurring("FREQ=DAILY", "2026-11-01T23:00", duration=2 * HOUR)
    assert starts(nightly, "2026-11-10T00:59:59", "2026-11-10T23:00:01") == [
        "2026-11-09T23:00:00+07:00", "2026-11-10T23:00:00+07:00",
    ]  # fmt: skip
    assert starts(nightly, "2026-11-10T01:00", "2026-11-10T23:00") == []


def test_an_occurrence_longer_than_its_distance_from_the_stretch_is_found() -> None:
    yearly = recurring("FREQ=YEARLY", "2026-01-01T00:00", duration=300 * 24 * HOUR)
    assert starts(yearly, "2026-10-01T00:00", "2026-10-02T00:00") == ["2026-01-01T00:00:00+07:00"]


def test_any_stretch_may_be_asked_for() -> None:
    hourly = recurring("FREQ=HOURLY;COUNT=2", "1970-01-02T00:00", duration=MINUTE)
    assert len(hourly.between(-(2**62), 2**62)) == 2


def test_a_rule_without_an_occurrence_gives_none() -> None:
    never = recurring("FREQ=DAILY;UNTIL=20200101T000000", "2026-11-08T02:00")
    assert never.between(0, 2**62) == []


def test_a_start_that_is_no_occurrence_is_known_as_such() -> None:
    assert recurring("FREQ=WEEKLY;BYDAY=SU", "2026-12-06T02:00").starts_with_occurrence()
    assert not recurring("FREQ=WEEKLY;BYDAY=SU", "2026-12-07T02:00").starts_with_occurrence()
    assert not recurring("FREQ=DAILY", "2026-12-07T02:00:00.5").starts_with_occurrence()  # rules know whole seconds


@pytest.mark.parametrize("rule", ["FREQ=OFTEN", "FREQ=DAILY;COUNT=many", "every day", ""])
def test_what_cannot_be_read_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        recurring(rule, "2026-11-08T02:00").between(0, 1)


def test_a_set_of_rules_is_refused() -> None:
    several = recurring("RRULE:FREQ=DAILY\nEXDATE:20261109T020000", "2026-11-08T02:00")
    with pytest.raises(ValueError, match="one RRULE is expected, without DTSTART, EXDATE or RDATE"):
        several.between(0, 1)
