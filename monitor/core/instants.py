"""Instants and durations: integer microseconds, read from text and written as text without floating point.

An instant counts from the epoch. Text is RFC 3339; a local time without an offset is read in a zone that the
caller names, and refused where that zone skips it or has it twice. Years run from 1970 to 9998.
"""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

Instant = int
Duration = int

MICROSECOND: Duration = 1
MILLISECOND: Duration = 1_000
SECOND: Duration = 1_000_000
MINUTE: Duration = 60 * SECOND
HOUR: Duration = 60 * MINUTE
DAY: Duration = 24 * HOUR

_UNITS = {"d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "ms": MILLISECOND}
_LONGEST: Duration = 36_525 * DAY
_LAST: Instant = 253_370_764_800 * SECOND  # 9999-01-01: what comes after cannot be shown in every zone
_COUNT = r"(\d{1,12})"  # int() itself refuses thousands of digits, in words of its own
_DURATION = re.compile(rf"(?:{_COUNT}d)?(?:{_COUNT}h)?(?:{_COUNT}m(?!s))?(?:{_COUNT}s)?(?:{_COUNT}ms)?", re.ASCII)
_INSTANT = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_duration(text: str) -> Duration:
    """Read `90s`, `5m`, `1h30m`, `7d`, `500ms`. Raises ValueError where a unit is missing or unknown."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ValueError(
            f'not a duration: "{_short(text)}"; write a number with a unit (ms, s, m, h, d), as in 90s or 1h30m'
        )
    pairs = zip(found.groups(), _UNITS.values(), strict=True)
    duration = sum(int(count) * unit for count, unit in pairs if count)
    if duration > _LONGEST:
        raise ValueError(f'"{text}" is longer than a century')
    return duration


def format_duration(duration: Duration) -> str:
    """Write a duration as `parse_duration` reads it, whole milliseconds and up."""
    parts = []
    rest = abs(duration)
    for name, unit in _UNITS.items():
        count, rest = divmod(rest, unit)
        if count:
            parts.append(f"{count}{name}")
    return ("-" if duration < 0 else "") + ("".join(parts) or "0s")


def parse_instant(text: str, zone: ZoneInfo) -> Instant:
    """Read an RFC 3339 time; without an offset it is local in `zone`.

    Raises ValueError for anything else, for a leap second, for more than six decimals, for a year before 1970 or
    after 9998, and for a local time that occurs twice or never.
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError(f'not a time: "{_short(text)}"; write it as in 2026-12-05T01:00:00+07:00')
    if found[7] and len(found[7]) > 6:
        raise ValueError(f'"{_short(text)}" has more than six decimals; microseconds are the finest')
    if found[6] == "60":
        raise ValueError(f'"{text}" is a leap second, which no clock here shows; write the second after it')
    try:
        local = _local(found)
        instant = _in_zone(text, local, zone) if found[8] is None else _with_offset(local, found[8])
    except OverflowError:
        instant = -1
    except _AmbiguousError:
        raise
    except ValueError as error:
        raise ValueError(f'there is no time "{text}": {error}') from None
    if not 0 <= instant < _LAST:
        raise ValueError(f'"{text}" lies outside the years 1970 to 9998')
    return instant


def from_datetime(aware: datetime) -> Instant:
    """The instant of a datetime that knows its zone."""
    return (aware.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


def to_datetime(instant: Instant, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(microseconds=instant)).astimezone(zone)


def format_instant(instant: Instant, zone: ZoneInfo) -> str:
    """RFC 3339 with the zone's offset, and a fraction only where there is one."""
    local = to_datetime(instant, zone)
    text = local.strftime("%Y-%m-%dT%H:%M:%S").zfill(19)
    fraction = f".{local.microsecond:06}".rstrip("0") if local.microsecond else ""
    offset = local.strftime("%z")
    return f"{text}{fraction}{offset[:3]}:{offset[3:5]}"


def seconds(duration: Duration) -> int | float:
    """Seconds for a document: whole where they are whole, else exact to six decimals."""
    whole, rest = divmod(duration, SECOND)
    return whole if not rest else duration / SECOND


class _AmbiguousError(ValueError):
    """A local time that is no single instant."""


def _local(found: re.Match[str]) -> datetime:
    year, month, day, hour, minute = (int(found[group]) for group in range(1, 6))
    second, fraction = int(found[6] or 0), int((found[7] or "").ljust(6, "0"))
    return datetime(year, month, day, hour, minute, second, fraction)  # noqa: DTZ001 - the zone comes later


def _with_offset(local: datetime, offset: str) -> Instant:
    if offset in "Zz":
        return from_datetime(local.replace(tzinfo=UTC))
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError(f"no zone is {offset} from UTC")
    shift = timedelta(hours=hours, minutes=minutes)
    return from_datetime((local + (shift if offset[0] == "-" else -shift)).replace(tzinfo=UTC))


def _in_zone(text: str, local: datetime, zone: ZoneInfo) -> Instant:
    first, second = (from_datetime(local.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if first == second:
        return first
    readings = f"{format_instant(min(first, second), zone)} or {format_instant(max(first, second), zone)}"
    what = "occurs twice" if first < second else "never occurs"
    raise _AmbiguousError(f'"{text}" {what} in {zone.key}; write it with its offset: {readings}')


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
