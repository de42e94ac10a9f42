"""Half-open intervals `[start, end)` of instants, as sorted lists of disjoint spans that do not touch.

Every function takes and returns such normal lists, unless it says otherwise; none changes its arguments.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from monitor.core.instants import Duration, Instant

Span = tuple[Instant, Instant]
Spans = list[Span]

BEGINNING: Instant = -(2**62)
"""Before every instant that can be recorded."""
END: Instant = 2**62
"""After every instant that can be recorded."""


def normal(spans: Iterable[Span]) -> Spans:
    """Sort any spans, merge what overlaps or touches, and drop what is empty."""
    merged: Spans = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def total(spans: Iterable[Span]) -> Duration:
    return sum(end - start for start, end in spans)


def clip(spans: Sequence[Span], start: Instant, end: Instant) -> Spans:
    """The part of the spans inside `[start, end)`; costs what lies inside, not what lies before."""
    if start >= end:
        return []
    first = bisect_right(spans, start, key=lambda span: span[1])
    last = bisect_left(spans, end, key=lambda span: span[0])
    return [(max(s, start), min(e, end)) for s, e in spans[first:last]]


def at_least(count: int, lists: Sequence[Sequence[Span]]) -> Spans:
    """Where at least `count` of the lists cover; `count` 1 is the union, `len(lists)` the intersection."""
    if count <= 0:
        return [(BEGINNING, END)]
    if len(lists) == 1:
        return list(lists[0]) if count == 1 else []
    edges = sorted(edge for spans in lists for start, end in spans for edge in ((start, 1), (end, -1)))
    found: Spans = []
    covering = 0
    position = 0
    while position < len(edges):
        instant = edges[position][0]
        before = covering
        while position < len(edges) and edges[position][0] == instant:
            covering += edges[position][1]
            position += 1
        if before < count <= covering:
            began = instant
        elif covering < count <= before:
            found.append((began, instant))
    return found


def union(*lists: Sequence[Span]) -> Spans:
    return at_least(1, lists) if lists else []


def intersect(left: Sequence[Span], right: Sequence[Span]) -> Spans:
    return at_least(2, (left, right)) if left and right else []


def subtract(spans: Sequence[Span], removed: Sequence[Span]) -> Spans:
    if not removed or not spans:
        return list(spans)
    return intersect(spans, complement(removed))


def complement(spans: Sequence[Span]) -> Spans:
    """Everything between `BEGINNING` and `END` that the spans leave out."""
    edges = [BEGINNING, *(edge for span in spans for edge in span), END]
    return [(s, e) for s, e in zip(edges[::2], edges[1::2], strict=True) if s < e]
