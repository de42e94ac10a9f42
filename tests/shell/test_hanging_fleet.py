"""A fifth of a fleet of 200 targets hangs until its time-out: when are the others checked?"""

from monitor.cadence import phases
from monitor.core.check import Outcome
from monitor.scheduler import START_GAP
from tests.shell import virtual
from tests.shell.fleet import HANGS, Fleet, cadence, failing, target, well
from tests.shell.virtual import VirtualClock

NAMES = [f"agency{number}/imap" for number in range(200)]
SICK = frozenset(NAMES[::5])


def fleet_of_200(sick: frozenset[str], places: dict[str, float]) -> Fleet:
    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)
        for number, name in enumerate(NAMES):
            server = failing(HANGS, (0, 1e9)) if name in sick else well
            fleet.add(target(clock, server, name=name), cadence(phase=places[name]), first=number * 0.02)
        await fleet.go_on(600)
        return fleet

    return virtual.run(scenario)


def starts_of_others(fleet: Fleet) -> dict[str, list[float]]:
    return {name: fleet.seconds(name=name) for name in NAMES if name not in SICK}


def test_a_fifth_of_a_fleet_that_hangs_moves_no_check_of_the_others() -> None:
    """Phases on a grid that no recheck of a hanging target meets: there is nothing to pace."""
    places = {name: 0.01 + number * 0.3 for number, name in enumerate(NAMES)}
    healthy, hanging = (fleet_of_200(sick, places) for sick in (frozenset[str](), SICK))
    assert {start.result.check.outcome for start in hanging.starts if start.name in SICK} == {Outcome.DOWN}
    assert len(hanging.starts) > len(healthy.starts)
    assert starts_of_others(hanging) == starts_of_others(healthy)
    assert max(healthy.late) == 0


def test_where_phases_meet_a_hanging_target_costs_a_healthy_one_its_place_in_the_pacing_only() -> None:
    places = phases([(name, f"host{number % 40}", 60) for number, name in enumerate(NAMES)])
    healthy, hanging = (starts_of_others(fleet_of_200(sick, places)) for sick in (frozenset[str](), SICK))
    assert {name: len(starts) for name, starts in hanging.items()} == {name: len(s) for name, s in healthy.items()}
    moved = [
        abs(one - other)
        for name in healthy
        for one, other in zip(hanging[name], healthy[name], strict=True)
        if one != other
    ]
    assert max(moved, default=0) <= START_GAP
