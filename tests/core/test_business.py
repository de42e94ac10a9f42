"""Business time adds up, goes forward only, and is what one adds: laws, and days that a person can check."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from monitor.core.business import BusinessCalendar, Hours
from monitor.core.instants import DAY, HOUR, MINUTE, SECOND, Instant, format_instant, parse_instant

BANGKOK = ZoneInfo("Asia/Bangkok")
SONGKRAN = {date(2026, 4, 13), date(2026, 4, 14), date(2026, 4, 15)}
NEW_YEAR = {date(2026, 12, 31), date(2027, 1, 1)}
THAI = BusinessCalendar(BANGKOK, Hours(), (SONGKRAN | NEW_YEAR).__contains__)
ZONES = some.sampled_from([BANGKOK, ZoneInfo("Europe/Berlin"), ZoneInfo("America/St_Johns"), ZoneInfo("UTC")])


def at(text: str) -> Instant:
    return parse_instant(text, BANGKOK)


def shown(instant: Instant) -> str:
    return format_instant(instant, BANGKOK)[:16]


@some.composite
def calendars(draw: some.DrawFn) -> BusinessCalendar:
    opens = draw(some.integers(0, 20 * HOUR))
    hours = Hours(opens, draw(some.integers(opens + MINUTE, DAY - 1)), draw(some.booleans()))
    closed = draw(some.frozensets(some.dates(date(2026, 3, 1), date(2026, 4, 30)), max_size=12))
    return BusinessCalendar(draw(ZONES), hours, closed.__contains__)


INSTANTS = some.one_of(
    some.integers(at("2026-03-01T00:00"), at("2026-04-30T00:00")),
    some.integers(at("2025-12-30T00:00"), at("2026-01-02T00:00")),
)
DURATIONS = some.integers(0, 60 * HOUR)


@settings(deadline=None)
@given(calendars(), INSTANTS, INSTANTS, INSTANTS)
def test_business_time_adds_up(calendar: BusinessCalendar, first: int, second: int, third: int) -> None:
    through = calendar.business_time(first, second) + calendar.business_time(second, third)
    assert through == calendar.business_time(first, third)


@settings(deadline=None)
@given(calendars(), INSTANTS, DURATIONS)
def test_what_is_added_is_the_time_between_and_no_shorter_way_has_it(
    calendar: BusinessCalendar, start: int, duration: int
) -> None:
    end = calendar.add_business_time(start, duration)
    assert calendar.business_time(start, end) == duration
    if duration:
        assert calendar.business_time(start, end - 1) == duration - 1
    else:
        assert end == start


@settings(deadline=None)
@given(calendars(), INSTANTS, DURATIONS, DURATIONS)
def test_adding_goes_forward_and_in_parts(calendar: BusinessCalendar, start: int, one: int, two: int) -> None:
    through = calendar.add_business_time(calendar.add_business_time(start, one), two)
    assert through == calendar.add_business_time(start, one + two)
    if one < two:
        assert calendar.add_business_time(start, one) < calendar.add_business_time(start, two)


@settings(deadline=None)
@given(calendars(), INSTANTS, INSTANTS, DURATIONS)
def test_who_begins_later_ends_later(calendar: BusinessCalendar, first: int, second: int, duration: int) -> None:
    early, late = sorted((first, second))
    assert calendar.add_business_time(early, duration) <= calendar.add_business_time(late, duration)
    assert 0 <= calendar.business_time(early, late) <= late - early


@settings(deadline=None)
@given(calendars(), INSTANTS)
def test_the_next_opening_is_where_time_begins_to_count(calendar: BusinessCalendar, instant: int) -> None:
    opening = calendar.next_open(instant)
    assert calendar.business_time(instant, opening) == 0
    assert calendar.business_time(opening, opening + 1) == 1


@settings(deadline=None)
@given(calendars(), INSTANTS, DURATIONS, some.dates(date(2026, 3, 1), date(2026, 4, 30)))
def test_a_day_declared_a_holiday_afterwards_takes_time_away(
    calendar: BusinessCalendar, start: int, duration: int, declared: date
) -> None:
    closed = calendar.closed
    after = BusinessCalendar(calendar.zone, calendar.hours, lambda day: day == declared or closed(day))
    end = calendar.add_business_time(start, duration)
    assert after.add_business_time(start, duration) >= end
    assert after.business_time(start, end) <= duration


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-25T09:00", 1, "2026-11-25T10:00"),
        ("2026-11-25T03:00", 1, "2026-11-25T09:30"),  # from 08:30
        ("2026-11-25T08:30", 9, "2026-11-25T17:30"),  # a whole day ends with it
        ("2026-11-27T17:29", 12, "2026-12-01T11:29"),  # Friday: a minute, then Monday's nine hours, 2 h 59 on Tuesday
        ("2026-11-28T12:00", 9, "2026-11-30T17:30"),  # Saturday
        ("2026-04-10T16:30", 24, "2026-04-20T13:30"),  # over Songkran: an hour, then 16 and 17 April and Monday
        ("2026-12-30T17:00", 1, "2027-01-04T09:00"),  # over the turn of the year
    ],
)
def test_days_that_a_person_can_check(start: str, hours: int, end: str) -> None:
    assert shown(THAI.add_business_time(at(start), hours * HOUR)) == end


def test_business_time_over_a_weekend_a_holiday_and_the_turn_of_the_year() -> None:
    assert THAI.business_time(at("2026-11-27T12:00"), at("2026-11-30T12:00")) == 9 * HOUR
    assert THAI.business_time(at("2026-04-13T00:00"), at("2026-04-16T00:00")) == 0
    assert THAI.business_time(at("2026-12-30T17:29:59"), at("2027-01-04T08:30:01")) == 2 * SECOND


def test_business_days_after_a_report() -> None:
    assert shown(THAI.after_business_days(at("2026-11-25T10:00"), 3)) == "2026-11-30T17:30"
    assert shown(THAI.after_business_days(at("2026-04-10T23:00"), 3)) == "2026-04-20T17:30"


def test_hours_follow_the_clock_on_the_wall_where_it_is_changed() -> None:
    berlin = BusinessCalendar(ZoneInfo("Europe/Berlin"), Hours(weekends=True), lambda _: False)
    start = parse_instant("2026-03-28T17:30", berlin.zone)
    assert berlin.next_open(start) == parse_instant("2026-03-29T08:30", berlin.zone)
    assert berlin.business_time(start, start + DAY) == 9 * HOUR
