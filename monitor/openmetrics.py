"""The past as OpenMetrics text, for `promtool tsdb create-blocks-from openmetrics`.

Names and labels are those of the live metrics. OpenMetrics wants the samples of one family, and of one set of labels,
together, while the accounting is gone through once: each series waits in a file of its own, so a year takes disk and no
memory.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from math import inf
from typing import IO

from monitor.core import past
from monitor.core.book import Book, Horizon
from monitor.core.budget import WINDOWS
from monitor.core.calendar import Month
from monitor.core.instants import SECOND, Duration, Instant
from monitor.core.month import Figures
from monitor.core.past import Moment

MOST_SAMPLES = 100_000_000
"""Of one export; each takes some 100 bytes, on disk twice while it is made."""
STATES = ("up", "suspect", "down", "unknown")
_SERIES_OF_SERVICE = 34
_SERIES_OF_TARGET = 5

Labels = Mapping[str, str]
Sample = tuple[str, str, float]  # family, its further labels as text, value


@dataclass(frozen=True, slots=True)
class Period:
    """Every `step` from `start` on and before `end`, in microseconds; nothing after `now` is known."""

    start: Instant
    end: Instant
    step: Duration
    now: Instant

    @property
    def instants(self) -> range:
        return range(self.start, self.end, self.step)


def sample_count(book: Book, protocols: Mapping[str, str], period: Period) -> int:
    """How many samples an export writes at most."""
    series = _SERIES_OF_SERVICE * len(book.rules.services) + _SERIES_OF_TARGET * len(protocols) + 1
    return series * len(period.instants)


def write(out: IO[str], book: Book, protocols: Mapping[str, str], period: Period, extra: Labels) -> None:
    """Write every family. `protocols` says which targets there are, `extra` are labels that every sample gets."""
    with ExitStack() as stack:
        families = _Families(stack)
        for name in book.rules.services:
            _service(families, book, name, period, {"sla_service": name, **extra})
        for target, protocol in protocols.items():
            service, _, short = target.rpartition("/")
            labels = {"sla_service": service, "target": short, "protocol": protocol, **extra}
            _target(families, book, target, period, labels)
        for at in period.instants:
            month = _text({"month": str(Month.of(at, book.rules.zone)), **extra})
            families.add("month_current", month, 1.0, at)
        families.close_series()
        for name, file in families.files.items():
            out.write(
                f"# TYPE mailuptime_{name.removesuffix('_total')} {'counter' if name.endswith('_total') else 'gauge'}\n"
            )
            file.seek(0)
            while block := file.read(1 << 20):
                out.write(block)
    out.write("# EOF\n")


class _Families:
    """A file per family, and one per series of the service or target that is being gone through."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.files: dict[str, IO[str]] = {}
        self._open: dict[tuple[str, str], IO[str]] = {}

    def add(self, family: str, labels: str, value: float, at: Instant) -> None:
        file = self._open.get((family, labels))
        if file is None:
            file = self._open[family, labels] = self._new()
        file.write(f"mailuptime_{family}{{{labels}}} {_number(value)} {_number(at / SECOND)}\n")

    def close_series(self, among: str = "") -> None:
        """Put what waits behind its family: every series, or those among whose labels this one is."""
        for family, labels in [key for key in self._open if among in key[1]]:
            series = self._open.pop((family, labels))
            if family not in self.files:
                self.files[family] = self._new()
            series.seek(0)
            while block := series.read(1 << 20):
                self.files[family].write(block)
            series.close()

    def _new(self) -> IO[str]:
        return self._stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n"))


def _service(families: _Families, book: Book, name: str, period: Period, labels: Labels) -> None:
    bounds = (period.start, period.end, period.step)
    windows = past.in_maintenance(book, name, *bounds)
    plain = _text(labels)
    month: Month | None = None
    for moment, weighted, (_, active) in zip(
        _moments(book, name, period), _weighted(book, name, period), windows, strict=True
    ):
        if month not in {None, moment.figures.month}:
            families.close_series(f'month="{month}"')
        month = moment.figures.month
        for family, further, value in _samples(moment, weighted):
            families.add(family, plain + further, value, moment.at)
        families.add("maintenance_active", plain, float(active), moment.at)
    families.close_series()


