"""What is kept added up of a running month never outlives what it was added up by (R7, R14, R15)."""

from dataclasses import replace
from typing import Any

import pytest

from monitor.core.book import Book, Horizon
from monitor.core.instants import MINUTE, SECOND
from monitor.core.maintenance import Exclusion, Window
from monitor.core.service import Service
from tests.core.worked import NOVEMBER, at, book, down, up

NOW = at("11:00")
WINDOW = Window("w", (), at("10:20"), at("10:25"), "", "ops")
EXCLUSION = Exclusion("x", (), at("10:30"), at("10:40"), "customer", "ticket 7", "ops", "chief")


def running(made: Book) -> float:
    found = made.running("mail", NOVEMBER, Horizon(NOW, now=True), NOW)
    assert found == replace(made.figures("mail", NOVEMBER, Horizon(NOW, now=True)), outages=())
    return found.sums.downtime / MINUTE


@pytest.fixture
def counted() -> Book:
    """Down for twenty minutes, and asked for once so that they are kept."""
    instants = range(at("10:00"), NOW, 30 * SECOND)
    failing = range(at("10:20"), at("10:40"), 30 * SECOND)
    made = book({"t": [down(i) if i in failing else up(i) for i in instants]})
    assert running(made) == 20
    return made


@pytest.mark.parametrize(
    ("declared", "downtime"),
    [
        ({"windows": (WINDOW,)}, 15),
        ({"exclusions": (EXCLUSION,)}, 10),
        ({"windows": (WINDOW,), "exclusions": (EXCLUSION,)}, 5),
    ],
)
def test_what_is_declared_afterwards_moves_the_running_figure_at_once(
    declared: dict[str, Any], downtime: int, counted: Book
) -> None:
    before = {name: getattr(counted, name) for name in declared}
    for name, value in declared.items():
        setattr(counted, name, value)
    assert running(counted) == downtime
    for name, value in before.items():
        setattr(counted, name, value)
    assert running(counted) == 20


def test_rules_that_are_recorded_for_earlier_move_it_too(counted: Book) -> None:
    rules = replace(counted.rules, services={"mail": Service("mail", 1, ("mail/t",), since=at("10:30"))})
    counted.change_rules(at("10:30"), rules)
    assert running(counted) == 10
