"""1,600 targets on 320 hosts, in the places that the daemon gives them, and every fifth host hangs: who is late?"""

from collections.abc import Mapping

import pytest

from monitor.bulkhead import Bulkhead
from monitor.cadence import phases
from monitor.core.check import Outcome
from monitor.scheduler import START_GAP
from tests.shell import virtual
from tests.shell.fleet import HANGS, Fleet, cadence, failing, target, well
from tests.shell.virtual import VirtualClock

HOSTS, OF_A_HOST, SECONDS = 320, 5, 300
ROOM = 412
"""What the usual limit of 1,024 descriptors bears."""
NAMES = {f"agency{host}/{kind}": f"mx{host}" for host in range(HOSTS) for kind in ("imap", "pop3", "smtp", "web", "25")}
SICK = frozenset(name for number, name in enumerate(NAMES) if number // OF_A_HOST % 5 == 0)


def fleet_of_1600(sick: frozenset[str]) -> Fleet:
    places = phases([(name, host, 60.0) for name, host in NAMES.items()])

    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock, bulkhead=Bulkhead(ROOM))
        for number, (name, host) in enumerate(NAMES.items()):
            server = failing(HANGS, (0, 1e9)) if name in sick else well
            fleet.add(target(clock, server, name=name, host=host), cadence(phase=places[name]), first=number * 0.02)
        await fleet.go_on(SECONDS)
        return fleet

    return virtual.run(scenario)


@pytest.fixture(scope="module")
def lives() -> tuple[Fleet, Fleet]:
    """In health, and with 320 targets that hang from the beginning."""
    return fleet_of_1600(frozenset()), fleet_of_1600(SICK)


def starts_of_others(fleet: Fleet) -> Mapping[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in NAMES if name not in SICK}
    for start in fleet.starts:
        if start.name in found:
            found[start.name].append(start.after / 1e6)
    return found


def test_every_other_target_is_checked_as_often_and_none_of_its_slots_is_missed(lives: tuple[Fleet, Fleet]) -> None:
    healthy, hanging = map(starts_of_others, lives)
    assert {name: len(starts) for name, starts in hanging.items()} == {name: len(s) for name, s in healthy.items()}
    assert lives[1].missed == []
    hung = [start for start in lives[1].starts if start.name in SICK]
    assert {start.result.check.outcome for start in hung} == {Outcome.DOWN}
    assert len(hung) > 320 * SECONDS / 20  # they are rechecked again and again all the time


def test_a_start_moves_by_its_place_among_those_of_the_same_instant_and_by_no_more(
    lives: tuple[Fleet, Fleet],
) -> None:
    """27 starts a second become 45, each `START_GAP` from the next at the least: where two or three fall on one
    instant, who comes first has changed. Nobody ever waits for a check of a hanging target to end.
    """
    healthy, hanging = map(starts_of_others, lives)
    moved = sorted(abs(one - two) for name in healthy for one, two in zip(healthy[name], hanging[name], strict=True))
    assert moved[-1] <= 2 * START_GAP
    assert moved[len(moved) * 9 // 10] == 0


def test_lateness_has_the_same_distribution(lives: tuple[Fleet, Fleet]) -> None:
    healthy, hanging = (sorted(fleet.late) for fleet in lives)
    for share in (0.5, 0.9, 0.99):
        assert hanging[int(share * len(hanging))] == pytest.approx(healthy[int(share * len(healthy))], abs=1000)
