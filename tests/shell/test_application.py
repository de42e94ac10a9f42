"""What a reload removes is shown no more, and what is counted of each check."""

from fractions import Fraction
from typing import Any, cast

from monitor.application import Application
from monitor.core.book import Book, Rules
from monitor.core.check import Check, Outcome
from monitor.core.instants import MILLISECOND, MINUTE, SECOND, Instant
from monitor.core.month import Objectives
from monitor.core.service import Service
from monitor.core.workload import Basis
from monitor.metrics import Health, Lateness
from monitor.runner import Result, Target
from probes.base import Evidence, Phase
from tests.core.worked import ZONE, at
from tests.shell.fleet import IdleProbe

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

    def asleep(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError


def test_a_service_that_a_reload_has_just_removed_is_not_shown_any_more() -> None:
    book = Book(RULES)
    application = made(CostlyClock(0.0), book)
    assert [one["service"] for one in application.status()["services"]] == ["mail"]
    book.change_rules(at("10:30"), Rules(ZONE, {}, {"web": Service("web", 1)}, {"web": RULES.objectives["mail"]}))
    assert application.status()["services"] == []
    application.refresh()
    assert [one["service"] for one in application.status()["services"]] == ["web"]


def made(clock: CostlyClock, book: Book | None = None) -> Application:
    health = Health(True, 0, None, 0, 0, 0, True, 0)
    return Application(
        clock,
        book or Book(RULES),
        {},
        1,
        durable=lambda: True,
        closings=dict,
        desk=cast("Any", None),
        health=lambda: health,
        basis=lambda: Basis(250_000, 320),
        lateness=Lateness(),
    )


def checked(outcome: Outcome, *, pulse: bool) -> Result:
    target = Target("mail/imap", "imap", IdleProbe(), 15 * SECOND, 135 * SECOND)
    check = Check(at("10:00"), outcome, 30 * MILLISECOND, 135 * SECOND)
    phases = (Phase("tls", 0.01, ok=True), Phase("capability", 0.004, ok=True), Phase("capability", 0.002, ok=True))
    return Result(target, check, 0.0, phases, None, Evidence(), "", pulse=pulse)


def test_the_phases_of_each_check_are_counted_once_and_the_whole_beside_them() -> None:
    """A phase that is gone through twice is one duration; a pulse that went well is no check."""
    application = made(CostlyClock(0))
    application.arrived(checked(Outcome.UP, pulse=False))
    application.arrived(checked(Outcome.UP, pulse=True))
    application.arrived(checked(Outcome.DOWN, pulse=True))
    text = application.exposition("", "")().body.decode()
    name = "mailuptime_phase_duration_seconds"
    for phase, part, value in (("tls", "count", "2.0"), ("capability", "sum", "0.012"), ("total", "sum", "0.06")):
        assert f'{name}_{part}{{protocol="imap",phase="{phase}"}} {value}\n' in text
