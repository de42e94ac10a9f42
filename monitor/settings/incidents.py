"""The sections `calendar` and `incidents`: business hours, the agreement's clocks, and what outages open."""

import re
from datetime import date
from fractions import Fraction
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, PlainValidator

from monitor.core.business import Hours
from monitor.core.clocks import CLOCKS_BY_DEFAULT, RESPONSES_BY_DEFAULT, ClockRule, TicketRules
from monitor.core.instants import DAY, HOUR, MINUTE, parse_duration
from monitor.settings.fields import Kind, Percentage, RefusedError, Switch, count, quote, shape, written
from monitor.settings.sections import Section

_HOURS = re.compile(r"(\d\d):(\d\d) ?[-–] ?(\d\d):(\d\d)", re.ASCII)
Runs = Literal["always", "business"]


class OfDay(NamedTuple):
    """Microseconds since midnight; 24:00 is the day's end."""

    opens: int
    closes: int

    def __str__(self) -> str:
        return "-".join(f"{one // HOUR:02}:{one % HOUR // MINUTE:02}" for one in self)


def _hours(value: Any) -> OfDay:
    text = written(value, "hours of a day")
    found = _HOURS.fullmatch(text)
    if found is None:
        raise RefusedError(f"{quote(text)} are no hours of a day", "write them as in 08:30-17:30")
    first, last = (int(found[n]) * HOUR + int(found[n + 1]) * MINUTE for n in (1, 3))
    if int(found[2]) > 59 or int(found[4]) > 59 or not first < last <= DAY:
        raise RefusedError(f"{quote(text)} are no hours of a day", "the second must be later, 24:00 at the latest")
    return OfDay(first, last)


def _dates(value: Any) -> tuple[date, ...]:
    if not isinstance(value, list):
        raise RefusedError(f"a list of dates is expected, not {shape(value)}")
    return tuple(map(_date, value))


def _date(value: Any) -> date:
    text = written(value, "a date")
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise RefusedError(f"{quote(text)} is not a date", "write it as in 2026-12-11") from None
    if found.year > 2400:
        raise RefusedError(f"{quote(text)} lies too far ahead", "a year of the Buddhist era is 543 less here")
    return found


def _length(value: Any) -> int | Literal["off"]:
    text = written(value, "a duration")
    return "off" if text == "off" else parse_duration(text)


BusinessHours = Annotated[OfDay, PlainValidator(_hours), Kind("hours of a day")]
Dates = Annotated[tuple[date, ...], PlainValidator(_dates), Kind("list of dates")]
Length = Annotated[int | Literal["off"], PlainValidator(_length), Kind("duration, or off")]
BusinessDays = Annotated[int, count(1, 100), Kind("whole number", "business days")]
Priority = Literal["P1", "P2", "P3", "P4", "off"]


class CalendarSettings(Section):
    """Business hours in the agreement's zone, and the days that have none."""

    hours: BusinessHours = Field(
        OfDay(8 * HOUR + 30 * MINUTE, 17 * HOUR + 30 * MINUTE),
        description="Business hours of a day.",
        examples=["08:30-17:30"],
    )
    weekends: Switch = Field(
        False, description="Whether Saturdays and Sundays have business hours too.", examples=["false"]
    )
    holidays: Literal["government", "public", "none"] = Field(
        "government",
        description="Thai holidays without business hours: `government` are the public ones, bridge and substitution "
        "days among them, and those of government offices alone. `none` with `weekends: true` and the provider's own "
        "days in `add` is the agreement's text to the letter.",
        examples=["public"],
    )
    add: Dates = Field(
        (), description="Further days without business hours: the provider's own.", examples=["[2026-12-11]"]
    )
    remove: Dates = Field((), description="Holidays that are business days all the same.", examples=["[2026-05-13]"])


class ResponseSettings(Section):
    """How long an answer may take, by the channel of the report."""

    telephone: Length = Field(
        MINUTE, description="By telephone: at once, which is measured with this tolerance.", examples=["1m"]
    )
    email: Length = Field(30 * MINUTE, description="By e-mail.", examples=["30m"])
    web: Length = Field(30 * MINUTE, description="By a form.", examples=["30m"])
    monitor: Length = Field("off", description="What the monitor reports itself: nobody waits.", examples=["30m"])


