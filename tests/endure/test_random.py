"""Whatever happens to a daemon in whatever order, its accounts hold: nothing counted twice, nothing lost."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.instants import HOUR, MINUTE, SECOND
from tests.endure.world import World, play
from tests.shell.fleet import REFUSED, failing
from tests.shell.virtual import VirtualClock

STEPS = st.sampled_from([-HOUR, -10 * MINUTE, -SECOND, -300_000, 300_000, SECOND, 10 * MINUTE, HOUR])
EVENT = st.one_of(
    st.tuples(st.just("step"), STEPS),
    st.tuples(st.just("sleep"), st.sampled_from([1, 40, 400])),
    st.tuples(st.just("stall"), st.sampled_from([0.5, 3, 40, 400])),
    st.tuples(st.just("slew"), st.sampled_from([-500e-6, 0.0, 500e-6])),
    st.tuples(st.sampled_from(["restart", "kill"]), st.sampled_from([0, 30, 300])),
    st.tuples(st.just("reload"), st.sampled_from([1, 2, 4])),
)
EVENTS = st.lists(st.tuples(st.sampled_from([0.5, 7, 31, 95, 240]), EVENT), min_size=1, max_size=7)
OUTAGES = st.lists(st.tuples(st.integers(0, 1200), st.sampled_from([3, 11, 50, 300])), max_size=3)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(events=EVENTS, outages=OUTAGES, begin=st.sampled_from(["2026-11-30T23:50", "2026-12-31T23:55"]))
def test_the_accounts_hold_whatever_the_clock_and_the_operator_do(
    events: list[tuple[float, tuple[str, float]]], outages: list[tuple[int, int]], begin: str
) -> None:
    ill = failing(REFUSED, *((start, start + length) for start, length in outages))

    async def scenario(clock: VirtualClock) -> None:
        world = World(clock, Path(place), {"imap": ill, "smtp": failing(REFUSED, (100, 160), (500, 900))})
        world.set_to(begin)
        await world.start()
        for after, event in events:
            await world.watch(after)
            await happen(world, *event)
        await world.watch(90)
        await world.stop()
        reloaded = any(event[0] == "reload" for _, event in events)
        world.audit("2026-11", "2026-12", "2027-01", same_rules=not reloaded)

    with TemporaryDirectory() as place:
        play(scenario)


async def happen(world: World, what: str, how: float) -> None:
    clock = world.clock
    match what:
        case "step":
            clock.step(int(how))
        case "sleep":
            clock.suspend(how)
        case "stall":
            clock.stall(how)
        case "slew":
            clock.slew(how)
        case "reload":
            world.write(defaults={"interval": "60s", "pulse": "off", "confirm": {"failures": how, "interval": "5s"}})
            await world.reload()
        case "restart" | "kill":
            await (world.stop() if what == "restart" else world.kill())
            await clock.sleep(how)
            await world.start()
