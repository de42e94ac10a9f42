"""More checks at once than there is room for: who waits, and that it shows."""

import asyncio
import resource

import pytest

from monitor.bulkhead import MOST, Bulkhead, most
from monitor.core.check import Outcome
from monitor.metrics import Room
from tests.shell import virtual
from tests.shell.fleet import HANGS, Fleet, cadence, failing, target, well
from tests.shell.virtual import VirtualClock


def checked(hanging: int, room: int | None) -> Fleet:
    """So many targets of one host that hangs beside ten of other hosts, for five minutes."""

    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock, bulkhead=None if room is None else Bulkhead(room))
        for number in range(hanging):
            ill = target(clock, failing(HANGS, (0, 1e9)), name=f"ill/{number}", host="mx.ill")
            fleet.add(ill, cadence(phase=number * 0.1))
        for number in range(10):
            sound = target(clock, well, name=f"well/{number}", host=f"mx{number}")
            fleet.add(sound, cadence(phase=40 + number))
        await fleet.go_on(300)
        return fleet

    return virtual.run(scenario)


def starts(fleet: Fleet) -> list[tuple[str, float]]:
    return [(one.name, round(one.after / 1e6, 1)) for one in fleet.starts if one.name.startswith("well")]


def test_a_host_that_hangs_with_more_targets_than_there_is_room_for_delays_nobody_else() -> None:
    fleet = checked(hanging=60, room=20)
    assert starts(fleet) == starts(checked(hanging=60, room=None)) != []
    ill = [one for one in fleet.starts if one.name.startswith("ill")]
    under_way = [sum(one.after <= at < one.after + 15e6 for one in ill) for at in range(0, 280_000_000, 1_000_000)]
    assert max(under_way) == 10


def test_checks_that_wait_for_their_turn_are_late_and_their_slots_are_missed() -> None:
    fleet = checked(hanging=60, room=20)
    assert max(fleet.late) > 60e6
    assert fleet.missed
    assert {check.outcome for check in fleet.missed} == {Outcome.UNKNOWN}
    assert {one.name for one in fleet.starts} >= {f"ill/{number}" for number in range(60)}


def test_what_is_under_way_and_what_waits_is_counted_and_nothing_is_left() -> None:
    async def scenario(clock: VirtualClock) -> list[Room]:
        bulkhead, seen = Bulkhead(20), []
        fleet = Fleet(clock, bulkhead=bulkhead)
        for number in range(60):
            ill = target(clock, failing(HANGS, (0, 30)), name=f"ill/{number}", host="mx.ill")
            fleet.add(ill, cadence(phase=number * 0.1))

        async def look() -> None:
            for seconds in (14, 180):
                await clock.sleep(seconds)
                seen.append(bulkhead.health)

        async with virtual.beside(look()):
            await fleet.go_on(200)
        return [*seen, bulkhead.health]

    assert virtual.run(scenario) == [Room(10, 50, 20), Room(0, 0, 20), Room(0, 0, 20)]


async def test_a_check_that_is_ended_while_it_waits_is_not_counted_any_more() -> None:
    bulkhead = Bulkhead(2)
    await bulkhead.enter("mx")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await bulkhead.enter("mx")
    assert bulkhead.health == Room(1, 0, 2)
    bulkhead.leave("mx")
    assert bulkhead.health == Room(0, 0, 2)


@pytest.mark.parametrize(
    ("limit", "room"), [(1024, 412), (64, 8), (16384, 8092), (524288, MOST), (resource.RLIM_INFINITY, MOST)]
)
def test_the_room_is_what_the_descriptors_bear(monkeypatch: pytest.MonkeyPatch, limit: int, room: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    assert most() == room
