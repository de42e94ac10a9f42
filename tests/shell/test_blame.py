"""Whose fault a failure is, and what of the monitor's own troubles can have made it."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from monitor import blame
from monitor.attempt import STALL
from monitor.blame import Trouble
from monitor.core.check import Outcome
from monitor.core.instants import SECOND
from monitor.lag import Lag
from monitor.runner import Result, Runner, explanation
from monitor.selftest import Canary, SelfTests
from probes.base import Steps
from probes.errors import Cause, ProbeFailureError
from tests.shell import virtual
from tests.shell.test_runner import fail, hang, phase, target
from tests.shell.virtual import VirtualClock

PAGE = Path(__file__).parents[2] / "docs" / "BLAME.md"

ANSWERS = {
    Cause.STARTTLS_UNAVAILABLE, Cause.AUTH_UNAVAILABLE, Cause.PROTOCOL, Cause.REJECTED_TEMPORARY,
    Cause.REJECTED_PERMANENT, Cause.AUTH, Cause.CONTENT, Cause.EXPECTATION, Cause.BOUNCED,
}  # fmt: skip
"""What only a server that was reached can cause."""


def canary(problem: str | None) -> Canary:
    async def test() -> str | None:
        return problem

    return test


def judged(
    cause: Cause,
    *,
    canaries: Mapping[str, Canary] | None = None,
    happens: Callable[[VirtualClock], None] = lambda _: None,
    pulse: bool = False,
) -> Result:
    """A check that fails with a cause after ten seconds, in the middle of which something happens to the monitor."""

    async def scenario(clock: VirtualClock) -> Result:
        lag = Lag(clock)

        async def failing() -> None:
            await clock.sleep(2)
            happens(clock)
            await clock.sleep(2)
            raise ProbeFailureError(cause, "as it is said")

        async with virtual.beside(lag.run()):
            runner = Runner(clock, lambda _: True, lag=lag, self_tests=SelfTests(clock, canaries or {}))
            return await runner.run(target(phase("connect", failing), timeout=15), pulse=pulse)

    return virtual.run(scenario)


def test_every_cause_has_a_verdict() -> None:
    assert set(blame.BLAME) == set(Cause)
    assert all(verdict.why for verdict in blame.BLAME.values())
    assert {verdict.outcome for verdict in blame.BLAME.values()} == {Outcome.DOWN, Outcome.UNKNOWN}


def test_the_documentation_shows_the_table() -> None:
    assert blame.table() in PAGE.read_text("utf-8"), "paste what monitor.blame.table() gives into docs/BLAME.md"


@pytest.mark.parametrize("trouble", Trouble)
def test_a_trouble_of_the_monitor_is_never_downtime(trouble: Trouble) -> None:
    assert blame.outcome_of(trouble.value) is Outcome.UNKNOWN


@pytest.mark.parametrize("cause", sorted(ANSWERS))
def test_a_real_answer_of_the_service_stands_whatever_the_monitor_suffers(cause: Cause) -> None:
    def everything(clock: VirtualClock) -> None:
        clock.suspend(3600)
        clock.stall(10)

    result = judged(cause, canaries={"gateway": canary("gone")}, happens=everything)
    assert (result.check.outcome, result.check.cause) == (Outcome.DOWN, cause.value)


@pytest.mark.parametrize("cause", [cause for cause in Cause if blame.forged(cause, Trouble.NETWORK)])
def test_what_a_broken_network_can_forge_is_unknown_while_a_canary_fails_and_says_which(cause: Cause) -> None:
    canaries = {"resolver": canary(None), "gateway": canary("192.0.2.1 is not there")}
    result = judged(cause, canaries=canaries)
    assert (result.check.outcome, result.check.cause) == (Outcome.UNKNOWN, "self_test")
    assert result.reply == f"gateway: 192.0.2.1 is not there; seen: {cause}: as it is said"
    assert (explanation(result) or {})["reply"] == result.reply
    assert judged(cause, canaries={"gateway": canary(None)}).check.outcome is Outcome.DOWN


def test_the_canaries_excuse_a_pulse_too() -> None:
    result = judged(Cause.CONNECT_TIMEOUT, canaries={"gateway": canary("gone")}, pulse=True)
    assert (result.check.outcome, result.check.cause, result.pulse) == (Outcome.UNKNOWN, "self_test", True)


def test_no_canary_is_run_for_what_it_could_not_excuse() -> None:
    async def never() -> str | None:
        raise AssertionError("it was run")

    assert judged(Cause.AUTH, canaries={"gateway": never}).check.cause == "auth"
    assert judged(Cause.RESOURCES, canaries={"gateway": never}).check.cause == "resources"


@pytest.mark.parametrize("cause", [cause for cause in Cause if blame.forged(cause, Trouble.LAG)])
def test_what_slowness_can_forge_is_unknown_while_the_loop_stood_still(cause: Cause) -> None:
    result = judged(cause, happens=lambda clock: clock.stall(STALL + 0.3))
    assert (result.check.outcome, result.check.cause) == (Outcome.UNKNOWN, "overload")
    assert result.reply.startswith("the monitor itself stood still for 1.")
    assert result.reply.endswith(f"; seen: {cause}: as it is said")
    assert judged(cause, happens=lambda clock: clock.stall(STALL / 2)).check.cause == cause.value


@pytest.mark.parametrize("cause", [cause for cause in Cause if blame.forged(cause, Trouble.CLOCK)])
@pytest.mark.parametrize(
    "happens", [lambda clock: clock.step(-3600 * SECOND), lambda clock: clock.suspend(3600)], ids=["set", "slept"]
)
def test_what_a_suspend_can_forge_is_unknown_where_the_clocks_parted(
    cause: Cause, happens: Callable[[VirtualClock], None]
) -> None:
    result = judged(cause, happens=happens)
    assert (result.check.outcome, result.check.cause) == (Outcome.UNKNOWN, "clock")
    assert result.check.duration == 4 * SECOND
    assert "3600" in result.reply


def test_a_set_clock_spoils_no_good_check() -> None:
    async def scenario(clock: VirtualClock) -> Result:
        async def work(steps: Steps) -> None:
            with steps("greeting"):
                clock.step(SECOND)

        return await Runner(clock, lambda _: True).run(target(work))

    assert virtual.run(scenario).check.outcome is Outcome.UP


def test_a_short_time_out_bears_less_of_a_stall() -> None:
    async def scenario(clock: VirtualClock) -> str | None:
        lag = Lag(clock)
        asyncio.get_running_loop().call_later(0.6, clock.stall, 0.5)
        async with virtual.beside(lag.run()):
            return (await Runner(clock, lambda _: True, lag=lag).run(target(phase("greeting", hang), 1))).check.cause

    assert virtual.run(scenario) == "overload"


def test_a_bug_is_a_bug_whatever_the_network_does() -> None:
    async def scenario(clock: VirtualClock) -> str | None:
        tests = SelfTests(clock, {"gateway": canary("gone")})
        runner = Runner(clock, lambda _: True, self_tests=tests)
        return (await runner.run(target(phase("greeting", fail(KeyError()))))).check.cause

    assert virtual.run(scenario) == "internal"
