"""The watchdog hears of progress and of nothing else."""

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import structlog.testing

from monitor.core.calendar import Month
from monitor.snapshot import Snapshot
from monitor.supervision import ANEW_AFTER, Supervision, kept_up
from tests.shell.virtual import VirtualClock, beside, run

LIMIT_S = 30


@dataclass
class Work:
    """Stands in for schedule and recorder: `advanced` on the monotonic clock, and whether records wait unseen."""

    advanced: float = 0.0
    last_commit: int | None = None
    writable: bool = True
    waits: bool = False
    said: list[str] = field(default_factory=list)

    def stuck(self, _seconds: float) -> bool:
        return self.waits

    def say(self, *lines: str) -> None:
        self.said += lines

    def supervised(self, clock: VirtualClock) -> Supervision:
        this: Any = self
        snapshot = Snapshot(0, Month(2026, 11), (), ())
        return Supervision(clock, this, this, this, lambda: (snapshot, ZoneInfo("Asia/Bangkok")))


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", str(LIMIT_S * 1_000_000))
    monkeypatch.delenv("WATCHDOG_PID", raising=False)


def petted(work: Work, *, advances: bool) -> int:
    """How often in two minutes."""

    async def scenario(clock: VirtualClock) -> None:
        work.advanced = clock.monotonic()
        async with beside(work.supervised(clock).pet()):
            for _ in range(120):
                if advances:
                    work.advanced = clock.monotonic()
                await clock.sleep(1)

    run(scenario)
    return work.said.count("WATCHDOG=1")


def test_while_the_work_gets_on_it_is_petted_three_times_in_its_time() -> None:
    assert 11 <= petted(Work(), advances=True) <= 12


def test_a_schedule_that_stands_still_is_told_by_silence() -> None:
    assert petted(Work(), advances=False) == 1  # of the last progress


def test_records_that_nobody_handles_are_told_by_silence() -> None:
    assert petted(Work(waits=True), advances=True) == 0


def test_a_ledger_that_refuses_is_no_reason_to_be_killed_and_is_said() -> None:
    work = Work(writable=False)
    assert petted(work, advances=True) >= 11

    async def scenario(clock: VirtualClock) -> None:
        async with beside(work.supervised(clock).announce()):
            await clock.sleep(6)

    run(scenario)
    assert "STATUS=0 targets; the ledger cannot be written" in work.said


def test_where_nobody_watches_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC")
    work = Work()
    run(lambda clock: asyncio.wait_for(work.supervised(clock).pet(), 1))
    assert work.said == []


def test_what_only_tells_of_services_begins_anew_after_a_mistake_of_its_own() -> None:
    began: list[float] = []

    async def page() -> None:
        began.append(asyncio.get_running_loop().time())
        if len(began) < 3:
            raise KeyError("agency")

    async def scenario(clock: VirtualClock) -> None:
        await kept_up(clock, page)

    with structlog.testing.capture_logs() as said:
        run(scenario)
    assert [later - earlier for earlier, later in pairwise(began)] == [ANEW_AFTER, ANEW_AFTER]
    assert [(one["event"], one["error"]) for one in said] == [("task.failed", "KeyError")] * 2
