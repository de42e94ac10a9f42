"""Half-open intervals `[start, end)` of instants, as sorted lists of disjoint spans that do not touch.

Every function takes and returns such normal lists, unless it says otherwise; none changes its arguments.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import chain, groupby
from operator import itemgetter

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
    first = bisect_right(spans, start, key=itemgetter(1))
    last = bisect_left(spans, end, key=itemgetter(0))
    inside = list(spans[first:last])
    if inside:
        inside[0] = max(inside[0][0], start), inside[0][1]
        inside[-1] = inside[-1][0], min(inside[-1][1], end)
    return inside


def at_least(count: int, lists: Sequence[Sequence[Span]]) -> Spans:
    """Where at least `count` (from 1) of the lists cover; 1 is the union, `len(lists)` the intersection."""
    if count > len(lists):
        return []
    if count == 1:
        return normal(chain.from_iterable(lists)) if len(lists) > 1 else list(lists[0])
    if count == len(lists):
        return reduce(intersect, lists[1:], list(lists[0]))
    edges = sorted(edge for spans in lists for start, end in spans for edge in ((start, 1), (end, -1)))
    found: Spans = []
    began = covering = 0
    for instant, group in groupby(edges, key=itemgetter(0)):
        before = covering
        covering += sum(change for _, change in group)
        if before < count <= covering:
            began = instant
        elif covering < count <= before:
            found.append((began, instant))
    return found


def union(*lists: Sequence[Span]) -> Spans:
    return at_least(1, lists) if lists else []


def intersect(left: Sequence[Span], right: Sequence[Span]) -> Spans:
    found: Spans = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if start < end:
            found.append((start, end))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return found


def subtract(spans: Sequence[Span], removed: Sequence[Span]) -> Spans:
    left: Spans = []
    position, count = 0, len(removed)
    for span in spans:
        start, end = span
        while position < count and removed[position][1] <= start:
            position += 1
        if position == count or removed[position][0] >= end:
            left.append(span)
            continue
        number = position
        while number < count and removed[number][0] < end:
            if start < removed[number][0]:
                left.append((start, removed[number][0]))
            start = removed[number][1]
            number += 1
        if start < end:
            left.append((start, end))
    return left


def overlapping(spans: Sequence[Span], containers: Iterable[Span]) -> Iterator[slice]:
    """For each container the slice of the spans that overlap it.

    Neither list needs to be merged, but starts and ends must both be in order; it is gone through once.
    """
    low = high = 0
    count = len(spans)
    for start, end in containers:
        while low < count and spans[low][1] <= start:
            low += 1
        high = max(low, high)
        while high < count and spans[high][0] < end:
            high += 1
        yield slice(low, high)


def totals(spans: Sequence[Span], containers: Sequence[Span]) -> list[Duration]:
    """For each container how much of it the spans cover; both are normal lists."""
    found = []
    low, count = 0, len(spans)
    for start, end in containers:
        while low < count and spans[low][1] <= start:
            low += 1
        covered, position = 0, low
        while position < count and spans[position][0] < end:
            first, last = spans[position]
            covered += (min(end, last)) - (max(start, first))
            position += 1
        found.append(covered)
    return found
