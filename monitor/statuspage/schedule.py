"""Maintenance as a calendar to subscribe to (RFC 5545): each occurrence an event of its own, in UTC."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from monitor.core.instants import Instant, to_datetime
from monitor.pages.answers import Answer
from monitor.statuspage.view import Occurrence, View
from monitor.statuspage.words import Words

_UTC = ZoneInfo("UTC")
TYPE = "text/calendar; charset=utf-8"
LONGEST_LINE = 75
"""Octets of a line, without its end (RFC 5545, 3.1)."""


def calendar(view: View, w: Words, name: str | None) -> Answer:
    """All maintenance that is shown, or that of one service."""
    site = view.site
    assert site is not None  # noqa: S101 - nothing is served before
    title = w.page_title(site) if name is None else w.called(site, name)
    lines = [
        ("BEGIN", "VCALENDAR"),
        ("VERSION", "2.0"),
        ("PRODID", "-//mailuptime//status page//EN"),
        ("CALSCALE", "GREGORIAN"),
        ("METHOD", "PUBLISH"),
        ("NAME", escaped(w("calendar.name", title=title))),
        ("X-WR-CALNAME", escaped(w("calendar.name", title=title))),
        ("REFRESH-INTERVAL;VALUE=DURATION", "PT1H"),
    ]
    for one in view.calendar:
        shown = any(service in site.services for service in one.services) or not one.services
        if shown and (name is None or one.concerns(name)):
            lines += _event(one, view, w)
    lines.append(("END", "VCALENDAR"))
    body = "".join(f"{folded(f'{key}:{value}')}\r\n" for key, value in lines)
    return Answer(body.encode(), TYPE)


def _event(one: Occurrence, view: View, w: Words) -> Iterator[tuple[str, str]]:
    assert view.site is not None  # noqa: S101 - as above
    whom = w.concerned(view.site, one)
    yield "BEGIN", "VEVENT"
    yield "UID", escaped(f"{one.id}-{_utc(one.start)}@mailuptime")
    yield "DTSTAMP", _utc(one.changed)
    yield "LAST-MODIFIED", _utc(one.changed)
    yield "SEQUENCE", str(one.revision)
    yield "DTSTART", _utc(one.start)
    yield "DTEND", _utc(one.planned_end if one.cancelled else one.end)
    yield "SUMMARY", escaped(w("calendar.summary", service=whom))
    yield "DESCRIPTION", escaped(one.reason)
    yield "CATEGORIES", "MAINTENANCE"
    yield "STATUS", "CANCELLED" if one.cancelled else "CONFIRMED"
    yield "TRANSP", "TRANSPARENT"
    yield "END", "VEVENT"


def _utc(instant: Instant) -> str:
    return to_datetime(instant, _UTC).strftime("%Y%m%dT%H%M%SZ")


def escaped(text: str) -> str:
    """A TEXT value (RFC 5545, 3.3.11); what does not print is left out, a line's end stands as such."""
    kept = "".join(char for char in text.replace("\r\n", "\n") if char == "\n" or char.isprintable())
    for plain in ("\\", ";", ","):
        kept = kept.replace(plain, f"\\{plain}")
    return kept.replace("\n", "\\n")


def folded(line: str) -> str:
    """In lines of 75 octets at most, never within a character."""
    parts, part, size = [], "", 0
    for char in line:
        octets = len(char.encode())
        if size + octets > LONGEST_LINE:
            parts.append(part)
            part, size = " ", 1
        part += char
        size += octets
    return "\r\n".join([*parts, part])
