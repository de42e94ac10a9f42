"""Clocks that are set, that run fast or slow, that repeat a second; machines that sleep; months that turn.

One target fails from minute 10 to minute 30, checked every 15 seconds meanwhile; the other is well. Whatever the clock
does, the ledger verifies, a replay of the exported checks gives the daemon's figures, and every microsecond is in one
of them; what they are is said here, in seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from monitor.core.instants import HOUR, SECOND, Duration
from monitor.core.month import Figures
from tests.endure.world import World, play
from tests.shell.fleet import REFUSED, failing, well
from tests.shell.virtual import VirtualClock

Act = Callable[[VirtualClock], None]
LENGTH, LONG = 1860, 4700


def step(by: Duration) -> Act:
    return lambda clock: clock.step(by)


def stop(seconds: float) -> Act:
    """As SIGSTOP does: both clocks go on."""
    return lambda clock: clock.stall(seconds)


def sleep(seconds: float) -> Act:
    """The machine sleeps: the monotonic clock stands still."""
    return lambda clock: clock.suspend(seconds)


def slew(rate: float) -> Act:
    return lambda clock: clock.slew(rate)


@dataclass(frozen=True)
class Case:
    """`acts` by the second in which they happen; by month what is down and unknown then, in seconds."""

    acts: dict[float, Act] = field(default_factory=dict)
    told: dict[str, tuple[float, float]] = field(default_factory=dict)
    begin: str = "2026-11-10T10:00"
    length: float = LENGTH
    steps: int = 0
    zone: str = "Asia/Bangkok"
    excused: float = 0
    sections: dict[str, Any] = field(default_factory=dict)


def window(**keys: Any) -> dict[str, Any]:
    return {"maintenance": [{"reason": "upgrade", "by": "ops", "declared": "2026-01-01T00:00+00:00", **keys}]}


def told(down: float, unknown: float = 0) -> dict[str, tuple[float, float]]:
    return {"2026-11": (down, unknown)}


EVE = "2026-11-30T23:45"
BERLIN = "Europe/Berlin"
CASES = {
    "nothing": Case(told=told(1205)),
    # The last failure speaks for 135 s of the hour that was passed over; the rest of it nobody saw.
    "an hour forward": Case({900: step(HOUR)}, told(425 + 900, 3480), steps=1),
    # The hour that comes twice is counted the first time only.
    "an hour back": Case({900: step(-HOUR)}, told(300), length=LONG, steps=1),
    "a second forward": Case({900: step(SECOND)}, told(1206), steps=1),
    "a second back": Case({900: step(-SECOND)}, told(1204), steps=1),
    "an hour forward before it is confirmed": Case({602: step(HOUR)}, told(1200, 3470), steps=1),
    "an hour back before it is confirmed": Case({602: step(-HOUR)}, told(0), length=LONG, steps=1),
    "there and back": Case({900: step(HOUR), 1200: step(-HOUR)}, told(425 + 295, 3480), length=LONG + 300, steps=2),
    "an hour forward in health": Case({300: step(HOUR)}, told(1205, 3555), steps=1),
    "stopped in health": Case({130: stop(300)}, told(1205, 205)),
    "stopped while it is down": Case({700: stop(300)}, told(1040, 170)),
    "stopped over its end": Case({1700: stop(600)}, told(1220, 480)),
    "asleep while it is down": Case({700: sleep(300)}, told(1325, 180), steps=1),
    "fast": Case({0: slew(500e-6)}, told(1205.6025)),
    "slow": Case({0: slew(-500e-6)}, told(1204.3975)),
    "a leap second repeated": Case(
        {900: step(-SECOND)}, {"2026-12": (1204, 0)}, begin="2026-12-31T06:45", steps=1, zone="UTC"
    ),
    "a leap second smeared": Case({0: slew(-1 / 86400)}, told(1205 * (1 - 1 / 86400))),
    "the turn of a month": Case(told={"2026-11": (300, 0), "2026-12": (905, 0)}, begin=EVE),
    "the turn of a year": Case(told={"2026-12": (300, 0), "2027-01": (905, 0)}, begin="2026-12-31T23:45"),
    "back over the turn": Case(
        {1000: step(-HOUR)}, {"2026-11": (300, 0), "2026-12": (120, 0)}, begin=EVE, length=LONG, steps=1
    ),
    "forward over the turn": Case(
        {700: step(HOUR)}, {"2026-11": (230, 70), "2026-12": (1095, 3410)}, begin=EVE, steps=1
    ),
    "a second back over the turn": Case(
        {900: step(-SECOND)}, {"2026-11": (300, 0), "2026-12": (904, 0)}, begin=EVE, steps=1
    ),
    "stopped over the turn": Case({880: stop(300)}, {"2026-11": (300, 0), "2026-12": (740, 170)}, begin=EVE),
    "the hour that comes twice": Case(told={"2026-10": (1205, 0)}, begin="2026-10-25T02:45+02:00", zone=BERLIN),
    "the hour that is left out": Case(told={"2027-03": (1205, 0)}, begin="2027-03-28T01:45", zone=BERLIN),
    "a window in the hour that comes twice": Case(
        told={"2026-10": (905, 0)}, begin="2026-10-25T02:20+02:00", zone=BERLIN, excused=300,
        sections=window(rrule="FREQ=DAILY", start="2026-10-20T02:30+02:00", duration="5m"),
    ),
    "a window in the hour that is left out": Case(
        told={"2027-03": (905, 0)}, begin="2027-03-28T03:20", zone=BERLIN, excused=300,
        sections=window(rrule="FREQ=DAILY", start="2027-03-20T02:30+01:00", duration="5m"),
    ),
    "a window that ends in the hour that was passed over": Case(
        {900: step(HOUR)}, told(325 + 900, 3480), steps=1, excused=100,
        sections=window(start="2026-11-10T10:15:25+07:00", end="2026-11-10T11:00+07:00"),
    ),
    "a window that begins in the hour that comes twice": Case(
        {900: step(-HOUR)}, told(100), length=LONG, steps=1, excused=200,
        sections=window(start="2026-11-10T10:11:40+07:00", end="2026-11-10T11:00+07:00"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_figures_are_right_whatever_the_clock_does(name: str, tmp_path: Path) -> None:
    case = CASES[name]

    async def scenario(clock: VirtualClock) -> World:
        servers = {"imap": failing(REFUSED, (600, 1800)), "smtp": well}
        world = World(clock, tmp_path, servers, zone=case.zone, sections=case.sections)
        world.set_to(case.begin)
        await world.start()
        passed = 0.0
        for at, act in case.acts.items():
            await world.watch(at - passed)
            act(clock)
            passed = at
        await world.watch(case.length - passed)
        await world.stop()
        return world

    world = play(scenario)
    found = {month: world.figures(month) for month in case.told}
    assert {month: seconds(figures) for month, figures in found.items()} == case.told
    assert sum(figures.sums.excused for figures in found.values()) / SECOND == case.excused
    assert len(world.facts("clock_step")) == case.steps
    world.audit(*case.told)


def seconds(figures: Figures) -> object:
    # To the twentieth of a second: targets are started one after the other
    return pytest.approx((figures.sums.downtime / SECOND, figures.sums.unknown / SECOND), abs=0.05)
