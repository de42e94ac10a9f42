"""How often snapshots are taken."""

from fractions import Fraction

import pytest

from monitor.application import Application
from monitor.core.book import Book, Rules
from monitor.core.instants import MINUTE, SECOND, Instant
from monitor.core.month import Objectives
from monitor.core.service import Service
from monitor.metrics import Health, Lateness
from tests.core.worked import ZONE, at

RULES = Rules(ZONE, {}, {"mail": Service("mail", 1)}, {"mail": Objectives(Fraction("99.5"), 216 * MINUTE)})


class CostlyClock:
    """Every reading of the monotonic clock takes some seconds; the wall clock goes on by one at each reading."""

    def __init__(self, cost: float) -> None:
        self._cost = cost
        self._monotonic = 0.0
        self._wall = at("10:00")

    def now(self) -> Instant:
        self._wall += SECOND
        return self._wall

    def monotonic(self) -> float:
        self._monotonic += self._cost
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        raise AssertionError


@pytest.mark.parametrize(("cost", "taken"), [(0.0, 100), (1.0, 6)])
def test_snapshots_get_at_most_a_tenth_of_the_time_however_often_they_are_asked_for(cost: float, taken: int) -> None:
    health = Health(True, 0, None, 0, 0, 0, True, 0)
    application = Application(
        CostlyClock(cost),
        Book(RULES),
        {},
        1,
        durable=lambda: True,
        closings=dict,
        declared=lambda _: {},
        health=lambda: health,
        lateness=Lateness(),
    )
    shown = set()
    for _ in range(100):
        application.refresh()
        shown.add(application.status()["at"])
    assert len(shown) == taken
