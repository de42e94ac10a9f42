"""How one value is read from its text: durations, times, percentages, addresses, names.

A value that cannot be read raises `RefusedError`, a ValueError with a hint. Everything is text here, so that `010`,
`NO` and `22:30` mean what the key they stand at says, or are refused.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import PlainValidator, StringConstraints, ValidationInfo

from monitor.core.instants import Duration as Microseconds
from monitor.core.instants import Instant as Epoch
from monitor.core.instants import parse_duration, parse_instant
from monitor.settings.problems import suggest

MAX_SOCKET_PATH = 107  # bytes of sun_path without its terminating NUL
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,9})?)(?: ?%)", re.ASCII)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*", re.ASCII)
_IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}", re.ASCII)
_WHOLE = re.compile(r"0|[1-9]\d{0,17}", re.ASCII)
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z](?:[0-9A-Za-z._-]*)):(\d{1,5})", re.ASCII)
_SWITCH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class RefusedError(ValueError):
    """A value that cannot be read, with what to write instead."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Kind:
    """What the reference calls a type; `unit` is what its numbers count."""

    name: str
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.unit})" if self.unit else self.name


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What the monitor tests of itself: `resolver`, `gateway`, or a TCP connection to `address`."""

    name: str
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A service is down when this many of its parts are."""

    at_least: int


@dataclass(frozen=True, slots=True)
class Context:
    """What reading a value depends on beside its text."""

    zone: ZoneInfo
    directory: Path
    recorded: bool = False  # what others declared and decided, to be judged as it stands


def written(value: Any, what: str) -> str:
    """The text of a value. Raises RefusedError where a mapping, a list or nothing stands."""
    if isinstance(value, str):
        return value.strip()
    raise RefusedError(f"{what} is expected, not {shape(value)}")


