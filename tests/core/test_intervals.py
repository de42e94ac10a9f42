"""Intervals, cell by cell: whatever the lists, a list of spans is the set of the cells inside it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.intervals import (
    Span,
    Spans,
    at_least,
    clip,
    intersect,
    normal,
    overlapping,
    subtract,
    total,
    totals,
    union,
)  # fmt: skip

instants = st.integers(0, 24)
anything = st.lists(st.tuples(instants, instants), max_size=8)
spans = anything.map(normal)
ordered = st.tuples(instants, instants).map(lambda pair: (min(pair), max(pair)))


def cells(found: Spans) -> set[int]:
    return {cell for start, end in found for cell in range(start, end)}


def is_normal(found: Spans) -> bool:
    return all(start < end for start, end in found) and all(a[1] < b[0] for a, b in pairwise(found))


@given(anything)
def test_normal_spans_are_sorted_apart_and_cover_the_same(raw: Spans) -> None:
    found = normal(raw)
    assert is_normal(found)
    assert cells(found) == cells(raw)
    assert total(found) == len(cells(raw))


@given(st.lists(spans, max_size=4), st.integers(1, 5))
def test_at_least_so_many_lists_cover_a_cell(lists: list[Spans], count: int) -> None:
    found = at_least(count, lists)
    assert is_normal(found)
    assert cells(found) == {cell for cell in range(25) if sum(cell in cells(one) for one in lists) >= count}
    assert cells(union(*lists)) == set().union(*(cells(one) for one in lists))


@given(spans, spans)
def test_what_two_lists_share_and_what_one_leaves_of_the_other(left: Spans, right: Spans) -> None:
    shared, rest = intersect(left, right), subtract(left, right)
    assert is_normal(shared)
    assert is_normal(rest)
    assert cells(shared) == cells(left) & cells(right)
    assert cells(rest) == cells(left) - cells(right)


@given(spans, instants, instants)
def test_clipping_leaves_what_lies_inside_and_the_list_as_it_was(found: Spans, start: int, end: int) -> None:
    before = list(found)
    inside = clip(found, start, end)
    assert is_normal(inside)
    assert cells(inside) == cells(found) & set(range(start, end))
    assert found == before


def in_order(raw: list[Span]) -> list[Span]:
    """Spans whose starts and ends are both in order, and that may overlap."""
    return list(zip(sorted(start for start, _ in raw), sorted(end for _, end in raw), strict=True))


@given(st.lists(ordered, max_size=6).map(in_order), spans)
def test_each_container_is_given_the_spans_that_overlap_it(own: list[Span], containers: Spans) -> None:
    own = [span for span in own if span[0] < span[1]]
    found = [own[inside] for inside in overlapping(own, containers)]
    assert found == [[span for span in own if span[0] < end and start < span[1]] for start, end in containers]


@given(spans, spans)
def test_each_container_is_measured_by_what_covers_it(own: Spans, containers: Spans) -> None:
    assert totals(own, containers) == [len(cells(own) & set(range(*one))) for one in containers]
