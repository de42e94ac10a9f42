"""Compares what was recorded with what happened. Pure: instants are seconds since the epoch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.accuracy.others import Samples
from bench.accuracy.outages import Truth
from tests.lab.processes import Change

SLACK = 90.0
"""Seconds by which what belongs to an outage may lie beside it."""


@dataclass(frozen=True)
class Recorded:
    """An outage or a blip of one target; a blip has its own ends for bounds."""

    lab: int
    target: str
    start: float
    end: float
    outer: tuple[float, float]
    certain: tuple[float, float]
    blip: bool = False


@dataclass(frozen=True)
class Seen:
    """Errors in seconds, recorded minus true; None for what was not seen."""

    truth: Truth
    start: float | None
    end: float | None
    inside: bool  # the truth lies within the bounds of everything recorded of it
    blip: bool


def seen(truth: Truth, recorded: Iterable[Recorded]) -> Seen:
    mine = [one for one in recorded if one.lab == truth.lab and overlaps(one, truth)]
    if not mine:
        return Seen(truth, None, None, inside=False, blip=False)
    outages = [one for one in mine if not one.blip]
    counted = outages or mine
    start, end = min(one.start for one in counted), max(one.end for one in counted)
    direct = [one for one in outages if one.target in truth.kind.direct]
    return Seen(
        truth,
        start - middle(truth.begun),
        end - middle(truth.ended),
        all(bounded(one, truth) for one in direct),
        blip=not outages,
    )


def middle(change: Change) -> float:
    return (change.before + change.after) / 2


def overlaps(one: Recorded, truth: Truth) -> bool:
    return one.start <= truth.ended.after + SLACK / 3 and truth.begun.before <= one.end


def bounded(one: Recorded, truth: Truth) -> bool:
    """Whether the true start and end may lie within the recorded bounds (R4)."""
    begins = one.outer[0] <= truth.begun.after and truth.begun.before <= one.certain[0]
    ends = one.certain[1] <= truth.ended.after and truth.ended.before <= one.outer[1]
    return begins and ends


def polled(truth: Truth, samples: Samples) -> tuple[float, float] | None:
    """Errors of start and end as samples show the outage; None where no sample failed in it."""
    found = []
    for (lab, _), values in samples.items():
        if lab != truth.lab:
            continue
        bad = [at for at, well in values if not well and truth.begun.before - 1 <= at <= truth.ended.after + 16]
        if bad:
            found.append((bad[0], next((at for at, well in values if well and at > bad[-1]), bad[-1])))
    if not found:
        return None
    return min(a for a, _ in found) - middle(truth.begun), max(b for _, b in found) - middle(truth.ended)


def false_ones(recorded: Iterable[Recorded], truths: Sequence[Truth]) -> list[Recorded]:
    """Outages of which nothing was true."""
    return [
        one
        for one in recorded
        if not one.blip and not any(truth.lab == one.lab and overlaps(one, truth) for truth in truths)
    ]


def quantile(values: Iterable[float], share: float) -> float:
    """Of the absolute values."""
    ordered = sorted(map(abs, values))
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def row(name: str, total: int, errors: Sequence[tuple[float, float]]) -> str:
    if not errors:
        return f"| {name} | {total} | 0 | – | – | – | – | – | – |"
    starts, ends = [start for start, _ in errors], [end for _, end in errors]
    lengths = [end - start for start, end in errors]
    cells = [
        f"{value:.1f} s" for one in (starts, ends, lengths) for value in (median(map(abs, one)), quantile(one, 0.99))
    ]
    return f"| {name} | {total} | {len(errors)} | {' | '.join(cells)} |"


HEADINGS = (
    "| | outages | seen | start, median | p99 | end, median | p99 | length, median | p99 |",
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
)
