"""On which days offices are closed: the official ones, those of the configuration, and what a closed month has frozen.

The only importer of `holidays`, whose list ends with what was decided when it was published: cabinet resolutions since
then are added by the configuration, or with a newer version.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

import holidays

from monitor.core.calendar import Month
from monitor.core.instants import Instant, to_datetime

Official = Literal["government", "public", "none"]
_CATEGORIES: Mapping[str, tuple[str, ...]] = {"government": ("public", "government"), "public": ("public",), "none": ()}
_COUNTRY = "TH"


@cache
def official(year: int, which: Official) -> Mapping[date, str]:
    """The holidays of a year with their English names; none in a year that the list does not know."""
    categories = _CATEGORIES[which]
    if not categories:
        return {}
    return dict(holidays.country_holidays(_COUNTRY, years=year, categories=categories, language="en_US"))


@dataclass(frozen=True)
class Days:
    """Which days are closed as far as is known now; a month in `frozen` keeps the days that it was closed with."""

    which: Official = "government"
    added: frozenset[date] = frozenset()
    removed: frozenset[date] = frozenset()
    frozen: Mapping[str, frozenset[date]] = field(default_factory=dict)

    def closed(self, day: date) -> bool:
        kept = self.frozen.get(f"{day.year:04}-{day.month:02}")
        if kept is not None:
            return day in kept
        return day in self.added or (day not in self.removed and day in official(day.year, self.which))

    def within(self, first: date, last: date) -> list[date]:
        """The closed days from `first` to `last`, both included."""
        return [day for day in _days(first, last) if self.closed(day)]

    def used(self, month: Month, now: Instant, zone: ZoneInfo) -> list[str]:
        """What a month that is closed now is judged by: no day after now has decided anything."""
        first = to_datetime(month.start(zone), zone).date()
        return [day.isoformat() for day in self.within(first, to_datetime(now, zone).date())]


def frozen_of(closings: Iterable[Mapping[str, object]]) -> dict[str, frozenset[date]]:
    """The days of each closed month, as its first closing names them; older closings name none."""
    found: dict[str, frozenset[date]] = {}
    for body in closings:
        month, named = str(body["month"]), body.get("holidays")
        if isinstance(named, list) and month not in found:
            found[month] = frozenset(date.fromisoformat(day) for day in named if day.startswith(month))
    return found


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
