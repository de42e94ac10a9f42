"""How single values are read from the configuration's text."""

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel as PydanticModel
from pydantic import BeforeValidator, ConfigDict, PlainSerializer, StringConstraints, ValidationInfo

from monitor.core.instants import Duration, Instant, format_duration, parse_duration, parse_instant

NAME = r"[a-z0-9][a-z0-9_-]*"


class Model(PydanticModel):
    """Frozen, strict about keys; values come as text."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{what} is expected")  # noqa: TRY004 - pydantic reports ValueError
    return value


def _duration(value: Any) -> Duration:
    return value if isinstance(value, int) else parse_duration(_text(value, "a duration with a unit, as in 90s,"))


def _positive_duration(value: Any) -> Duration:
    duration = _duration(value)
    if duration <= 0:
        raise ValueError("must be more than nothing")
    return duration


def _instant(value: Any, info: ValidationInfo) -> Instant:
    if isinstance(value, int):
        return value
    return parse_instant(_text(value, "a time, as in 2026-12-05T01:00+07:00,"), (info.context or {})["zone"])


def _percent(value: Any) -> Fraction:
    if isinstance(value, Fraction):
        return value
    text = _text(value, "a percentage, as in 99.5%,")
    try:
        number = Fraction(Decimal(text.removesuffix("%").strip()))
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError(f'not a percentage: "{text}"; write it as in 99.5%') from None
    if not text.endswith("%") or not 0 < number <= 100:
        raise ValueError(f'"{text}" is not above 0% and at most 100%')
    return number


def _zone(value: Any) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    text = _text(value, "the name of a time zone")
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'there is no time zone "{text}"; write one as in Asia/Bangkok') from None


def _listen(value: Any) -> tuple[str, int]:
    if isinstance(value, tuple):
        return str(value[0]), int(value[1])
    host, colon, port = _text(value, "an address and port, as in 127.0.0.1:9925,").rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f'not an address and a port: "{value}"; write it as in 127.0.0.1:9925 or [::1]:9925')
    return host, int(port)


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value not in {"true", "false"}:
        raise ValueError("true or false is expected")
    return bool(value == "true")


def _scope(value: Any) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(one, str) for one in listed):
        raise ValueError("names of services or of targets (service/target) are expected")
    return tuple(listed)


def _pulse(value: Any) -> Duration | None:
    return None if value in {"off", None} else _positive_duration(value)


_shown_duration = PlainSerializer(format_duration, return_type=str)

DurationValue = Annotated[int, BeforeValidator(_duration), _shown_duration]
PositiveDuration = Annotated[int, BeforeValidator(_positive_duration), _shown_duration]
PulseValue = Annotated[int | None, BeforeValidator(_pulse)]
InstantValue = Annotated[int, BeforeValidator(_instant)]
PercentValue = Annotated[Fraction, BeforeValidator(_percent)]
ZoneValue = Annotated[ZoneInfo, BeforeValidator(_zone)]
ListenValue = Annotated[tuple[str, int], BeforeValidator(_listen)]
SwitchValue = Annotated[bool, BeforeValidator(_switch)]
ScopeValue = Annotated[tuple[str, ...], BeforeValidator(_scope)]
NameValue = Annotated[str, StringConstraints(pattern=rf"^{NAME}$", max_length=100)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
