"""For how long the event loop stood still."""

import pytest

from monitor.lag import TICK, Lag
from tests.shell import virtual
from tests.shell.virtual import BEGINNING, VirtualClock


def stalled(*, stalls: tuple[float, ...], since: float = 0.0, rest: float = 1.0) -> float:
    """What is told after stalls a second apart and some rest."""

    async def scenario(clock: VirtualClock) -> float:
        lag = Lag(clock)
        async with virtual.beside(lag.run()):
            for seconds in stalls:
                await clock.sleep(1)
                clock.stall(seconds)
            if rest:
                await clock.sleep(rest)
            return lag.stalled(BEGINNING + since)

    return virtual.run(scenario)


def test_a_loop_that_is_well_has_not_stood_still() -> None:
    assert stalled(stalls=()) == 0


@pytest.mark.parametrize("rest", [0.0, 0.1, 5.0])
def test_a_stall_is_told_whether_a_tick_has_seen_it_or_not(rest: float) -> None:
    assert stalled(stalls=(3,), rest=rest) == pytest.approx(3, abs=TICK)


def test_stalls_are_added_up() -> None:
    assert stalled(stalls=(2, 1)) == pytest.approx(3, abs=2 * TICK)


def test_only_the_part_after_the_instant_counts() -> None:
    assert stalled(stalls=(4,), since=3) == pytest.approx(2, abs=TICK)
    assert stalled(stalls=(4,), since=5.5) == 0
