"""Jobs of the calendar, and the places of targets in their interval."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from monitor.cadence import phases
from monitor.clock import SystemClock
from monitor.core.instants import DAY, SECOND, Instant
from monitor.scheduler import WallClock


class SetClock(SystemClock):
    """A wall clock that shows what it is told."""

    shown: Instant = 0

    def now(self) -> Instant:
        return self.shown


async def job() -> None: ...


@pytest.fixture
async def armed() -> AsyncIterator[tuple[SetClock, WallClock]]:
    clock = SetClock()
    calendar = WallClock(clock)
    calendar.every_hour(job, minute=5)
    calendar.every_day(job, hour=17)
    calendar.start()
    yield clock, calendar
    calendar.stop()


def waiting(calendar: WallClock) -> list[datetime]:
    jobs: list[Any] = vars(calendar)["_scheduler"].get_jobs()
    return sorted(job.next_run_time for job in jobs)


async def test_jobs_wait_for_their_next_time_in_utc(armed: tuple[SetClock, WallClock]) -> None:
    _, calendar = armed
    hourly, daily = sorted(waiting(calendar), key=lambda time: time.minute, reverse=True)
    assert (hourly.minute, hourly.second, daily.hour, daily.minute) == (5, 0, 17, 0)
    assert all(time.utcoffset() == timedelta(0) for time in (hourly, daily))


@pytest.mark.parametrize("step", [-400 * DAY, -DAY])
async def test_after_a_step_back_jobs_wait_for_times_of_the_new_clock(
    armed: tuple[SetClock, WallClock], step: int
) -> None:
    clock, calendar = armed
    new = set_to(clock, step)
    calendar.rearm()
    assert waiting(calendar) == [new.replace(hour=17, minute=0, second=0), new.replace(hour=17, minute=5, second=0)]


@pytest.mark.parametrize("step", [400 * DAY, 2 * DAY])
async def test_what_a_step_forward_went_over_is_due_at_once_and_once(
    armed: tuple[SetClock, WallClock], step: int
) -> None:
    clock, calendar = armed
    new = set_to(clock, step)
    calendar.rearm()
    assert waiting(calendar) == [new, new]


def set_to(clock: SetClock, step: int) -> datetime:
    """Half past four of another day."""
    new = datetime.fromtimestamp(SystemClock().now() // SECOND, UTC).replace(hour=16, minute=30)
    new += timedelta(microseconds=step)
    clock.shown = round(new.timestamp()) * SECOND
    return new


def test_the_targets_of_a_host_are_spread_over_the_interval() -> None:
    found = sorted(phases([(f"agency{number}/imap", "mx.example", 60.0) for number in range(8)]).values())
    assert all(0 <= phase < 60 for phase in found)
    apart = [later - earlier for earlier, later in pairwise([*found, found[0] + 60])]
    assert min(apart) > 60 / 8 / 2


def test_hosts_are_spread_too() -> None:
    found = phases([(f"agency{number}/imap", f"mx{number}.example", 60.0) for number in range(600)])
    quarters = Counter(int(phase // 15) for phase in found.values())
    assert sorted(quarters) == [0, 1, 2, 3]
    assert max(quarters.values()) < 2 * min(quarters.values())


def test_a_target_keeps_its_place_when_others_come_on_other_hosts() -> None:
    few = phases([("a/imap", "mx1", 60.0), ("a/smtp", "mx1", 60.0)])
    more = phases([("0/imap", "mx0", 60.0), ("a/smtp", "mx1", 60.0), ("a/imap", "mx1", 60.0), ("b/pop3", "mx2", 30.0)])
    assert {name: more[name] for name in few} == few