class ClockSettings(Section):
    """Each key that is left out is as the agreement has it."""

    resolution: Length | None = Field(None, description="How long the resolution may take.", examples=["12h"])
    runs: Runs | None = Field(None, description="In which hours the resolution's clock runs.", examples=["business"])
    intake: Runs | None = Field(
        None,
        description="`business`: both clocks begin with the next business hour, and the answer's runs in business "
        "hours too.",
        examples=["always"],
    )


_AS_AGREED = ClockSettings.model_construct()


class ClocksSettings(Section):
    """By priority: P1 to P4 of incidents, the others of requests."""

    P1: ClockSettings = Field(_AS_AGREED, description="Critical incidents.")
    P2: ClockSettings = Field(_AS_AGREED, description="High.")
    P3: ClockSettings = Field(_AS_AGREED, description="Medium.")
    P4: ClockSettings = Field(_AS_AGREED, description="Low.")
    high: ClockSettings = Field(_AS_AGREED, description="Requests of high priority.")
    medium: ClockSettings = Field(_AS_AGREED, description="Of medium priority.")
    low: ClockSettings = Field(_AS_AGREED, description="Of low priority.")
    complaint: ClockSettings = Field(_AS_AGREED, description="Complaints.")


class FromOutages(Section):
    """Which priority the incident has that a confirmed outage opens; `off` where it opens none."""

    whole_service: Priority = Field("P1", description="All protocols of a service are down.", examples=["P1"])
    one_protocol: Priority = Field("P2", description="Some protocols of a service are down.", examples=["P2"])
    one_agency: Priority = Field(
        "P3",
        description="A service is down that is a member of another, or one of several that say whom they serve "
        "(`accounts`).",
        examples=["off"],
    )
    resolution: Literal["proposed", "recorded"] = Field(
        "proposed",
        description="What an outage's end does: proposes to somebody that the incident is resolved, or records it.",
        examples=["recorded"],
    )


class IncidentsSettings(Section):
    """What is promised of incidents, service requests and complaints: see [INCIDENTS.md](INCIDENTS.md).

    What of `clocks` is left out is as agreed: P1 `3h36m` and P2 `8h` at any time; P3 `12h` and P4 `24h`, requests `8h`,
    `12h` and `24h` in business hours; complaints have no clock.
    """

    promised: Percentage = Field(
        Fraction(99), description="Of a month's responses, and of its resolutions, within target.", examples=["99.0%"]
    )
    response: ResponseSettings = Field(ResponseSettings.model_construct(), description="How long an answer may take.")
    clocks: ClocksSettings = Field(ClocksSettings.model_construct(), description="By priority.")
    not_reached_after: BusinessDays = Field(
        3, description="From when a ticket may be closed whose reporter was not reached.", examples=["3"]
    )
    from_outages: FromOutages = Field(FromOutages.model_construct(), description="What outages open.")


def ticket_rules(calendar: CalendarSettings, incidents: IncidentsSettings) -> TicketRules:
    """What of the settings decides how tickets are judged, but which days are holidays."""
    response: dict[str, int | None] = {}
    for channel in RESPONSES_BY_DEFAULT:
        length = getattr(incidents.response, channel)
        response[channel] = None if length == "off" else length
    clocks: dict[str, ClockRule] = {}
    for name in ("incident/P1", "incident/P2", "incident/P3", "incident/P4", "request/high", "request/medium",
                 "request/low", "complaint"):  # fmt: skip
        rule = _rule(getattr(incidents.clocks, name.rpartition("/")[2]), CLOCKS_BY_DEFAULT.get(name))
        if rule is not None:
            clocks[name] = rule
    hours = Hours(*calendar.hours, calendar.weekends)
    return TicketRules(incidents.promised, response, clocks, hours, incidents.not_reached_after)


def _rule(given: ClockSettings, usual: ClockRule | None) -> ClockRule | None:
    if usual is None:
        if given.resolution is None and given.runs is None and given.intake is None:
            return None
        usual = ClockRule(None, "business", "business")
    resolution = usual.resolution if given.resolution is None else given.resolution
    runs, intake = given.runs or usual.runs, given.intake or usual.intake
    return ClockRule(None if resolution == "off" else resolution, runs, intake)
