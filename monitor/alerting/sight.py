"""What conditions look at: a snapshot, and what happened in the minutes before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from monitor.core.instants import MINUTE, Duration, Instant
from monitor.core.outages import start_of
from monitor.metrics import Health
from monitor.metrics.histogram import Reading
from monitor.snapshot import Snapshot

LONGEST: Duration = 30 * MINUTE
_SHORT: Duration = 5 * MINUTE

LOST, LATE, REFUSED, STEPS = "lost", "late", "refused", "steps"
"""Counters whose rises are remembered."""


@dataclass(frozen=True, slots=True)
class Rises:
    """When counters rose and by how much; as for Prometheus, one that fell began anew at 0.

    `last` has the counts that are not 0, and is None before the first look: then nothing has risen.
    """

    last: Mapping[str, int] | None = None
    by: Mapping[str, tuple[tuple[Instant, int], ...]] = field(default_factory=dict)

    def after(self, counters: Mapping[str, int], now: Instant) -> "Rises":
        found = {name: tuple(one for one in rises if one[0] > now - LONGEST) for name, rises in self.by.items()}
        for name, count in counters.items():
            before = count if self.last is None else self.last.get(name, 0)
            risen = count - before if count >= before else count
            if risen:
                found[name] = (*found.get(name, ()), (now, risen))
        last = {name: count for name, count in counters.items() if count}
        return Rises(last, {name: rises for name, rises in found.items() if rises and name in counters})

    def within(self, name: str, window: Duration, now: Instant) -> int:
        return sum(count for at, count in self.by.get(name, ()) if now - window < at <= now)


@dataclass(frozen=True, slots=True)
class Pace:
    """The last minutes of how late checks started, and of the event loop's lag in seconds."""

    lateness: tuple[tuple[Instant, tuple[int, ...]], ...] = ()
    lags: tuple[tuple[Instant, float], ...] = ()

    def after(self, reading: Reading, lag: float, now: Instant) -> "Pace":
        counts = reading.series[0].counts if reading.series else ()
        return Pace(
            (*(one for one in self.lateness if now - _SHORT <= one[0] <= now), (now, counts)),
            (*(one for one in self.lags if now - _SHORT <= one[0] <= now), (now, lag)),
        )

    def late(self, bounds: Sequence[float]) -> float | None:
        """Nine checks in ten started earlier than that, in seconds; None where none started."""
        first, last = self.lateness[0][1], self.lateness[-1][1]
        if len(first) != len(last):
            return None
        return quantile(0.9, bounds, [after - before for before, after in zip(first, last, strict=True)])

    def lag(self) -> float:
        return sum(lag for _, lag in self.lags) / max(len(self.lags), 1)


def quantile(share: float, bounds: Sequence[float], counts: Sequence[int]) -> float | None:
    """Of observations by bucket, interpolated as histogram_quantile does; beyond the last bound, that bound."""
    total = sum(counts)
    if total <= 0:
        return None
    rank, lower, below = share * total, 0.0, 0
    for bound, through, count in zip(bounds, accumulate(counts), counts, strict=False):
        if through >= rank:
            return lower + (bound - lower) * (rank - below) / count if count else bound
        lower, below = bound, through
    return bounds[-1]


@dataclass(frozen=True, slots=True)
class Past:
    """What one evaluation takes over from the one before; `outages` is when each service's running one began."""

    outages: Mapping[str, Instant] = field(default_factory=dict)
    rises: Rises = Rises()
    pace: Pace = Pace()


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything that conditions are made of, as of the snapshot."""

    snapshot: Snapshot
    health: Health
    lateness: Reading
    past: Past

    @classmethod
    def of(cls, snapshot: Snapshot, health: Health, lateness: Reading, before: Past) -> "Sight":
        now = snapshot.at
        rises = before.rises.after(_counters(snapshot, health), now)
        pace = before.pace.after(lateness, health.loop_lag, now)
        return cls(snapshot, health, lateness, Past(_outages(snapshot, before.outages), rises, pace))


def _counters(snapshot: Snapshot, health: Health) -> dict[str, int]:
    found = {STEPS: health.clock_steps}
    for target in snapshot.targets:
        made = target.deliveries
        found[f"{LOST} {target.name}"] = made.get("lost", 0) + made.get("bounced", 0)
        found[f"{LATE} {target.name}"] = made.get("late", 0)
        found[f"{REFUSED} {target.name}"] = target.causes.get("auth", 0) + target.causes.get("credential", 0)
    return found


def _outages(snapshot: Snapshot, before: Mapping[str, Instant]) -> dict[str, Instant]:
    """Kept until the service is seen up again: the start that its outage had when it went down."""
    found: dict[str, Instant] = {}
    for service in snapshot.services:
        if service.name in before and service.state != "up":
            found[service.name] = before[service.name]
        elif service.state == "down":
            began = None if service.outage is None else start_of(service.outage)
            found[service.name] = snapshot.at if began is None else began[1]
    return found
