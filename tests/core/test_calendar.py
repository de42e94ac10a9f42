"""Months in zones with and without summer time (R8), and times as text."""

from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from monitor.core.calendar import Month
from monitor.core.instants import (
    DAY,
    HOUR,
    SECOND,
    format_duration,
    format_instant,
    parse_duration,
    parse_instant,
    seconds,
)  # fmt: skip

UTC, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
TEN = [
    "Asia/Bangkok", "UTC", "Europe/Berlin", "America/New_York", "America/Havana", "America/Asuncion",
    "Africa/Casablanca", "Asia/Damascus", "Australia/Lord_Howe", "Pacific/Apia",
]  # fmt: skip


def hours(year: int, number: int, key: str) -> float:
    start, end = Month(year, number).span(ZoneInfo(key))
    return (end - start) / HOUR


@pytest.mark.parametrize("key", TEN)
def test_months_follow_one_another_without_gap_or_overlap_in_every_zone(key: str) -> None:
    zone = ZoneInfo(key)
    months = [Month(2010, 1).plus(n) for n in range(240)]
    for month, following in pairwise(months):
        start, end = month.span(zone)
        assert end == following.start(zone)
        assert Month.of(start, zone) == Month.of(end - 1, zone) == month
        assert Month.of(start - 1, zone) == month.plus(-1)
        assert abs((end - start) - round((end - start) / DAY) * DAY) <= HOUR


def test_a_change_to_summer_time_makes_a_month_an_hour_shorter_and_back_an_hour_longer() -> None:
    assert hours(2026, 3, "Europe/Berlin") == 31 * 24 - 1
    assert hours(2026, 10, "Europe/Berlin") == 31 * 24 + 1
    assert hours(2026, 4, "Australia/Lord_Howe") == 30 * 24 + 0.5
    assert {hours(2026, number, "Asia/Bangkok") for number in (1, 2, 4)} == {31 * 24, 28 * 24, 30 * 24}
    assert hours(2028, 2, "Asia/Bangkok") == 29 * 24


def test_a_month_whose_midnight_the_clocks_skip_begins_at_the_first_instant_there_is() -> None:
    zone = ZoneInfo("America/Asuncion")
    start = Month(2017, 10).start(zone)
    assert format_instant(start, zone) == "2017-10-01T01:00:00-03:00"
    assert format_instant(start - SECOND, zone) == "2017-09-30T23:59:59-04:00"


def test_a_month_whose_midnight_occurs_twice_begins_at_the_first() -> None:
    zone = ZoneInfo("America/Havana")
    assert format_instant(Month(2026, 11).start(zone), zone) == "2026-11-01T00:00:00-04:00"
    assert hours(2026, 11, "America/Havana") == 30 * 24 + 1


def test_a_month_without_one_of_its_days_is_a_day_shorter() -> None:
    assert hours(2011, 12, "Pacific/Apia") == 30 * 24


def test_months_are_counted_over_the_turn_of_the_year() -> None:
    assert [str(Month(2026, 11).plus(n)) for n in (-11, -10, 0, 1, 2)] == [
        "2025-12", "2026-01", "2026-11", "2026-12", "2027-01",
    ]  # fmt: skip
    assert Month(2025, 12) < Month(2026, 1)


def test_a_month_is_read_as_it_is_written() -> None:
    assert Month.parse("2026-11") == Month(2026, 11)
    assert str(Month.parse("1970-01")) == "1970-01"
    assert str(Month.parse("9998-12")) == "9998-12"


@pytest.mark.parametrize("text", ["2026", "2026-1", "2026-011", "x2026-11", "2026-11-01", "２０２６-11"])
def test_what_is_no_month_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r'^not a month: ".+"; write YYYY-MM, as in 2026-11$'):
        Month.parse(text)


