"""Classic histograms, with the newest observation of each bucket as its exemplar.

They are observed on the event loop, one assignment at a time, and rendered elsewhere from a copy (`read`).
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from typing import NamedTuple

from monitor.metrics.names import LATENESS, PHASES, Family
from monitor.metrics.text import Format, escaped, labelled, number

LATENESS_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0)
PHASE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0)
"""From a greeting on the same network to the longest that a mail program waits."""
MOST_RUNES = 128
"""Of an exemplar's labels, names and values together (OpenMetrics 1.0, Exemplars)."""


class Seen(NamedTuple):
    """What an exemplar says of where an observation was made: labels that are `fitting`, and wall time in seconds."""

    labels: Mapping[str, str]
    at: float

    def exemplar(self, value: float) -> str:
        labels = ",".join(f'{name}="{escaped(text)}"' for name, text in self.labels.items())
        return f" # {{{labels}}} {number(value)} {self.at:.3f}"


def fitting(labels: Mapping[str, str]) -> Mapping[str, str]:
    """As many of an exemplar's labels, from the first on, as there is room for."""
    kept: dict[str, str] = {}
    room = MOST_RUNES
    for name, text in labels.items():
        room -= len(name) + len(text)
        if room < 0:
            break
        kept[name] = text
    return kept


@dataclass(frozen=True, slots=True)
class Series:
    """Observations of one set of labels as of a moment; counts by bucket, not cumulative, the last beyond all."""

    labels: str
    counts: tuple[int, ...]
    sum: float
    seen: tuple[tuple[float, Seen] | None, ...]
    """Of each bucket the newest observation that may be shown."""

    def text(self, family: Family, bounds: Sequence[float], form: Format) -> str:
        lines = []
        totals = list(accumulate(self.counts))
        before = f"{self.labels}," if self.labels else ""
        for bound, total, newest in zip((*bounds, inf), totals, self.seen, strict=True):
            value, seen = newest or (0.0, None)
            shown = seen.exemplar(value) if seen is not None and form is Format.OPENMETRICS else ""
            lines.append(f'{family.name}_bucket{{{before}le="{number(bound)}"}} {float(total)}{shown}\n')
        braces = f"{{{self.labels}}}" if self.labels else ""
        lines.append(f"{family.name}_count{braces} {float(totals[-1])}\n{family.name}_sum{braces} {number(self.sum)}\n")
        return "".join(lines)


class _Counts:
    def __init__(self, size: int) -> None:
        self.counts = [0] * size
        self.sum = 0.0
        self.seen: list[tuple[float, Seen] | None] = [None] * size


@dataclass(frozen=True, slots=True)
class Reading:
    """A histogram as of a moment."""

    family: Family
    bounds: Sequence[float]
    series: tuple[Series, ...]

    def text(self, form: Format) -> str:
        return "".join(one.text(self.family, self.bounds, form) for one in self.series)


class Histogram:
    """Upper bounds in seconds, each within its own bucket; a negative observation counts as 0."""

    def __init__(self, family: Family, bounds: Sequence[float]) -> None:
        self._family = family
        self._bounds = bounds
        self._series: dict[tuple[str, ...], _Counts] = {}
        if not family.labels:
            self._series[()] = _Counts(len(bounds) + 1)  # without labels there is always one

    def observe(self, seconds: float, *labels: str, seen: Seen | None = None) -> None:
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = _Counts(len(self._bounds) + 1)
        position = bisect_left(self._bounds, seconds)
        series.counts[position] += 1
        if seconds > 0.0:
            series.sum += seconds
        if seen is not None:
            series.seen[position] = (seconds, seen)

    def read(self) -> Reading:
        """A copy, for whoever renders it in another thread."""
        series = (
            Series(labelled(self._family.labels, labels), tuple(one.counts), one.sum, tuple(one.seen))
            for labels, one in sorted(self._series.items())
        )
        return Reading(self._family, self._bounds, tuple(series))


class Lateness(Histogram):
    """How late checks start, in seconds."""

    def __init__(self) -> None:
        super().__init__(LATENESS, LATENESS_BUCKETS)


class PhaseDurations(Histogram):
    """How long phases of checks take, by protocol and phase, in seconds."""

    def __init__(self) -> None:
        super().__init__(PHASES, PHASE_BUCKETS)
