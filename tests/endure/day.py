"""Hours of a daemon's life in virtual time, with something wrong every few minutes: does anything grow?"""

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from monitor.core.instants import SECOND
from probes.errors import Cause
from tests.endure.watched import Holding, holding
from tests.endure.world import World, play
from tests.shell.fleet import HANGS, REFUSED, Answer, Server, failing
from tests.shell.virtual import VirtualClock

LOOK = 600.0
"""Seconds between two looks, and between two disturbances of the daemon."""
SLOW = Answer(Cause.TIMEOUT, "greeting", seconds=7)


@dataclass(frozen=True)
class Look:
    """`waiting` is what is not durable yet, `timers` what the loop has still to do."""

    at: float
    held: Holding
    tasks: int
    timers: int
    waiting: int
    events: int  # outages, blips and gaps that the book remembers


@dataclass
class Day:
    looks: list[Look] = field(default_factory=list)
    ailments: dict[str, int] = field(default_factory=dict)


def live(place: Path, hours: float, seed: str) -> Day:
    """A daemon of four targets, each of which fails for some minutes an hour; then its accounts are audited."""
    random, day = Random(seed), Day()

    async def scenario(clock: VirtualClock) -> World:
        world = World(clock, place, {name: _server(random, hours) for name in ("smtp", "imap", "pop3", "sieve")})
        world.set_to("2026-11-30T12:30")
        await world.start()
        for number in range(1, round(hours * 3600 / LOOK) + 1):
            await world.watch(LOOK - 120)
            await _disturb(world, random, day)
            await world.watch(120)
            day.looks.append(_look(world, number * LOOK))
        await world.stop()
        return world

    world = play(scenario)
    world.audit("2026-11", "2026-12")
    return day


def _server(random: Random, hours: float) -> Server:
    answer = random.choice([REFUSED, HANGS, SLOW])
    starts = (hour * 3600 + random.uniform(300, 3000) for hour in range(int(hours) + 1))
    return failing(answer, *((start, start + random.choice([4, 40, 240])) for start in starts))


async def _disturb(world: World, random: Random, day: Day) -> None:
    name = random.choice(["a second forward", "a second back", "stopped", "asleep", "reload", "nothing"])
    day.ailments[name] = day.ailments.get(name, 0) + 1
    match name:
        case "a second forward":
            world.clock.step(SECOND)
        case "a second back":
            world.clock.step(-SECOND)
        case "stopped":
            world.clock.stall(40)
        case "asleep":
            world.clock.suspend(90)
        case "reload":
            await world.reload()


def _look(world: World, at: float) -> Look:
    accounts = world.daemon.book.accounts.values()
    known = (account.history for account in accounts)
    return Look(
        at,
        holding(os.getpid()),
        len(asyncio.all_tasks()),
        len(vars(asyncio.get_running_loop())["_scheduled"]),
        world.daemon.recorder.pending,
        sum(len(one.outages) + len(one.blips) + len(one.gaps) for one in known),
    )
