"""The evidence of an outage, from the ledger: its first and last failures, and the good checks on both sides."""

from typing import Any
from zoneinfo import ZoneInfo

from monitor.core.instants import DAY, SECOND, Duration, Instant, format_instant, parse_instant, seconds
from monitor.core.outages import start_of
from monitor.figures import Document
from monitor.ledger import CheckRow, Reader

MOST = 3
"""Failures that are shown from the start of an outage, and as many from its end."""
AROUND: Duration = DAY
"""How far from the failures a good check is looked for."""


def month_of(identity: str, zone: ZoneInfo) -> str | None:
    """The month in which an outage of this id begins; None where it is no id."""
    found = start_of(identity)
    return None if found is None else format_instant(found[1], zone)[:7]


def gathered(reader: Reader, outage: Document, zone: ZoneInfo) -> list[Document]:
    """What was seen in an outage, of each of its targets."""
    return [_of_part(reader, part, zone) for part in outage["bounds"]]


def _of_part(reader: Reader, part: Document, zone: ZoneInfo) -> Document:
    name = part["target"]
    start = parse_instant(part["start"], zone)
    end = parse_instant(part["end"], zone) if part["end"] else 2**62
    first = reader.excerpt(name, start, end, MOST, up=False)
    after = [] if not first else reader.excerpt(name, first[-1].check.at + 1, end, MOST, up=False, newest=True)
    known = first + after
    opening, ending = (known[0].check.at, known[-1].check.at) if known else (start, start)
    before = reader.excerpt(name, opening - AROUND, opening, 1, up=True, newest=True)
    following = reader.excerpt(name, ending, ending + AROUND, 1, up=True) if part["end"] else []
    return {
        "target": name,
        "before": _before(before, first, zone),
        "first": [_document(row, zone) for row in first],
        "last": [_document(row, zone) for row in after],
        "after": _document(following[0], zone) if following else None,
    }


def _before(rows: list[CheckRow], first: list[CheckRow], zone: ZoneInfo) -> Document | None:
    """The last good check; what it saw is kept beside the failure that followed."""
    if not rows:
        return None
    kept = (first[0].evidence or {}).get("before") if first else None
    seen = kept if kept and kept["at"] == rows[0].check.at else None
    return _document(rows[0], zone, seen)


def _document(row: CheckRow, zone: ZoneInfo, seen: dict[str, Any] | None = None) -> Document:
    """A check with what was seen, times in the zone; what older versions did not keep is left out."""
    check, kept = row.check, dict(seen or row.evidence or {})
    for inner in ("before", "at"):
        kept.pop(inner, None)
    if phases := kept.pop("phases", None):
        kept["phases"] = [{"phase": name, "seconds": seconds(spent)} for name, spent in phases]
    if certificate := kept.get("certificate"):
        kept["certificate"] = {**certificate, "not_after": _moment(certificate["not_after"] * SECOND, zone)}
    return {
        "at": _moment(check.at, zone),
        "outcome": check.outcome.value,
        "cause": check.cause,
        "phase": row.phase,
        "duration_seconds": seconds(check.duration),
        **kept,
    }


def _moment(instant: Instant, zone: ZoneInfo) -> str:
    return format_instant(instant, zone)
