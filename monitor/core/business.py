"""Business hours: exact time between two instants, and where a stretch of business time ends.

Hours are local times of one day, `[opens, closes)`. Which days are closed is injected: official holidays are declared
by people, and change. A year's hours are added up once, so that an answer costs the same for a day and for a year.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.core.instants import HOUR, MINUTE, Duration, Instant, from_datetime, to_datetime

_SATURDAY = 5
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """Of a day's local time, in microseconds since midnight; `weekends`: whether Saturday and Sunday have them too."""

    opens: Duration = 8 * HOUR + 30 * MINUTE
    closes: Duration = 17 * HOUR + 30 * MINUTE
    weekends: bool = False


@dataclass(frozen=True, slots=True)
class _Year:
    """The business days of a year in their order: when they open and close, the year's business time before each."""

    opens: list[Instant]
    closes: list[Instant]
    before: list[Duration]
    total: Duration

    def elapsed(self, instant: Instant) -> Duration:
        """The year's business time up to an instant."""
        number = bisect_right(self.opens, instant) - 1
        return 0 if number < 0 else self.before[number] + min(instant, self.closes[number]) - self.opens[number]

    def reached(self, elapsed: Duration) -> Instant:
        """The first instant up to which so much of the year's business time has elapsed, which is more than none."""
        number = bisect_left(self.before, elapsed) - 1
        return self.opens[number] + elapsed - self.before[number]


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """`closed` tells of a local date whether it is a holiday, and has to stay with it."""

    zone: ZoneInfo
    hours: Hours
    closed: Callable[[date], bool]
    _years: dict[int, _Year] = field(default_factory=dict, compare=False, repr=False)

    def is_business_day(self, day: date) -> bool:
        return (self.hours.weekends or day.weekday() < _SATURDAY) and not self.closed(day)

    def business_time(self, start: Instant, end: Instant) -> Duration:
        """Business time in `[start, end)`; negative where `end` lies before `start`, so that it always adds up."""
        if end < start:
            return -self.business_time(end, start)
        first, last = self._day(start).year, self._day(end).year
        between = sum(self._year(year).total for year in range(first, last))
        return between + self._year(last).elapsed(end) - self._year(first).elapsed(start)

    def add_business_time(self, start: Instant, duration: Duration) -> Instant:
        """The first instant with that much business time between `start` and it; `start` itself for none."""
        if duration <= 0:
            return start
        number = self._day(start).year
        wanted = self._year(number).elapsed(start) + duration
        while wanted > self._year(number).total:
            wanted -= self._year(number).total
            number += 1
        return self._year(number).reached(wanted)

    def next_open(self, instant: Instant) -> Instant:
        """The instant itself in business hours, else when they next begin."""
        return self.add_business_time(instant, 1) - 1

    def after_business_days(self, instant: Instant, days: int) -> Instant:
        """The end of business hours on the n-th business day after the day of an instant."""
        day = self._day(instant)
        while days:
            day += _ONE_DAY
            days -= self.is_business_day(day)
        return self._at(day, self.hours.closes)

    def _year(self, number: int) -> _Year:
        if number not in self._years:
            day, days = date(number, 1, 1), list[date]()
            while day.year == number:
                if self.is_business_day(day):
                    days.append(day)
                day += _ONE_DAY
            opens = [self._at(day, self.hours.opens) for day in days]
            closes = [self._at(day, self.hours.closes) for day in days]
            before, total = list[Duration](), 0
            for first, last in zip(opens, closes, strict=True):
                before.append(total)
                total += last - first
            self._years[number] = _Year(opens, closes, before, total)
        return self._years[number]

    def _day(self, instant: Instant) -> date:
        return to_datetime(instant, self.zone).date()

    def _at(self, day: date, of_day: Duration) -> Instant:
        """A local time of day: added to local midnight by the clock on the wall, not by elapsed time."""
        local = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(microseconds=of_day)
        return from_datetime(local.replace(tzinfo=self.zone))