def _moments(book: Book, name: str, period: Period) -> Iterator[Moment]:
    return past.moments(book, name, period.start, period.end, period.step, period.now)


def _weighted(book: Book, name: str, period: Period) -> Iterator[float | None]:
    """The availability by accounts at each instant, of a service of services, by what it consisted of then."""
    ever = [one for rules in book.epochs.rules if name in rules.services for one in rules.services[name].members]
    known = {one.name: _moments(book, one.name, period) for one in ever if one.name in book.rules.services}
    for at in period.instants:
        figures = {member: next(found).figures for member, found in known.items()}
        month = Month.of(at, book.rules.zone)
        start, end = month.span(book.rules.zone)
        downtimes = {member: one.sums.downtime for member, one in figures.items()}
        members = book.knowing(name, month, Horizon(at, now=True)).services[name].members
        ratio = past.by_accounts(members, downtimes, end - start)
        yield None if ratio is None else float(ratio / 100)


def _samples(moment: Moment, weighted: float | None) -> Iterator[Sample]:
    """What the daemon exports of a service, at one instant."""
    for state in STATES:
        yield "service_state", f',state="{state}"', float(state == moment.state)
    if moment.seconds.length:
        spent = moment.seconds
        for state, value in (
            ("up", spent.up),
            ("down", spent.downtime),
            ("excused", spent.excused),
            ("unknown", spent.unknown),
        ):
            yield "state_seconds_total", f',state="{state}"', value / SECOND
    for window in WINDOWS:
        yield "burn_rate", f',window="{window}"', moment.burn.rates[window]
    left = moment.burn.exhaustion
    yield "budget_exhaustion_seconds", "", inf if left is None else left / SECOND
    yield from _of_month(moment.figures, weighted)


def _of_month(figures: Figures, weighted: float | None) -> Iterator[Sample]:
    month = f',month="{figures.month}"'
    yield "availability_ratio", month, float(figures.availability / 100)
    yield "availability_lower_ratio", month, float(figures.availability_lower / 100)
    yield "availability_upper_ratio", month, float(figures.availability_upper / 100)
    if figures.availability_to_date is not None:
        yield "availability_to_date_ratio", month, float(figures.availability_to_date / 100)
    if figures.coverage is not None:
        yield "coverage_ratio", month, float(figures.coverage)
    if weighted is not None:
        yield "availability_weighted_ratio", month, weighted
    yield "downtime_seconds", f'{month},kind="counted"', figures.sums.downtime / SECOND
    yield "downtime_seconds", f'{month},kind="excused"', figures.sums.excused / SECOND
    yield "downtime_budget_seconds", month, figures.budget / SECOND
    yield "downtime_budget_remaining_seconds", month, figures.remaining / SECOND
    verdicts = {"availability": figures.availability_verdict, "downtime": figures.downtime_verdict}
    for objective, verdict in verdicts.items():
        if verdict != "undetermined":
            yield "objective_met", f'{month},objective="{objective}"', float(verdict == "met")


def _target(families: _Families, book: Book, name: str, period: Period, labels: Labels) -> None:
    plain = _text(labels)
    of_outage = _text({key: value for key, value in labels.items() if key != "protocol"})
    for moment in past.target_moments(book, name, period.start, period.end, period.step, period.now):
        for state in STATES:
            families.add("target_state", f'{plain},state="{state}"', float(state == moment.state), moment.at)
        if moment.outage is not None:
            families.add("outage_start_timestamp_seconds", of_outage, moment.outage / SECOND, moment.at)
    families.close_series()


def _text(labels: Labels) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if value == inf:
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(value)
