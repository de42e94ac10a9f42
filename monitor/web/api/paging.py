"""A page of a list: where it ends is a place in an order that nothing new changes, never a count of entries.

Outages are paged in the order of their starts, so that one which begins meanwhile comes last; declarations in that in
which they were made.
"""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from monitor.core.instants import parse_instant
from monitor.figures import Document
from monitor.web.api.parameters import Asked

Position = tuple[int, str]
"""A number and a name, of which the order consists."""

_UTC = ZoneInfo("UTC")  # not used: a document's times have their offset


def paged(document: Document, key: str, asked: Asked, place: Callable[[int, Any], Position]) -> Document:
    """The document with the part of `document[key]` that was asked for; whole where no `limit` was given.

    `place` gives an entry's position from its number in the list and itself.
    """
    limit, cursor = asked["limit"], asked["cursor"]
    if limit is None and cursor is None:
        return document
    placed = sorted(((place(number, entry), entry) for number, entry in enumerate(document[key])), key=_position)
    coming = [one for one in placed if cursor is None or one[0] > cursor]
    page = coming if limit is None else coming[:limit]
    following = _written(page[-1][0]) if len(page) < len(coming) else None
    return {**document, key: [entry for _, entry in page], "next": following}


def by_start(_number: int, outage: Document) -> Position:
    start: str = outage["start"]
    return parse_instant(start, _UTC), str(outage["service"])


def by_record(_number: int, ticket: Document) -> Position:
    recorded: str = ticket["recorded"]
    return parse_instant(recorded, _UTC), str(ticket["id"])


def by_number(number: int, _entry: Document) -> Position:
    return number + 1, ""


def _position(one: tuple[Position, Any]) -> Position:
    return one[0]


def _written(position: Position) -> str:
    number, name = position
    return f"{number}.{name}" if name else str(number)
