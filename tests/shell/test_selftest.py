"""When canaries are run, and whom they excuse."""

import asyncio

from structlog.testing import capture_logs

from monitor.selftest import FRESH, INTERVAL, SelfTests
from tests.shell import virtual
from tests.shell.virtual import VirtualClock


class Scripted:
    """A canary that fails while `problem` is set, and takes its time."""

    def __init__(self, clock: VirtualClock, *, takes: float = 0.0, problem: str | None = None) -> None:
        self._clock = clock
        self._takes = takes
        self.problem = problem
        self.runs: list[float] = []

    async def __call__(self) -> str | None:
        self.runs.append(self._clock.elapsed() / 1e6)
        await self._clock.sleep(self._takes)
        return self.problem


def test_without_canaries_the_monitor_counts_as_sound() -> None:
    async def scenario(clock: VirtualClock) -> str | None:
        return await SelfTests(clock, {}).failing(clock.monotonic())

    assert virtual.run(scenario) is None


def test_all_that_fail_at_once_share_one_round() -> None:
    async def scenario(clock: VirtualClock) -> tuple[int, set[str | None]]:
        canary = Scripted(clock, takes=2, problem="gone")
        tests = SelfTests(clock, {"gateway": canary})

        async def failed(number: int) -> str | None:
            await clock.sleep(number * FRESH / 400)
            return await tests.failing(clock.monotonic() - 15)

        found = await asyncio.gather(*(failed(number) for number in range(320)))
        return len(canary.runs), set(found)

    assert virtual.run(scenario) == (1, {"gateway: gone"})


def test_an_older_result_is_not_trusted_nor_is_a_round_that_began_too_long_ago() -> None:
    async def scenario(clock: VirtualClock) -> tuple[list[float], list[str | None]]:
        canary = Scripted(clock, takes=3)
        tests = SelfTests(clock, {"gateway": canary})

        async def failed(after: float) -> str | None:
            await clock.sleep(after)
            return await tests.failing(clock.monotonic())

        async def cut() -> None:
            await clock.sleep(3.5)
            canary.problem = "gone"

        found, *_ = await asyncio.gather(asyncio.gather(*map(failed, (0, 2, 2.5, 20))), cut())
        return canary.runs, found

    runs, found = virtual.run(scenario)
    assert runs == [0, 3, 20]
    assert found == [None, "gateway: gone", "gateway: gone", "gateway: gone"]


def test_one_failing_canary_of_several_excuses() -> None:
    async def scenario(clock: VirtualClock) -> str | None:
        tests = SelfTests(clock, {"resolver": Scripted(clock), "tcp://a:1": Scripted(clock, problem="refused")})
        return await tests.failing(clock.monotonic())

    assert virtual.run(scenario) == "tcp://a:1: refused"


def test_a_canary_that_failed_while_the_check_ran_excuses_it_and_no_later_one() -> None:
    async def scenario(clock: VirtualClock) -> list[str | None]:
        canary = Scripted(clock, problem="gone")
        tests = SelfTests(clock, {"gateway": canary})
        began = clock.monotonic()
        async with virtual.beside(tests.run()):
            await clock.sleep(5)
            canary.problem = None
            await clock.sleep(5)
            return [await tests.failing(began), await tests.failing(began + 6)]

    assert virtual.run(scenario) == ["gateway: gone", None]


def test_canaries_are_run_at_intervals_and_what_changes_is_logged_once() -> None:
    async def scenario(clock: VirtualClock) -> tuple[list[float], dict[str, bool]]:
        canary = Scripted(clock)
        tests = SelfTests(clock, {"gateway": canary})
        async with virtual.beside(tests.run()):
            await clock.sleep(INTERVAL * 1.5)
            assert dict(tests.passed) == {"gateway": True}
            canary.problem = "gone"
            await clock.sleep(INTERVAL * 2)
            return canary.runs, dict(tests.passed)

    with capture_logs() as logs:
        assert virtual.run(scenario) == ([0, 30, 60, 90], {"gateway": False})
    assert [(log["event"], log["problem"]) for log in logs] == [("self_test.failed", "gone")]


def test_a_canary_that_cannot_be_run_fails() -> None:
    async def broken() -> str | None:
        raise RuntimeError("hunter2")

    async def scenario(clock: VirtualClock) -> str | None:
        return await SelfTests(clock, {"resolver": broken}).failing(clock.monotonic())

    assert virtual.run(scenario) == "resolver: could not be run: RuntimeError"


def test_a_check_that_is_cancelled_ends_no_round_that_others_wait_for() -> None:
    async def scenario(clock: VirtualClock) -> str | None:
        tests = SelfTests(clock, {"gateway": Scripted(clock, takes=2, problem="gone")})
        first = asyncio.create_task(tests.failing(clock.monotonic()))
        second = asyncio.create_task(tests.failing(clock.monotonic()))
        await clock.sleep(1)
        first.cancel()
        return await second

    assert virtual.run(scenario) == "gateway: gone"


def test_a_new_configuration_forgets_canaries_that_are_gone() -> None:
    async def scenario(clock: VirtualClock) -> tuple[str | None, dict[str, bool]]:
        tests = SelfTests(clock, {"gateway": Scripted(clock, problem="gone")})
        began = clock.monotonic()
        await tests.failing(began)
        tests.change({"resolver": Scripted(clock)})
        return await tests.failing(began), dict(tests.passed)

    assert virtual.run(scenario) == (None, {"resolver": True})