def shape(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else "a single value"


def quote(text: str) -> str:
    return f'"{text}"' if len(text) <= 60 else f'"{text[:59]}…"'


def _duration(value: Any) -> Microseconds:
    return parse_duration(written(value, "a duration"))


def _positive(value: Any) -> Microseconds:
    duration = _duration(value)
    if duration == 0:
        raise RefusedError("must be longer than 0s")
    return duration


def _pulse(value: Any) -> Microseconds | None:
    return None if value is None or value == "off" else _positive(value)


def _instant(value: Any, info: ValidationInfo[Any]) -> Epoch:
    return parse_instant(written(value, "a time"), info.context.zone)


def _zone(value: Any) -> ZoneInfo:
    name = written(value, "a time zone")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RefusedError(f"unknown time zone {quote(name)}", _similar_zone(name)) from None


def _similar_zone(name: str) -> str:
    by_lower = {zone.lower(): zone for zone in _zones()}
    close = suggest(name, by_lower) or ""
    lower = close.removeprefix('did you mean "').removesuffix('"?')
    return f'did you mean "{by_lower[lower]}"?' if lower in by_lower else "write it as in Asia/Bangkok"


@cache
def _zones() -> frozenset[str]:
    return frozenset(zone for zone in available_timezones() if "/" in zone or zone == "UTC")


def _percentage(value: Any) -> Fraction:
    text = written(value, "a percentage")
    found = _PERCENT.fullmatch(text)
    if found is None:
        raise RefusedError(f"not a percentage: {quote(text)}", "write it as in 99.5%")
    percentage = Fraction(found[1])
    if not 0 < percentage <= 100:
        raise RefusedError(f"{text} is not above 0% and at most 100%")
    return percentage


def whole(value: Any) -> int:
    """A number as it is usually written: `010` is 8 to YAML and 10 to people, so it is neither."""
    text = written(value, "a whole number")
    if _WHOLE.fullmatch(text) is None:
        raise RefusedError(f"not a whole number: {quote(text)}")
    return int(text)


def count(least: int, most: int) -> PlainValidator:
    """A whole number between these, both included."""

    def counted(value: Any) -> int:
        number = whole(value)
        if not least <= number <= most:
            raise RefusedError(f"{number} is not between {least} and {most}")
        return number

    return PlainValidator(counted)


def _switch(value: Any) -> bool:
    text = written(value, "true or false")
    if text.lower() not in _SWITCH:
        raise RefusedError(f"{quote(text)} is neither true nor false")
    return _SWITCH[text.lower()]


def name(value: Any) -> str:
    """A name as it may stand in labels, addresses and commands."""
    text = written(value, "a name")
    if not is_name(text):
        raise RefusedError(
            f"{quote(text)} is not a name", "lower-case letters, digits, - and _; a letter or digit first"
        )
    return text


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def identity(value: Any) -> str:
    text = written(value, "an id")
    if _IDENTITY.fullmatch(text) is None:
        raise RefusedError(f"{quote(text)} is not an id", "letters, digits and ._:-; at most 100")
    return text


def address(value: Any) -> Address:
    """`host:port`, an IPv6 address in brackets."""
    text = written(value, "an address")
    found = _HOST_PORT.fullmatch(text)
    if found is None or int(found[2]) > 65535:
        raise RefusedError(f"{quote(text)} is not host:port", "write it as in 127.0.0.1:9925 or [::1]:9925")
    return Address(found[1].strip("[]"), int(found[2]))


def _self_test(value: Any) -> SelfTest:
    text = written(value, "a self test")
    if text in {"resolver", "gateway"}:
        return SelfTest(text)
    if text.startswith("tcp://"):
        return SelfTest(text, address(text.removeprefix("tcp://")))
    raise RefusedError(f"unknown self test {quote(text)}", "known: resolver, gateway, tcp://host:port")


def _down_when(value: Any) -> Literal["any", "all"] | AtLeast:
    if isinstance(value, dict) and list(value) == ["at_least"]:
        number = whole(value["at_least"])
        if number == 0:
            raise RefusedError("at_least must be at least 1")
        return AtLeast(number)
    if value == "any":
        return "any"
    if value == "all":
        return "all"
    what = f"unknown rule {quote(value)}" if isinstance(value, str) else "not a rule"
    raise RefusedError(what, "known: any, all, {at_least: n}")


def _path(value: Any, info: ValidationInfo[Any]) -> Path:
    text = written(value, "a path")
    if not text:
        raise RefusedError("must not be empty")
    directory: Path = info.context.directory
    return directory / text


def _socket(value: Any, info: ValidationInfo[Any]) -> Path:
    path = _path(value, info)
    if len(bytes(path)) > MAX_SOCKET_PATH:
        raise RefusedError(f"longer than the {MAX_SOCKET_PATH} bytes that a socket's path may have")
    return path


def _scope(value: Any) -> tuple[str, ...]:
    """Names without order; none at all is written by leaving the key out."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list):
        raise RefusedError(f"a name or a list of names is expected, not {shape(value)}")
    if not items:
        raise RefusedError("an empty scope", "leave it out for everything")
    return tuple(written(item, "a name") for item in items)


Duration = Annotated[int, PlainValidator(_duration), Kind("duration")]
PositiveDuration = Annotated[int, PlainValidator(_positive), Kind("duration")]
DownWhen = Annotated[Literal["any", "all"] | AtLeast, PlainValidator(_down_when), Kind("any, all or {at_least: n}")]
Pulse = Annotated[int | None, PlainValidator(_pulse), Kind("duration, or off")]
Instant = Annotated[int, PlainValidator(_instant), Kind("time")]
Zone = Annotated[ZoneInfo, PlainValidator(_zone), Kind("time zone")]
ZoneName = Annotated[str, PlainValidator(lambda value: _zone(value).key), Kind("time zone")]
Percentage = Annotated[Fraction, PlainValidator(_percentage), Kind("percentage")]
Row = Annotated[int, count(1, 100), Kind("whole number", "checks")]
Logins = Annotated[int, count(1, 100), Kind("whole number", "checks")]
Months = Annotated[int, count(1, 120), Kind("whole number", "months")]
Processes = Annotated[int, count(0, 64), Kind("whole number", "processes")]
Accounts = Annotated[int, count(1, 10**9), Kind("whole number", "accounts")]
Services = Annotated[int, count(1, 10**6), Kind("whole number", "services")]
Switch = Annotated[bool, PlainValidator(_switch), Kind("true or false")]
Name = Annotated[str, PlainValidator(name), Kind("name")]
Identity = Annotated[str, PlainValidator(identity), Kind("text")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), Kind("text")]
Listen = Annotated[Address, PlainValidator(address), Kind("host:port")]
Test = Annotated[SelfTest, PlainValidator(_self_test), Kind("resolver, gateway or tcp://host:port")]
FilePath = Annotated[Path, PlainValidator(_path), Kind("path")]
SocketPath = Annotated[Path, PlainValidator(_socket), Kind("path")]
Scope = Annotated[tuple[str, ...], PlainValidator(_scope), Kind("name, or list of names")]
