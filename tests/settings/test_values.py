"""Durations and instants are exact, and what is written is read back."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.instants import (
    DAY,
    HOUR,
    MILLISECOND,
    MINUTE,
    SECOND,
    format_duration,
    format_instant,
    parse_duration,
    parse_instant,
    seconds,
)

ZONES = [ZoneInfo(name) for name in ("Asia/Bangkok", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "UTC")]
LAST = 253_370_678_400 * SECOND  # 9998-12-31: a zone's day before the last readable one
BANGKOK = ZONES[0]
BERLIN = ZONES[1]


@given(st.integers(0, 36_525 * DAY // MILLISECOND).map(lambda count: count * MILLISECOND))
def test_a_duration_survives_being_written_and_read(duration: int) -> None:
    assert parse_duration(format_duration(duration)) == duration


@given(st.integers(DAY, LAST), st.sampled_from(ZONES))
def test_an_instant_survives_being_written_and_read_in_any_zone(instant: int, zone: ZoneInfo) -> None:
    assert parse_instant(format_instant(instant, zone), ZoneInfo("UTC")) == instant


@given(st.integers(DAY, LAST), st.sampled_from(ZONES))
def test_a_local_time_is_read_as_written_or_both_readings_are_shown(instant: int, zone: ZoneInfo) -> None:
    text = format_instant(instant, zone)
    local = text[:-6]
    try:
        read = parse_instant(local, zone)
    except ValueError as error:
        assert text.partition(".")[0][:16] in str(error)  # noqa: PT017 - one of two outcomes, both right
    else:
        assert read == instant


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90s", 90 * SECOND),
        ("5m", 5 * MINUTE),
        ("216m", 216 * MINUTE),
        ("8h", 8 * HOUR),
        ("7d", 7 * DAY),
        ("500ms", 500 * MILLISECOND),
        ("1h30m", 90 * MINUTE),
        ("1d2h3m4s5ms", DAY + 2 * HOUR + 3 * MINUTE + 4 * SECOND + 5 * MILLISECOND),
        ("0s", 0),
    ],
)
def test_durations_are_read_with_their_units(text: str, duration: int) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "90", "1.5h", "5 m", "m", "-5m", "5M", "30m1h", "1h1h", "٥m", "9" * 5000 + "s"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="as in 90s or 1h30m") as caught:
        parse_duration(text)

    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T00:00Z", 0),
        ("1970-01-01T07:00:00+07:00", 0),
        ("1970-01-01T07:00", 0),
        ("1970-01-01 07:00:01.5", 1_500_000),
        ("1970-01-01t00:00:00.000001z", 1),
        ("1969-12-31T23:30:00-00:30", 0),
        ("2026-12-05T01:00+07:00", 1_796_407_200 * SECOND),
    ],
)
def test_times_are_read_exactly_and_local_ones_in_the_given_zone(text: str, instant: int) -> None:
    assert parse_instant(text, BANGKOK) == instant


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2026-12-05", "write it as in"),
        ("22:30", "write it as in"),
        ("2026-12-05T24:00Z", "there is no time"),
        ("2026-02-29T00:00Z", "there is no time"),
        ("2026-02-28T00:00+24:00", "there is no time"),
        ("2026-12-31T23:59:60Z", "leap second"),
        ("2026-12-05T01:00:00.1234567Z", "more than six decimals"),
        ("1969-12-31T23:59:59Z", "outside the years 1970 to 9998"),
        ("0001-01-01T00:00", "outside the years 1970 to 9998"),
        ("9999-12-31T23:59-07:00", "outside the years 1970 to 9998"),
    ],
)
def test_what_is_no_time_is_refused_and_told_why(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_instant(text, BANGKOK)


def test_a_local_time_that_occurs_twice_is_refused_with_both_readings() -> None:
    with pytest.raises(ValueError, match="occurs twice") as caught:
        parse_instant("2026-10-25T02:30", BERLIN)

    assert "2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00" in str(caught.value)


def test_a_local_time_that_never_occurs_is_refused_with_both_readings() -> None:
    with pytest.raises(ValueError, match="never occurs") as caught:
        parse_instant("2026-03-29T02:30", BERLIN)

    assert "2026-03-29T01:30:00+01:00 or 2026-03-29T03:30:00+02:00" in str(caught.value)


def test_seconds_are_whole_or_exact_to_six_decimals() -> None:
    assert repr(seconds(12_960 * SECOND)) == "12960"
    assert repr(seconds(1)) == "1e-06"
    assert repr(seconds(2_592_000 * SECOND + 123_456)) == "2592000.123456"