@pytest.mark.parametrize("text", ["2026-00", "2026-13", "1969-12", "9999-01"])
def test_a_month_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f'^there is no month "{text}"; months run from 1970-01 to 9998-12$'):
        Month.parse(text)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90s", 90_000_000), ("5m", 300_000_000), ("1h30m", 5_400_000_000), ("7d", 604_800_000_000), ("1ms", 1_000),
        ("2m500ms", 120_500_000), ("0s", 0), ("36525d", 36_525 * DAY),
    ],
)  # fmt: skip
def test_durations_are_read_by_their_units(text: str, duration: int) -> None:
    assert parse_duration(text) == duration
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r'^not a duration: ""; write a number with a unit \(ms, s, m, h, d\), as in 90s or 1h30m$'),
        ("90", "not a duration"), ("s", "not a duration"), ("1m1h", "not a duration"), ("٣s", "not a duration"),
        ("36525d1ms", '"36525d1ms" is longer than a century'), ("9" * 13 + "s", "not a duration"),
        ("x" * 60, f'not a duration: "{"x" * 60}"'), ("x" * 61, f'not a duration: "{"x" * 59}…"'),
    ],
)  # fmt: skip
def test_what_is_no_duration_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_duration(text)


@pytest.mark.parametrize(
    ("duration", "text"), [(0, "0s"), (-5_400_000_000, "-1h30m"), (DAY + 1_000, "1d1ms"), (999, "0s")]
)
def test_durations_are_written_as_they_are_read(duration: int, text: str) -> None:
    assert format_duration(duration) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-11-10T10:00", "2026-11-10T10:00:00+01:00"),
        ("2026-11-10t10:00:01.5z", "2026-11-10T11:00:01.5+01:00"),
        ("2026-11-10 10:00:01.000001+05:30", "2026-11-10T05:30:01.000001+01:00"),
        ("2026-11-10T10:00-03:30", "2026-11-10T14:30:00+01:00"),
        ("2026-11-10T00:30+23:59", "2026-11-09T01:31:00+01:00"),
        ("1970-01-01T00:00Z", "1970-01-01T01:00:00+01:00"),
        ("9998-12-31T23:59:59.999999Z", "9999-01-01T00:59:59.999999+01:00"),
    ],
)
def test_times_are_read_and_written_exactly(text: str, written: str) -> None:
    instant = parse_instant(text, BERLIN)
    assert format_instant(instant, BERLIN) == written
    assert parse_instant(written, UTC) == instant


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tomorrow", '^not a time: "tomorrow"; write it as in 2026-12-05T01:00:00\\+07:00$'),
        ("2026-11-10T10:00:00.0000001Z", "has more than six decimals; microseconds are the finest"),
        ("2016-12-31T23:59:60Z", "is a leap second, which no clock here shows; write the second after it"),
        ("2026-02-30T10:00Z", '^there is no time "2026-02-30T10:00Z": day'),
        ("2026-11-10T10:00+24:00", r"no zone is \+24:00 from UTC"),
        ("2026-11-10T10:00+10:60", r"no zone is \+10:60 from UTC"),
        ("1970-01-01T00:00", "lies outside the years 1970 to 9998"),
        ("9999-01-01T00:00Z", "lies outside the years 1970 to 9998"),
        ("0001-01-01T00:00+01:00", "lies outside the years 1970 to 9998"),
        (
            "2026-10-25T02:30",
            r"occurs twice in Europe/Berlin; write .+: 2026-10-25T02:30:00\+02:00 or 2026-10-25T02:30:00\+01:00$",
        ),
        (
            "2026-03-29T02:30",
            r"never occurs in Europe/Berlin; write .+: 2026-03-29T01:30:00\+01:00 or 2026-03-29T03:30:00\+02:00$",
        ),
    ],
)
def test_what_is_no_time_is_refused_and_told_why(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_instant(text, BERLIN)


def test_seconds_are_whole_or_exact() -> None:
    assert [seconds(n) for n in (0, 60_000_000, 1, 1_500_000, -1_500_000)] == [0, 60, 0.000001, 1.5, -1.5]
    assert isinstance(seconds(60_000_000), int)
