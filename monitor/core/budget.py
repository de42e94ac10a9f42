"""How fast a month's budget is being spent, and when it will be gone (R11)."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from monitor.core.instants import DAY, HOUR, MINUTE, Duration, Instant
from monitor.core.intervals import Spans, clip, total

WINDOWS: Mapping[str, Duration] = {
    "5m": 5 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": HOUR,
    "2h": 2 * HOUR,
    "6h": 6 * HOUR,
    "1d": DAY,
    "3d": 3 * DAY,
}
LONGEST = max(WINDOWS.values())


@dataclass(frozen=True, slots=True)
class Burn:
    """Burn rates by window, and microseconds to exhaustion; None for never."""

    rates: Mapping[str, float]
    exhaustion: float | None


def burn(downtime: Spans, now: Instant, budget: Duration, remaining: Duration, month_length: Duration) -> Burn:
    """As seen from now; `downtime` is that of this month in the longest window before."""
    inside = {name: total(clip(downtime, now - length, now)) for name, length in WINDOWS.items()}
    rates = {name: float(burn_rate(inside[name], WINDOWS[name], budget, month_length)) for name in WINDOWS}
    left = exhaustion(remaining, inside["1h"])
    return Burn(rates, None if left is None else float(left))


def burn_rate(downtime: Duration, window: Duration, budget: Duration, month_length: Duration) -> Fraction:
    """The share of the window that was down, in units of the share that lasts exactly the month.

    A budget of nothing burns as if it were a microsecond.
    """
    return Fraction(downtime * month_length, window * max(budget, 1))


def exhaustion(remaining: Duration, downtime_last_hour: Duration) -> Fraction | None:
    """Microseconds until the budget is gone if the last hour went on; None for never, 0 where nothing remains."""
    if remaining <= 0:
        return Fraction(0)
    if not downtime_last_hour:
        return None
    return Fraction(remaining * HOUR, downtime_last_hour)
