"""The report's two charts as coordinates: what is left of the budget over the month, and twelve months as bars.

Lengths are those of an SVG's view box; the templates draw them. Each chart is a picture of numbers that stand in a
table beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from monitor.core.calendar import Month
from monitor.core.instants import DAY, MINUTE, Duration, Instant
from monitor.core.month import Figures
from monitor.report.model import Chapter, Report
from monitor.report.words import Words

WIDTH, HEIGHT = 680.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 8.0, 14.0, 24.0
_LINES = 4
"""Lines of the scale, about."""
_DAYS_APART = 5


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Burn:
    """`line` is a polyline's points; `unseen` are stretches as (x, width)."""

    line: str
    unseen: tuple[tuple[float, float], ...]
    days: tuple[Tick, ...]
    scale: tuple[Tick, ...]
    zero: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One month: `allowed` is the height of its budget, `value` what stands above the bar."""

    x: float
    width: float
    y: float
    height: float
    allowed: float
    verdict: str
    value: str
    label: str
    watched: bool


@dataclass(frozen=True, slots=True)
class Bars:
    bars: tuple[Bar, ...]
    scale: tuple[Tick, ...]
    zero: float


def burn_of(chapter: Chapter, report: Report) -> Burn:
    start, end = report.span
    lefts = [left for _, left in chapter.remaining]
    scale = _Scale(min(0, *lefts), max(chapter.figures.budget, *lefts))

    def x(instant: Instant) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * (instant - start) / (end - start), 2)

    days = range(0, end - start, _DAYS_APART * DAY)
    return Burn(
        line=" ".join(f"{x(at)},{scale.y(left)}" for at, left in chapter.remaining),
        unseen=_merged([(x(began), x(ended)) for began, ended in chapter.unseen]),
        days=tuple(Tick(x(start + day), str(day // DAY + 1)) for day in days),
        scale=scale.ticks,
        zero=scale.y(0),
    )


def bars_of(history: Sequence[Figures], words: Words) -> Bars:
    top = max(max(one.sums.downtime, one.budget) for one in history)
    scale = _Scale(0, top)
    step = (WIDTH - _LEFT - _RIGHT) / len(history)
    bars = tuple(_bar(one, number, step, scale, words) for number, one in enumerate(history))
    return Bars(bars, scale.ticks, scale.y(0))


def _bar(figures: Figures, number: int, step: float, scale: "_Scale", words: Words) -> Bar:
    watched, downtime = figures.since is not None, figures.sums.downtime
    y = scale.y(downtime)
    return Bar(
        x=round(_LEFT + number * step + step * 0.15, 2),
        width=round(step * 0.7, 2),
        y=y,
        height=round(scale.y(0) - y, 2),
        allowed=scale.y(figures.budget),
        verdict=figures.verdict,
        value=_tenths(downtime) if watched else "",
        label=words.short_month(Month(figures.month.year, figures.month.number)),
        watched=watched,
    )


def _tenths(downtime: Duration) -> str:
    """Minutes, rounded up to a tenth."""
    tenths = -(-downtime * 10 // MINUTE)
    return f"{tenths // 10:,}" if tenths % 10 == 0 else f"{tenths / 10:,.1f}"


def _merged(spans: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """As (x, width), each wide enough to be seen, and one for all that would lie over one another."""
    found: list[tuple[float, float]] = []
    for began, ended in spans:
        last = max(ended, began + 0.5)
        if found and began <= found[-1][1]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((began, last))
    return tuple((began, round(ended - began, 2)) for began, ended in found)


class _Scale:
    """From durations to heights; its lines lie at round numbers of minutes."""

    def __init__(self, lowest: Duration, highest: Duration) -> None:
        step = _round_step(max(highest - lowest, MINUTE) / MINUTE / _LINES)
        first, last = floor(lowest / MINUTE / step), ceil(highest / MINUTE / step)
        self._low, self._high = first * step, max(last, first + 1) * step
        numbers = [n * step for n in range(first, max(last, first + 1) + 1)]
        labels = [f"{number:,g}".replace("-", "\u2212") for number in numbers]
        self.ticks = tuple(Tick(self.y(round(one * MINUTE)), label) for one, label in zip(numbers, labels, strict=True))

    def y(self, duration: Duration) -> float:
        share = (duration / MINUTE - self._low) / (self._high - self._low)
        return round(HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * share, 2)


def _round_step(rough: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power: float = 10.0 ** floor(log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
