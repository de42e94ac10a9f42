"""How fast a month's budget is being spent, and when it will be gone (R11)."""

from fractions import Fraction

from monitor.core.instants import DAY, HOUR, MINUTE, Duration

BURN_WINDOWS: dict[str, Duration] = {
    "5m": 5 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": HOUR,
    "2h": 2 * HOUR,
    "6h": 6 * HOUR,
    "1d": DAY,
    "3d": 3 * DAY,
}


def burn_rate(downtime: Duration, window: Duration, budget: Duration, month_length: Duration) -> Fraction:
    """The share of the window that was down, in units of the share that lasts exactly the month.

    `downtime` is that of this month inside the window. A budget of nothing burns as if it were a microsecond.
    """
    return Fraction(downtime * month_length, window * max(budget, 1))


def exhaustion(remaining: Duration, downtime_last_hour: Duration) -> Fraction | None:
    """Microseconds until the budget is gone if the last hour went on; None for never, 0 where nothing remains."""
    if remaining <= 0:
        return Fraction(0)
    if not downtime_last_hour:
        return None
    return Fraction(remaining * HOUR, downtime_last_hour)
