"""Decides what Prometheus scraped in a story of a service: the daemon's own arithmetic, minute by minute.

Minutes count from the story's beginning. The month's figures come from `monitor.core`, so that a threshold is tested
against what is exported, not against numbers made up for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from monitor.core.budget import Burn, burn
from monitor.core.instants import DAY, MINUTE, SECOND
from monitor.core.intervals import Spans, clip, subtract, total

MONTHS = {
    28: ("2026-02", "2026-03"),
    29: ("2028-02", "2028-03"),
    30: ("2026-11", "2026-12"),
    31: ("2026-12", "2027-01"),
}
"""By the days of the first, a month and the next, which has 31."""
OWN = 'job="mailuptime",instance="mx1:9925"'
SERVICE = f'sla_service="mail",{OWN}'
TARGET = f'sla_service="mail",target="imap",{OWN}'

_NEVER = 9e99  # promtool's notation has no infinity

Samples = list[float | None]
"""A value for each minute; None where there is none."""


@dataclass(frozen=True)
class Story:
    """`outages` and `windows` as minutes `[start, end)`; `turn` is the minute at which a month begins.

    `used` minutes of downtime lie before the story, in its first month. `more` has series in promtool's notation.
    """

    minutes: int
    outages: tuple[tuple[int, int], ...] = ()
    windows: tuple[tuple[int, int], ...] = ()
    turn: int | None = None
    days: int = 30
    used: int = 0
    missing: tuple[int, int] | None = None  # the monitor is not there
    more: Mapping[str, str] = field(default_factory=dict)

    def budget(self, minute: int) -> int:
        """Microseconds: the smaller of 0.5 % and 216 minutes."""
        return min(self._length(minute) // 200, 216 * MINUTE)

    def counted(self, minute: int) -> Spans:
        """The downtime of the month up to a minute, except `used`."""
        spans = subtract(_spans(self.outages), _spans(self.windows))
        return clip(spans, self._begin(minute) * MINUTE, minute * MINUTE)

    def downtime(self, minute: int) -> int:
        """Microseconds of the month at a minute."""
        return total(self.counted(minute)) + (self.used * MINUTE if self._first(minute) else 0)

    def left(self, minute: int) -> str:
        """What the annotation `budget` says."""
        budget = self.budget(minute)
        return f"{(budget - self.downtime(minute)) / MINUTE:.1f} minutes left of {budget / MINUTE:.1f}"

    def series(self) -> dict[str, str]:
        """All that is exported of the service, in promtool's notation; what is in `more` goes before."""
        made = dict(self._samples())
        if self.missing is not None:
            made = {name: self._without(samples) for name, samples in made.items()}
        up: Samples = [float(self.missing is None or not _within(m, [self.missing])) for m in self._all()]
        told = {name: notation(samples) for name, samples in (made | {f"up{{{OWN}}}": up}).items()}
        return {**told, **self.more}

    def _all(self) -> range:
        return range(self.minutes + 1)

    def _first(self, minute: int) -> bool:
        return self.turn is None or minute < self.turn

    def _length(self, minute: int) -> int:
        return (self.days if self._first(minute) else 31) * DAY

    def _begin(self, minute: int) -> int:
        return -self.days * 1440 if self.turn is None or self._first(minute) else self.turn

    def _without(self, samples: Samples) -> Samples:
        assert self.missing is not None
        return [None if _within(m, [self.missing]) else value for m, value in enumerate(samples)]

    def _samples(self) -> Iterator[tuple[str, Samples]]:
        down = [_within(m, self.outages) for m in self._all()]
        for state, now in (("up", False), ("down", True)):
            yield f'mailuptime_service_state{{state="{state}",{SERVICE}}}', [float(one is now) for one in down]
        for state in ("suspect", "unknown"):
            yield f'mailuptime_service_state{{state="{state}",{SERVICE}}}', [0.0 for _ in down]
        starts: Samples = [next((a * 60.0 for a, b in self.outages if a <= m < b), None) for m in self._all()]
        yield f"mailuptime_outage_start_timestamp_seconds{{{TARGET}}}", starts
        yield f"mailuptime_service_outage_start_timestamp_seconds{{{SERVICE}}}", starts
        yield from self._maintenance()
        yield from self._burning()
        for index, month in enumerate(MONTHS[self.days]):
            here = [self._first(m) is (index == 0) for m in self._all()]
            for name, samples in self._month(month):
                yield name, [value if now else None for now, value in zip(here, samples, strict=True)]

    def _maintenance(self) -> Iterator[tuple[str, Samples]]:
        yield f"mailuptime_maintenance_active{{{SERVICE}}}", [float(_within(m, self.windows)) for m in self._all()]
        ended: Samples = [max((b * 60.0 for _, b in self.windows if b <= m), default=None) for m in self._all()]
        yield f"mailuptime_maintenance_last_end_timestamp_seconds{{{SERVICE}}}", ended
        coming: Samples = [min((a * 60.0 for a, _ in self.windows if a > m), default=None) for m in self._all()]
        yield f"mailuptime_maintenance_next_start_timestamp_seconds{{{SERVICE}}}", coming

    def _burning(self) -> Iterator[tuple[str, Samples]]:
        burns = [self._burn(m) for m in self._all()]
        for window in burns[0].rates:
            rates: Samples = [one.rates[window] for one in burns]
            yield f'mailuptime_burn_rate{{window="{window}",{SERVICE}}}', rates
        exhaustion: Samples = [_NEVER if one.exhaustion is None else one.exhaustion / SECOND for one in burns]
        yield f"mailuptime_budget_exhaustion_seconds{{{SERVICE}}}", exhaustion

    def _burn(self, minute: int) -> Burn:
        budget = self.budget(minute)
        left = budget - self.downtime(minute)
        return burn(self.counted(minute), minute * MINUTE, budget, left, self._length(minute))

    def _month(self, month: str) -> Iterator[tuple[str, Samples]]:
        labels = f'month="{month}",{SERVICE}'
        budgets = [self.budget(m) for m in self._all()]
        down = [self.downtime(m) for m in self._all()]
        left = [budget - spent for budget, spent in zip(budgets, down, strict=True)]
        yield f'mailuptime_month_current{{month="{month}",{OWN}}}', [1.0 for _ in down]
        yield f"mailuptime_downtime_budget_seconds{{{labels}}}", [budget / SECOND for budget in budgets]
        yield f"mailuptime_downtime_budget_remaining_seconds{{{labels}}}", [one / SECOND for one in left]
        yield f'mailuptime_downtime_seconds{{kind="counted",{labels}}}', [spent / SECOND for spent in down]
        met: Samples = [float(spent <= 216 * MINUTE) for spent in down]
        yield f'mailuptime_objective_met{{objective="downtime",{labels}}}', met


def notation(samples: Sequence[float | None]) -> str:
    """In promtool's notation; where values stop, the series goes stale, as it does in a scrape without it."""
    words = []
    before = None
    for value, run in groupby(samples):
        count = len(list(run))
        if value is not None:
            words.append(f"{value!r}x{count - 1}")
        elif before is None:
            words.append(f"_x{count}")
        else:
            words.append("stale" if count == 1 else f"stale _x{count - 1}")
        before = value
    return " ".join(words)


def _spans(minutes: tuple[tuple[int, int], ...]) -> Spans:
    return [(start * MINUTE, end * MINUTE) for start, end in minutes]


def _within(minute: int, spans: tuple[tuple[int, int], ...] | list[tuple[int, int]]) -> bool:
    return any(start <= minute < end for start, end in spans)
