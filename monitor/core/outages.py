"""The outages of a service, with the durations that stand beside each in the month's figures (R9)."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import NamedTuple

from monitor.core.events import Outage
from monitor.core.instants import Duration, Instant, from_datetime
from monitor.core.intervals import BEGINNING, END, Span, Spans, clip, overlapping, subtract, totals
from monitor.core.service import Sets, Views

_IDENTITY = re.compile(r"(.+)-(\d{8}T\d{6})(?:\.(\d{1,6}))?Z", re.ASCII)


class ServiceOutage(NamedTuple):
    """An outage of the service: whole span, and durations inside the evaluated part of the month (R9)."""

    service: str
    start: Instant
    end: Instant
    seconds: Duration
    min_seconds: Duration
    max_seconds: Duration
    excused_seconds: Duration
    beneath: Sequence[tuple[str, Sequence[Outage]]]
    """The outages of each counting target, of any time."""

    @property
    def parts(self) -> list[tuple[str, Outage]]:
        """The targets' own outages that stand in it, by their starts."""
        found: list[tuple[str, Outage]] = []
        for target, own in self.beneath:
            low = bisect_right(own, self.start, key=lambda outage: outage.end)
            high = bisect_left(own, self.end, key=lambda outage: outage.start)
            found += [(target, outage) for outage in own[low:high]]
        return sorted(found, key=lambda part: (part[1].start, part[0]))

    @property
    def id(self) -> str:
        """A name that stays the same for as long as the outage's start does."""
        return identity_of(self.service, self.start)

    @property
    def ongoing(self) -> bool:
        """Whether it reaches now (or `--until`)."""
        return any(outage.ongoing and outage.end == self.end for _, outage in self.parts)

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(target for target, _ in self.parts))

    @property
    def cause(self) -> str | None:
        """The cause of the first failing check."""
        return next((outage.cause for _, outage in self.parts if outage.cause), None)


def counted(spans: Spans, windows: Spans, start: Instant, end: Instant) -> Spans:
    return subtract(clip(spans, start, end), clip(windows, start, end))


def outages(
    service: str,
    targets: Iterable[str],
    found: Sequence[Span],
    sets: Sets,
    windows: Spans,
    views: Views,
    evaluated: Span,
) -> Iterator[ServiceOutage]:
    """Every outage that touches E (`evaluated`), in the order of their starts; `found` are the stretches."""
    first = bisect_right(sets.down, evaluated[0], key=itemgetter(1))
    last = bisect_left(sets.down, evaluated[1], key=itemgetter(0))
    whole = sets.down[first:last] if evaluated[0] < evaluated[1] else []
    inside = [(max(start, evaluated[0]), min(end, evaluated[1])) for start, end in whole]
    least, kept = totals(sets.certainly, inside), totals(subtract(sets.kept_down, windows), inside)
    most = _longest(found, whole, sets.down[first - 1][1] if first else BEGINNING, evaluated)
    beneath = [(target, views(target).outages) for target in targets]
    for number, (start, end) in enumerate(whole):
        seconds = inside[number][1] - inside[number][0]
        yield ServiceOutage(service, start, end, seconds, least[number], most[number], seconds - kept[number], beneath)


def identity_of(service: str, start: Instant) -> str:
    """The id of the service's outage that starts then."""
    second, fraction = divmod(start, 1_000_000)
    text = datetime.fromtimestamp(second, UTC).strftime("%Y%m%dT%H%M%S")
    return f"{service}-{text}{f'.{fraction:06}'.rstrip('0') if fraction else ''}Z"


def start_of(identity: str) -> tuple[str, Instant] | None:
    """The service and the start that an outage's id names; None where it is none."""
    found = _IDENTITY.fullmatch(identity)
    if found is None:
        return None
    try:
        second = datetime.strptime(found[2], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return found[1], from_datetime(second) + int((found[3] or "").ljust(6, "0"))


def _longest(found: Sequence[Span], whole: Sequence[Span], before: Instant, evaluated: Span) -> list[Duration]:
    """How long each outage may have been inside E: the stretches that it meets, cut at its neighbours (R9)."""
    most = []
    for number, inside in enumerate(overlapping(found, whole)):
        own, met = whole[number], found[inside]
        after = whole[number + 1][0] if number + 1 < len(whole) else END
        start, end = (met[0][0], met[-1][1]) if met else own
        most.append(max(min(end, after, evaluated[1]) - max(start, before, evaluated[0]), 0))
        before = own[1]
    return most
