"""A page ends at a place in an order, so that what begins between two pages shifts nothing."""

from typing import Any

from monitor.web.api.paging import by_start, paged


def outage(service: str, minute: int) -> dict[str, Any]:
    return {"service": service, "start": f"2026-11-10T10:{minute:02}:00+07:00"}


def page(outages: list[dict[str, Any]], limit: int | None, cursor: str | None = None) -> dict[str, Any]:
    number, _, name = (cursor or "").partition(".")
    asked = {"limit": limit, "cursor": (int(number), name) if cursor else None}
    return paged({"outages": outages}, "outages", asked, by_start)


def test_outages_that_begin_between_two_pages_come_last_and_none_comes_twice() -> None:
    known = [outage("a", 1), outage("a", 5), outage("b", 1), outage("b", 3)]
    first = page(known, 2)
    later = [outage("a", 1), outage("a", 5), outage("a", 9), outage("b", 1), outage("b", 3), outage("b", 7)]
    rest, cursor = [], first["next"]
    while cursor is not None:
        following = page(later, 2, cursor)
        rest += following["outages"]
        cursor = following["next"]
    assert first["outages"] == [outage("a", 1), outage("b", 1)]
    assert rest == [outage("b", 3), outage("a", 5), outage("b", 7), outage("a", 9)]


def test_a_page_after_an_outage_that_is_no_more_goes_on_where_it_stood() -> None:
    first = page([outage("a", 1), outage("a", 5), outage("a", 9)], 2)
    assert page([outage("a", 1), outage("a", 9)], 2, first["next"]) == {"outages": [outage("a", 9)], "next": None}


def test_without_limit_and_cursor_nothing_is_paged() -> None:
    assert page([outage("b", 1), outage("a", 1)], None) == {"outages": [outage("b", 1), outage("a", 1)]}
