"""When snapshots are taken: a tenth of the time at most, a large fleet's in turns; none of what is not committed."""

import asyncio
from collections.abc import Callable
from fractions import Fraction

import pytest

from monitor.core.book import Book, Rules, TargetRule
from monitor.core.check import Check, Outcome
from monitor.core.instants import MINUTE, SECOND, Instant
from monitor.core.month import Objectives
from monitor.core.service import Service
from monitor.core.timeline import Timeline
from monitor.live import Live
from monitor.photographer import Photographer
from monitor.runner import Target
from monitor.shutter import LONGEST_REST, REST, TURN, Shutter
from monitor.snapshot import Snapshot
from tests.core.worked import ZONE, at
from tests.shell.fleet import IdleProbe

SERVICES = [f"agency{number}" for number in range(8)]
VOICE = 135 * SECOND
RULES = Rules(
    ZONE,
    {f"{name}/imap": TargetRule(3, 2, VOICE) for name in SERVICES},
    {name: Service(name, 1, (f"{name}/imap",)) for name in SERVICES},
    dict.fromkeys(SERVICES, Objectives(Fraction("99.5"), 216 * MINUTE)),
)


class CostlyClock:
    """Every reading of the monotonic clock takes some seconds; sleeping takes what it should, and no time."""

    def __init__(self, cost: float) -> None:
        self.cost = cost
        self.passed = 0.0

    def now(self) -> Instant:
        return at("10:00") + round(self.passed * SECOND)

    def monotonic(self) -> float:
        self.passed += self.cost
        return self.passed

    def asleep(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds
        await asyncio.sleep(0)


class Scene:
    def __init__(self, cost: float) -> None:
        self.clock = CostlyClock(cost)
        self.book = Book(RULES)
        lives = {name: Live(Target(name, "imap", IdleProbe(), 0, 0), Timeline(3, 2)) for name in RULES.targets}
        self.durable = True
        self.shown: list[Snapshot] = []
        photographer = Photographer(self.book, lives, 3)
        self.shutter = Shutter(self.clock, self.book, photographer, lambda: self.durable, self.shown.append)

    async def until(self, condition: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None) -> None:
        """Let the shutter run, and something happen at each turn of the event loop, until a condition holds."""
        running = asyncio.create_task(self.shutter.run())
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0)
                meanwhile()
        running.cancel()


@pytest.mark.parametrize("cost", [0.0, TURN / 8])
def test_a_small_fleets_is_taken_at_once_but_for_at_most_a_tenth_of_the_time(cost: float) -> None:
    scene = Scene(cost)
    for _ in range(300):
        scene.shutter.press()
    assert len(scene.shown) <= 1 + (scene.clock.passed / (REST * cost) if cost else 299)
    assert len(scene.shown) > (5 if cost else 299)


async def test_a_large_fleets_is_taken_in_turns_with_a_rest_between_two() -> None:
    scene, turns = Scene(2 * TURN), list[int]()
    scene.shutter.press()
    assert scene.shown == []
    await scene.until(lambda: len(scene.shown) == 2, lambda: turns.append(len(scene.shown)))
    assert turns.count(1) >= len(SERVICES)
    first, second = (one.at for one in scene.shown)
    assert second - first > REST * len(SERVICES) * 2 * TURN * SECOND


async def test_what_is_not_committed_is_in_no_figure_though_it_comes_between_two_turns() -> None:
    scene = Scene(2 * TURN)

    def check() -> None:
        """As the recorder does: the book takes it, and a commit follows."""
        if scene.durable:
            for name in RULES.targets:
                scene.book.record(name, Check(scene.clock.now(), Outcome.UP, 1000, VOICE))
        scene.durable = False

    await scene.until(lambda: len(scene.shown) >= 2, check)
    assert all(one.running.since is None for snapshot in scene.shown for one in snapshot.services)
    assert {one.at for one in scene.shown} != {scene.shown[0].at}


def test_a_machine_that_stood_still_while_one_was_taken_is_behind_for_a_minute_at_the_most() -> None:
    scene = Scene(0.0)
    scene.clock.cost = 300.0
    scene.shutter.press()
    scene.clock.cost = 0.0
    resumed = scene.clock.passed
    asyncio.run(scene.until(lambda: len(scene.shown) == 2))
    assert scene.clock.passed - resumed <= LONGEST_REST + 1
