"""Something in the daemon itself holds the event loop: what is seen of it, what is blamed, and how it ends."""

import re
from collections import Counter
from pathlib import Path

from monitor.core.instants import SECOND
from monitor.ledger import Ledger
from tests.endure.watched import number
from tests.endure.world import World, play
from tests.shell import virtual
from tests.shell.fleet import REFUSED, Answer, Server, failing, well
from tests.shell.virtual import VirtualClock

MONTH = "2026-11"


def slow(_: float) -> Answer:
    """Well after four seconds."""
    return Answer(None, "greeting", 4)


def metrics(world: World) -> str:
    text: str = world.application.exposition("", "")().body.decode()
    return text


def starved(place: Path, servers: dict[str, Server], *, blocked: float, every: float, times: int) -> tuple[World, str]:
    """From second 61 on the loop is blocked again and again; what the metrics say right after the last time."""

    async def scenario(clock: VirtualClock) -> tuple[World, str]:
        world = World(clock, place, servers)
        world.set_to("2026-11-10T10:00")
        await world.start()
        await world.watch(61)

        async def block() -> None:
            for _ in range(times):
                clock.stall(blocked)
                await clock.sleep(every)

        async with virtual.beside(block()):
            await world.watch(times * (blocked + every) - every / 2)
        seen = metrics(world)
        await world.watch(180)
        assert set(re.findall(r'^mailuptime_target_state\{.*state="(\w+)"\} 1', metrics(world), re.MULTILINE)) == {"up"}
        stalled = "mailuptime_event_loop_stalled_seconds_total"
        assert number(metrics(world), stalled) == number(seen, stalled)
        await world.stop()
        return world, seen

    return play(scenario)


def causes(world: World, target: str) -> Counter[str | None]:
    with Ledger(world.settings.ledger.path) as ledger:
        return Counter(row.check.cause for _, row in ledger.rows(0) if row.target == f"mail/{target}")


def test_what_runs_out_of_time_while_the_loop_is_blocked_is_the_monitors_own_fault(tmp_path: Path) -> None:
    world, seen = starved(tmp_path, {"imap": slow, "smtp": well}, blocked=20, every=1, times=1)
    assert causes(world, "imap") == {None: causes(world, "imap")[None], "overload": 1}
    assert set(causes(world, "smtp")) == {None}
    assert 19.5 <= number(seen, "mailuptime_event_loop_stalled_seconds_total") < 20.5
    assert world.figures(MONTH).sums.downtime == 0
    world.audit(MONTH)


def test_a_loop_that_is_starved_for_minutes_shows_it_and_comes_back_by_itself(tmp_path: Path) -> None:
    """Blocked three seconds of four for five minutes: checks go on, late, and what was slow with them is not down."""
    world, seen = starved(tmp_path, {"imap": slow, "smtp": well}, blocked=3, every=1, times=75)
    assert set(causes(world, "imap") + causes(world, "smtp")) <= {None, "overload", "missed"}
    assert number(seen, "mailuptime_event_loop_stalled_seconds_total") > 190  # of 225 s; each tick measures its own
    late = re.findall(r'^mailuptime_schedule_lateness_seconds_bucket\{le="1(?:\.0)?"\} (\d+)', seen, re.MULTILINE)
    assert float(late[0]) < number(seen, "mailuptime_schedule_lateness_seconds_count")
    assert world.figures(MONTH).sums.downtime == 0
    world.audit(MONTH)


def test_a_real_outage_is_still_seen_by_a_loop_that_is_starved(tmp_path: Path) -> None:
    """A refused connection cannot be forged by slowness."""
    down = failing(REFUSED, (100, 220))
    world, _ = starved(tmp_path, {"imap": down, "smtp": well}, blocked=3, every=1, times=75)
    assert 100 * SECOND <= world.figures(MONTH).sums.downtime <= 140 * SECOND
    assert set(causes(world, "smtp")) == {None}
    world.audit(MONTH)
