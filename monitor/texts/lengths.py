"""Lengths of time in minutes and seconds, rounded as R12 says: never in the provider's favour."""

from fractions import Fraction

from monitor.core.instants import SECOND, Duration
from monitor.texts import Texts

NO_BREAK = "\u00a0"


def spent(texts: Texts, duration: Duration | Fraction) -> str:
    """Downtime, rounded up to the second: `111 min 41 s`."""
    return _written(texts, int(-(-duration // SECOND)))


def left(texts: Texts, duration: Duration) -> str:
    """What is left of a budget, rounded down."""
    return _written(texts, duration // SECOND)


def _written(texts: Texts, total: int) -> str:
    whole, rest = divmod(abs(total), 60)
    sign = "\u2212" if total < 0 else ""
    if not rest:
        text = texts("common.length.minutes", count=f"{sign}{whole:,}")
    elif not whole:
        text = texts("common.length.seconds", count=f"{sign}{rest}")
    else:
        text = texts("common.length.both", minutes=f"{sign}{whole:,}", seconds=f"{rest:02}")
    return text.replace(" ", NO_BREAK)
