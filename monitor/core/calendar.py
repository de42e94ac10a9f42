"""Calendar months in the zone of the agreement (R8).

Both ends of a month are converted to instants before anything is subtracted, so that a month with a change to or
from summer time is an hour shorter or longer.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from zoneinfo import ZoneInfo

from monitor.core.instants import Instant, from_datetime

_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `YYYY-MM`. Raises ValueError for anything else, and for a month that does not exist."""
        found = _MONTH.fullmatch(text)
        if found is None:
            raise ValueError(f'not a month: "{text}"; write YYYY-MM, as in 2026-11')
        year, number = (int(part) for part in found.groups())
        if not (1 <= number <= 12 and 1970 <= year <= 9998):
            raise ValueError(f'there is no month "{text}"; months run from 1970-01 to 9998-12')
        return cls(year, number)

    @classmethod
    def of(cls, instant: Instant, zone: ZoneInfo) -> Self:
        local = datetime.fromtimestamp(instant // 1_000_000, UTC).astimezone(zone)
        return cls(local.year, local.month)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    def plus(self, months: int) -> "Month":
        index = self.year * 12 + self.number - 1 + months
        return Month(index // 12, index % 12 + 1)

    def start(self, zone: ZoneInfo) -> Instant:
        """The month's first instant: local midnight, or where the clocks skip it, the first instant of that day."""
        return from_datetime(datetime(self.year, self.number, 1, tzinfo=zone))

    def span(self, zone: ZoneInfo) -> tuple[Instant, Instant]:
        """The month as `[start, end)`."""
        return self.start(zone), self.plus(1).start(zone)
