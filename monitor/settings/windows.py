"""Maintenance windows and exclusions: what they cover, whether they can, and who they are (R13, R14, R15)."""

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any, TypeVar
from unicodedata import category, normalize
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from monitor.core.instants import format_instant, to_datetime
from monitor.core.recurrence import Recurrence
from monitor.settings.fields import quote
from monitor.settings.models import ExclusionSettings, WindowSettings
from monitor.settings.problems import Loc, Report
from monitor.settings.reader import Reader
from monitor.settings.uses import Names

MOST_A_DAY = 1000
_CYCLE = 400  # years after which the calendar repeats, week-days included
_PART = re.compile(r"([A-Z]+)=([^;=]+)", re.ASCII)
_UNTIL = re.compile(r"\d{8}T\d{6}Z?", re.ASCII)
_DATES = ("BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYSETPOS")
_KNOWN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYSECOND", "BYMINUTE", "BYHOUR", *_DATES}
_EXAMPLE = "write it as in FREQ=MONTHLY;BYDAY=1SU"

Listed = TypeVar("Listed", WindowSettings, ExclusionSettings)


def read_windows(reader: Reader, items: Iterable[tuple[Loc, Any]], names: Names) -> tuple[WindowSettings, ...]:
    """`names` are what a scope may name."""
    found = []
    for loc, item in items:
        window = reader.model(WindowSettings, item, loc)
        if window is not None:
            _scope(reader.report, loc, window.scope, names)
            _approval(reader, loc, window)
            _times(reader, loc, window)
            found.append((loc, _identified(window)))
    _unique(reader.report, found)
    return tuple(window for _, window in found)


def read_exclusions(reader: Reader, items: Iterable[tuple[Loc, Any]], names: Names) -> tuple[ExclusionSettings, ...]:
    found = []
    for loc, item in items:
        exclusion = reader.model(ExclusionSettings, item, loc)
        if exclusion is not None:
            _scope(reader.report, loc, exclusion.scope, names)
            _approval(reader, loc, exclusion)
            _span(reader.report, loc, exclusion)
            found.append((loc, _identified(exclusion)))
    _unique(reader.report, found)
    return tuple(exclusion for _, exclusion in found)


