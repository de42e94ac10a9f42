"""The outages of a service, with the durations that stand beside each in the month's figures (R9)."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.core.events import Outage
from monitor.core.instants import Duration, Instant, from_datetime
from monitor.core.intervals import BEGINNING, END, Span, Spans, clip, subtract, total
from monitor.core.service import Sets, Views

_IDENTITY = re.compile(r"(.+)-(\d{8}T\d{6})(?:\.(\d{1,6}))?Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class ServiceOutage:
    """An outage of the service: whole span, and durations inside the evaluated part of the month (R9)."""

    id: str
    start: Instant
    end: Instant
    ongoing: bool
    seconds: Duration
    min_seconds: Duration
    max_seconds: Duration
    excused_seconds: Duration
    targets: tuple[str, ...]
    cause: str | None
    parts: tuple[tuple[str, Outage], ...]
    """The targets' own outages that stand in it, by their starts."""


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
    leaves = [(leaf, views(leaf).outages) for leaf in targets]
    for position, (start, end) in enumerate(sets.down):
        inside = max(start, evaluated[0]), min(end, evaluated[1])
        if inside[0] >= inside[1]:
            continue
        before = sets.down[position - 1][1] if position else BEGINNING
        after = sets.down[position + 1][0] if position + 1 < len(sets.down) else END
        first, last = _longest((start, end), found, before, after)
        failed = _failed(leaves, start, end)
        yield ServiceOutage(
            id=outage_id(service, start),
            start=start,
            end=end,
            ongoing=any(outage.ongoing and outage.end == end for _, outage in failed),
            seconds=inside[1] - inside[0],
            min_seconds=total(clip(sets.certainly, *inside)),
            max_seconds=max(min(last, evaluated[1]) - max(first, evaluated[0]), 0),
            excused_seconds=inside[1] - inside[0] - total(counted(sets.kept_down, windows, *inside)),
            targets=tuple(dict.fromkeys(leaf for leaf, _ in failed)),
            cause=next((outage.cause for _, outage in failed if outage.cause), None),
            parts=tuple(failed),
        )


def outage_id(service: str, start: Instant) -> str:
    """A name that stays the same for as long as the outage's start does."""
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


def _longest(outage: Span, found: Sequence[Span], before: Instant, after: Instant) -> Span:
    """The stretch that contains the outage, cut at the service's neighbouring outages (`max_seconds`, R9)."""
    low = bisect_right(found, outage[0], key=lambda span: span[1])
    high = bisect_left(found, outage[1], key=lambda span: span[0])
    inside = found[low:high]
    start = inside[0][0] if inside else outage[0]
    end = inside[-1][1] if inside else outage[1]
    return max(start, before), min(end, after)


def _failed(leaves: Sequence[tuple[str, list[Outage]]], start: Instant, end: Instant) -> list[tuple[str, Outage]]:
    """The targets' outages that stand in `[start, end)`, by their starts."""
    found: list[tuple[str, Outage]] = []
    for leaf, own in leaves:
        low = bisect_right(own, start, key=lambda outage: outage.end)
        high = bisect_left(own, end, key=lambda outage: outage.start)
        found += [(leaf, outage) for outage in own[low:high]]
    return sorted(found, key=lambda item: (item[1].start, item[0]))
