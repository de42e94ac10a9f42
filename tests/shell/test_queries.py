"""What commands and the API are told of a month: those services that it ended with."""

from dataclasses import replace

from monitor.core.book import Book, Horizon
from monitor.core.calendar import Month
from monitor.core.instants import DAY
from monitor.core.service import Service
from monitor.queries import every
from tests.core.test_rules import PROMISED, rules
from tests.core.worked import NOVEMBER, ZONE, up

DECEMBER = NOVEMBER.plus(1)


def listed(book: Book, month: Month, day: int, only: str | None = None) -> list[str]:
    """The services of a month as they are told on a day of December."""
    horizon = Horizon(DECEMBER.start(ZONE) + day * DAY, now=True)
    return list(every(book, month, horizon, only))


def test_a_month_that_is_over_keeps_the_services_that_it_ended_with() -> None:
    first = rules("a")
    book = Book(first)
    book.record("mail/a", up(NOVEMBER.start(ZONE)))
    other = replace(first, services={"web": Service("web", 1)}, objectives={"web": PROMISED["mail"]})
    book.change_rules(DECEMBER.start(ZONE) + DAY, other)
    assert listed(book, NOVEMBER, 2) == ["mail"]
    assert listed(book, NOVEMBER, 2, "mail") == ["mail"]
    assert listed(book, DECEMBER, 2) == ["web"]
    assert listed(book, DECEMBER, 2, "web") == ["web"]
