"""Business hours: exact time between two instants, and where a stretch of business time ends.

Hours are local times of one day, `[opens, closes)`. Which days are closed is injected: official holidays are declared
by people, and change.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.core.instants import HOUR, MINUTE, Duration, Instant, from_datetime, to_datetime
from monitor.core.intervals import Span

_SATURDAY = 5
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """Of a day's local time, in microseconds since midnight; `weekends`: whether Saturday and Sunday have them too."""

    opens: Duration = 8 * HOUR + 30 * MINUTE
    closes: Duration = 17 * HOUR + 30 * MINUTE
    weekends: bool = False


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """`closed` tells of a local date whether it is a holiday."""

    zone: ZoneInfo
    hours: Hours
    closed: Callable[[date], bool]

    def is_business_day(self, day: date) -> bool:
        return (self.hours.weekends or day.weekday() < _SATURDAY) and not self.closed(day)

    def business_time(self, start: Instant, end: Instant) -> Duration:
        """Business time in `[start, end)`; negative where `end` lies before `start`, so that it always adds up."""
        if end < start:
            return -self.business_time(end, start)
        total = 0
        for opens, closes in self._from(start):
            if opens >= end:
                break
            total += max(0, min(end, closes) - max(start, opens))
        return total

    def add_business_time(self, start: Instant, duration: Duration) -> Instant:
        """The first instant with that much business time between `start` and it; `start` itself for none."""
        if duration <= 0:
            return start
        for opens, closes in self._from(start):
            begins = max(start, opens)
            if begins + duration <= closes:
                return begins + duration
            duration -= max(0, closes - begins)
        raise AssertionError  # days end with an OverflowError

    def next_open(self, instant: Instant) -> Instant:
        """The instant itself in business hours, else when they next begin."""
        return next(max(instant, opens) for opens, closes in self._from(instant) if instant < closes)

    def after_business_days(self, instant: Instant, days: int) -> Instant:
        """The end of business hours on the n-th business day after the day of an instant."""
        day = self._day(instant)
        while days:
            day += _ONE_DAY
            days -= self.is_business_day(day)
        return self._at(day, self.hours.closes)

    def _from(self, start: Instant) -> Iterator[Span]:
        """The business hours of each day from that of `start` on."""
        day = self._day(start)
        while True:
            if self.is_business_day(day):
                yield self._at(day, self.hours.opens), self._at(day, self.hours.closes)
            day += _ONE_DAY

    def _day(self, instant: Instant) -> date:
        return to_datetime(instant, self.zone).date()

    def _at(self, day: date, of_day: Duration) -> Instant:
        """A local time of day: added to local midnight by the clock on the wall, not by elapsed time."""
        local = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(microseconds=of_day)
        return from_datetime(local.replace(tzinfo=self.zone))