def same_person(one: str, other: str) -> bool:
    """Whether two names may be one person's: who writes his name with a capital or a blank more is nobody else."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    folded = normalize("NFKC", normalize("NFKC", name).casefold())
    return "".join(char for char in folded if not char.isspace() and category(char) != "Cf")


def _identified(one: Listed) -> Listed:
    """Without an id the content is the identity; when it was declared and who approved it are not part of it."""
    if one.id:
        return one
    content = one.model_dump(exclude={"id", "declared", "approved_by"}) | {"scope": sorted(set(one.scope))}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return one.model_copy(update={"id": hashlib.sha256(text.encode()).hexdigest()[:16]})


def _unique(report: Report, found: list[tuple[Loc, Listed]]) -> None:
    first: dict[str, Loc] = {}
    loc: Loc
    for loc, one in found:
        if one.id not in first:
            first[one.id] = loc
            continue
        line = report.values[first[one.id]].line
        if (*loc, "id") in report.values:
            report.add((*loc, "id"), f"id {quote(one.id)} is taken, at line {line}")
        else:
            report.add(loc, f"the same is declared already, at line {line}")


def _scope(report: Report, loc: Loc, scope: tuple[str, ...], names: Names) -> None:
    for index, name in enumerate(scope):
        if name not in names:
            what = "target" if "/" in name else "service"
            where = report.known((*loc, "scope", index))
            report.add(where, f"there is no {what} {quote(name)}", names.meant(name))


def _approval(reader: Reader, loc: Loc, one: WindowSettings | ExclusionSettings) -> None:
    """Recorded exclusions and windows may show it: R14 says that it lifts nothing. Declaring it is pointless."""
    given = one.approved_by
    if given is not None and same_person(given, one.by) and not reader.context.recorded:
        reader.report.add((*loc, "approved_by"), "approved_by must be somebody other than by")


def _span(report: Report, loc: Loc, exclusion: ExclusionSettings) -> None:
    start, end = exclusion.start, exclusion.end
    if exclusion.outage is not None:
        for key, value in (("start", start), ("end", end)):
            if value is not None:
                report.add((*loc, key), "not with outage", "leave one of them out", at="key")
    elif start is None or end is None:
        report.add((*loc, "start" if start is None else "end"), "is required", "or outage", at="key")
    elif end <= start:
        report.add((*loc, "end"), "must be after start")


def _times(reader: Reader, loc: Loc, window: WindowSettings) -> None:
    report = reader.report
    if window.rrule is None:
        for key in ("duration", "timezone"):
            if getattr(window, key) is not None:
                report.add((*loc, key), "only with rrule", at="key")
        if window.end is None:
            report.add((*loc, "end"), "is required", "or rrule and duration", at="key")
        elif window.end <= window.start:
            report.add((*loc, "end"), "must be after start")
        return
    if window.end is not None:
        report.add((*loc, "end"), "not with rrule", "write the duration of each occurrence", at="key")
    if window.duration is None:
        report.add((*loc, "duration"), "is required with rrule", at="key")
    zone = ZoneInfo(window.timezone) if window.timezone else reader.context.zone
    _recurrence(report, loc, window, zone)


def _recurrence(report: Report, loc: Loc, window: WindowSettings, zone: ZoneInfo) -> None:
    rule = window.rrule or ""
    try:
        parts = _parts(rule)
        if until := parts.get("UNTIL"):
            _check_until(until)
        # The accounting reads it too; better that it stumbles here.
        recurrence = Recurrence(rule, window.start, zone, window.duration or 1)
        start = to_datetime(window.start, zone).replace(tzinfo=None)
        near = _near(parts, start)
        if not near or near[0] != _late(start):
            following = f"the first one after it is {_shown(near[0], start, zone)}" if near else None
            problem = "is no occurrence of rrule" if near else "and no other time is an occurrence of rrule"
            report.add((*loc, "start"), f"{format_instant(window.start, zone)} {problem}", following)
        elif len(near) > MOST_A_DAY:
            report.add((*loc, "rrule"), f"more than {MOST_A_DAY} occurrences a day")
        elif not recurrence.starts_with_occurrence():
            report.add((*loc, "rrule"), "yields no occurrence", "UNTIL lies before start")
    except (ValueError, TypeError, OverflowError) as error:
        report.add((*loc, "rrule"), f"not a recurrence rule: {error}", _EXAMPLE)


def _parts(rule: str) -> dict[str, str]:
    """The parts of a rule (RFC 5545, 3.3.10). Raises ValueError."""
    parts: dict[str, str] = {}
    for text in rule.upper().removeprefix("RRULE:").split(";"):
        found = _PART.fullmatch(text)
        if found is None or found[1] not in _KNOWN:
            raise ValueError(f"{quote(text)} is no part of one")
        if found[1] in parts:
            raise ValueError(f"{found[1]} is there twice")
        parts[found[1]] = found[2]
    if "FREQ" not in parts:
        raise ValueError("FREQ is required")
    if parts.get("INTERVAL", "1").strip("0") == "" or parts.get("COUNT", "1").strip("0") == "":
        raise ValueError("INTERVAL and COUNT must be at least 1")
    if "UNTIL" in parts and "COUNT" in parts:
        raise ValueError("UNTIL and COUNT exclude each other")
    return parts


def _check_until(until: str) -> None:
    if re.fullmatch(r"\d{8}", until):
        raise ValueError(f"UNTIL={until} is a day, where a time is needed: UNTIL={until}T235959")
    if not _UNTIL.fullmatch(until):
        raise ValueError(f"UNTIL={until} is no time as in UNTIL=20271231T235959")
    datetime.strptime(until.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007 - only whether there is such a time


def _late(start: datetime) -> datetime:
    """The same time of the calendar in its last cycle, where a search for what never comes soon ends."""
    cycles = (9999 - start.year) // _CYCLE
    return start.replace(year=start.year + cycles * _CYCLE, microsecond=start.microsecond)


def _near(parts: dict[str, str], start: datetime) -> list[datetime]:
    """The first occurrence, and those on the day after it, as many as matter; without COUNT and UNTIL."""
    endless = ";".join(f"{key}={value}" for key, value in parts.items() if key not in {"COUNT", "UNTIL"})
    occurrences = iter(rrulestr(endless, dtstart=_late(start)))
    first = next(occurrences, None)
    if first is None:
        return []
    rest = takewhile(lambda one: one < first + timedelta(days=1), occurrences)
    return [first, *islice(rest, MOST_A_DAY)]


def _shown(found: datetime, start: datetime, zone: ZoneInfo) -> str:
    local = found.replace(year=found.year - (_late(start).year - start.year))
    return local.replace(tzinfo=zone).isoformat()
