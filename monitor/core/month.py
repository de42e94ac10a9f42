"""The figures of one service and one month, with their bounds and the verdict (R8, R9, R10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from monitor.core.calendar import Month
from monitor.core.instants import Duration, Instant
from monitor.core.intervals import Spans, clip, total
from monitor.core.outages import ServiceOutage, counted
from monitor.core.service import Sets

Verdict = Literal["met", "missed", "undetermined"]


@dataclass(frozen=True, slots=True)
class Objectives:
    """What the agreement promises per month: availability in percent, and the longest downtime."""

    availability: Fraction
    downtime: Duration

    def budget(self, month_length: Duration) -> Duration:
        """The downtime that keeps both promises (R10), a part of a microsecond cut off."""
        return min(self.downtime, self.allowed(month_length) // 1)

    def allowed(self, month_length: Duration) -> Fraction:
        """The downtime that the availability alone leaves."""
        return month_length * (100 - self.availability) / 100


@dataclass(frozen=True, slots=True)
class Sums:
    """Measures of a stretch of time in microseconds; those of two stretches that touch add up."""

    length: Duration = 0
    up: Duration = 0
    downtime: Duration = 0
    excused: Duration = 0
    unknown: Duration = 0
    possibly: Duration = 0
    certainly: Duration = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.length + other.length,
            self.up + other.up,
            self.downtime + other.downtime,
            self.excused + other.excused,
            self.unknown + other.unknown,
            self.possibly + other.possibly,
            self.certainly + other.certainly,
        )


@dataclass(frozen=True, slots=True)
class StateSeconds:
    """Time accounted for, in microseconds, up to the instant `settled`: what was added once is never taken away."""

    settled: Instant
    up: Duration = 0
    down: Duration = 0
    excused: Duration = 0
    unknown: Duration = 0

    def plus(self, settled: Instant, more: Sums) -> "StateSeconds":
        """With the measures of the time from `settled` to a later instant."""
        return StateSeconds(
            settled,
            self.up + more.up,
            self.down + more.downtime,
            self.excused + more.excused,
            self.unknown + more.unknown,
        )


def sums(sets: Sets, windows: Spans, start: Instant, end: Instant) -> Sums:
    """Measure `[start, end)`: what windows leave is downtime, what they take out of the gross is excused (R8)."""
    gross = total(clip(sets.down, start, end))
    downtime = total(counted(sets.kept_down, windows, start, end))
    unknown = total(clip(sets.unknown, start, end))
    length = max(end - start, 0)
    return Sums(
        length,
        length - gross - unknown,
        downtime,
        gross - downtime,
        unknown,
        total(counted(sets.kept_possibly, windows, start, end)),
        total(counted(sets.kept_certainly, windows, start, end)),
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is said of a service and a month. Durations in microseconds, `since` and `until` bound E."""

    service: str
    month: Month
    total: Duration
    since: Instant | None
    until: Instant | None
    provisional: bool
    sums: Sums
    objectives: Objectives
    blips: tuple[int, Duration]
    suspect: tuple[str, ...]
    outages: tuple[ServiceOutage, ...]
    availability_weighted: Fraction | None = None
    """In percent, by the accounts that each member serves (R6); None unless every member says how many."""

    @property
    def availability(self) -> Fraction:
        return Fraction(100 * (self.total - self.sums.downtime), self.total)

    @property
    def availability_lower(self) -> Fraction:
        return Fraction(100 * (self.total - self.sums.possibly), self.total)

    @property
    def availability_upper(self) -> Fraction:
        return Fraction(100 * (self.total - self.sums.certainly), self.total)

    @property
    def availability_to_date(self) -> Fraction | None:
        if not self.sums.length:
            return None
        return Fraction(100 * (self.sums.length - self.sums.downtime), self.sums.length)

    @property
    def coverage(self) -> Fraction | None:
        if not self.sums.length:
            return None
        return 1 - Fraction(self.sums.unknown, self.sums.length)

    @property
    def budget(self) -> Duration:
        return self.objectives.budget(self.total)

    @property
    def remaining(self) -> Duration:
        return self.budget - self.sums.downtime

    @property
    def availability_met(self) -> bool:
        return self.sums.downtime <= self.objectives.allowed(self.total)

    @property
    def downtime_met(self) -> bool:
        return self.sums.downtime <= self.objectives.downtime

    @property
    def met(self) -> bool:
        return self.availability_met and self.downtime_met

    @property
    def verdict(self) -> Verdict:
        return worst(self.availability_verdict, self.downtime_verdict)

    @property
    def availability_verdict(self) -> Verdict:
        surely = self.sums.possibly <= self.objectives.allowed(self.total)
        return self._verdict(met=self.availability_met, surely=surely)

    @property
    def downtime_verdict(self) -> Verdict:
        return self._verdict(met=self.downtime_met, surely=self.sums.possibly <= self.objectives.downtime)

    def _verdict(self, *, met: bool, surely: bool) -> Verdict:
        if not met:
            return "missed"
        return "met" if surely and self.sums.length else "undetermined"


def weighted(downtimes: Sequence[tuple[Duration, int | None]], month_length: Duration) -> Fraction | None:
    """Availability in percent from (downtime, accounts) of each member (R6); None where one has no accounts."""
    weights = [accounts for _, accounts in downtimes if accounts is not None]
    if len(weights) < len(downtimes) or not sum(weights):
        return None
    lost = sum(downtime * (accounts or 0) for downtime, accounts in downtimes)
    return 100 * (1 - Fraction(lost, month_length * sum(weights)))


def worst(*verdicts: Verdict) -> Verdict:
    """Missed if one is missed, else undetermined if one is, else met."""
    ordered: Sequence[Verdict] = ("missed", "undetermined", "met")
    return min(verdicts, key=ordered.index)
