"""One check, exactly one result, and whose fault it was."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from monitor import blame
from monitor.attempt import STALL
from monitor.core.check import Check, Outcome
from monitor.core.instants import SECOND
from monitor.runner import PULSE_TIMEOUT, Result, Runner, Target, explanation, login_refused
from probes.base import Evidence, Steps
from probes.errors import Cause, ProbeFailureError
from probes.session import farewell
from tests.shell import virtual
from tests.shell.fleet import IdleProbe
from tests.shell.virtual import BEGINNING, WALL, VirtualClock

Work = Callable[[Steps], Awaitable[None]]

VOICE = 135 * SECOND
SECRET = "hunter2-läuft"


class Probe:
    """Does the same for a check and a pulse."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def check(self, steps: Steps) -> None:
        await self._work(steps)

    async def pulse(self, steps: Steps) -> None:
        await self._work(steps)


def target(work: Work, timeout: int = 15) -> Target:
    return Target("mail/imap", "imap", Probe(work), timeout * SECOND, VOICE, "probe@example.go.th")


def checked(
    work: Work,
    *,
    timeout: int = 15,
    pulse: bool = False,
    worked: bool = True,
    stall: float = 0,
) -> Result:
    """The result of one check; `stall` is for how long the process then stands still at the deadline."""

    async def scenario(clock: VirtualClock) -> Result:
        if stall:
            asyncio.get_running_loop().call_later(timeout - 0.001, clock.stall, stall)
        return await Runner(clock, lambda _: worked).run(target(work, timeout), pulse=pulse)

    return virtual.run(scenario)


async def hang() -> None:
    await asyncio.Event().wait()


def phase(name: str, then: Callable[[], Awaitable[None]], before: tuple[str, ...] = ()) -> Work:
    """Phases that go well, each for a second, then one in which something happens."""

    async def work(steps: Steps) -> None:
        for earlier in before:
            with steps(earlier):
                await asyncio.sleep(1)
        with steps(name):
            await then()

    return work


def fail(error: BaseException) -> Callable[[], Awaitable[None]]:
    async def failing() -> None:
        raise error

    return failing


async def nothing() -> None:
    pass


def test_a_check_that_goes_well_is_up_and_says_when_and_how_long() -> None:
    result = checked(phase("select", nothing, before=("dns", "connect", "greeting")))
    assert result.check == Check(WALL, Outcome.UP, 3 * SECOND, VOICE)
    assert result.began == BEGINNING
    assert [(one.name, one.seconds, one.ok) for one in result.phases] == [
        ("dns", 1, True), ("connect", 1, True), ("greeting", 1, True), ("select", 0, True),
    ]  # fmt: skip
    assert (result.failed_phase, result.reply, result.pulse) == (None, "", False)
    assert explanation(result) is None


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.AUTH])
def test_a_failure_has_the_outcome_that_its_cause_deserves(cause: Cause) -> None:
    result = checked(phase("greeting", fail(ProbeFailureError(cause, "421 not now")), before=("connect",)))
    assert result.check == Check(WALL, blame.outcome_of(cause), SECOND, VOICE, cause=cause.value)
    assert (result.failed_phase, result.reply) == ("greeting", "421 not now")


@pytest.mark.parametrize(
    ("name", "cause", "outcome"),
    [
        ("dns", Cause.RESOLVER, Outcome.UNKNOWN),
        ("connect", Cause.CONNECT_TIMEOUT, Outcome.DOWN),
        ("tls", Cause.TIMEOUT, Outcome.DOWN),
        ("greeting", Cause.TIMEOUT, Outcome.DOWN),
        ("auth", Cause.TIMEOUT, Outcome.DOWN),
    ],
)
def test_a_deadline_that_passes_is_a_failure_of_the_phase_it_passes_in(
    name: str, cause: Cause, outcome: Outcome
) -> None:
    result = checked(phase(name, hang, before=("greeting",)))
    assert result.check == Check(WALL, outcome, 15 * SECOND, VOICE, cause=cause.value)
    assert result.failed_phase == name
    assert result.reply == "no answer within 15 s"


def test_a_pulse_has_a_deadline_of_its_own() -> None:
    assert checked(phase("greeting", hang), pulse=True).check.duration == PULSE_TIMEOUT
    assert checked(phase("greeting", hang), pulse=True, timeout=3).check.duration == 3 * SECOND


def test_a_deadline_that_a_stalled_monitor_overran_is_the_monitors_own_fault() -> None:
    result = checked(phase("greeting", hang), stall=STALL + 0.1)
    assert (result.check.outcome, result.check.cause) == (Outcome.UNKNOWN, "overload")
    result = checked(phase("greeting", hang), stall=STALL - 0.1)
    assert (result.check.outcome, result.check.cause) == (Outcome.DOWN, "timeout")


@pytest.mark.parametrize(
    "then", [hang, fail(ProbeFailureError(Cause.DISCONNECTED, "gone")), fail(ConnectionResetError())]
)
def test_a_farewell_that_fails_is_no_failure(then: Callable[[], Awaitable[None]]) -> None:
    async def work(steps: Steps) -> None:
        with steps("greeting"):
            pass
        async with farewell(steps):
            await then()

    result = checked(work)
    assert result.check.outcome is Outcome.UP
    assert (result.check.cause, result.failed_phase) == (None, None)


def test_a_deadline_that_passes_during_the_farewell_is_no_failure() -> None:
    async def work(steps: Steps) -> None:
        with steps("greeting"):
            await asyncio.sleep(14)
        async with farewell(steps):
            await hang()

    assert checked(work).check == Check(WALL, Outcome.UP, 15 * SECOND, VOICE)


@pytest.mark.parametrize("kind", [KeyError, ValueError, AssertionError, OSError, TimeoutError, RecursionError])
def test_an_unexpected_exception_is_unknown_and_its_text_is_said_nowhere(kind: type[Exception]) -> None:
    with capture_logs() as logs:
        result = checked(phase("auth", fail(kind(SECRET)), before=("greeting",)))
    assert result.check == Check(WALL, Outcome.UNKNOWN, SECOND, VOICE, cause="internal")
    assert SECRET not in repr(result)
    assert SECRET not in repr(explanation(result))
    [event] = logs
    assert SECRET not in repr(event)
    assert (event["event"], event["log_level"], event["error"]) == ("check.internal_error", "error", kind.__name__)
    assert event["target"] == "mail/imap"
    assert "test_runner.py:" in event["where"]


def test_no_memory_is_a_lack_of_the_monitors_own() -> None:
    result = checked(phase("auth", fail(MemoryError()), before=("greeting",)))
    assert result.check == Check(WALL, Outcome.UNKNOWN, SECOND, VOICE, cause="resources")


def test_a_cancelled_check_gives_nothing() -> None:
    async def scenario(clock: VirtualClock) -> None:
        checking = asyncio.create_task(Runner(clock, lambda _: True).run(target(phase("greeting", hang))))
        await clock.sleep(1)
        checking.cancel()
        await asyncio.wait([checking])
        assert checking.cancelled()

    virtual.run(scenario)


def test_a_refused_credential_is_the_services_fault_only_where_it_has_worked_before() -> None:
    work = phase("auth", fail(ProbeFailureError(Cause.AUTH, "535 5.7.8")))
    before = checked(work, worked=True).check
    assert (before.outcome, before.cause) == (Outcome.DOWN, "auth")
    never = checked(work, worked=False).check
    assert (never.outcome, never.cause) == (Outcome.UNKNOWN, "credential")


def test_what_is_kept_of_a_failure_is_fit_for_the_ledger() -> None:
    async def work(steps: Steps) -> None:
        with steps("greeting"):
            await asyncio.sleep(0.25)
            steps.evidence.address = "192.0.2.1"
            steps.reply("220 mx.example.go.th")
            steps.code("421 4.3.2")
            raise ProbeFailureError(Cause.REJECTED_TEMPORARY, "421 busy")

    kept = explanation(checked(work, pulse=True))
    assert json.loads(json.dumps(kept)) == {
        "reply": "421 busy",
        "replies": ["220 mx.example.go.th"],
        "codes": [["greeting", "421 4.3.2"]],
        "warnings": [],
        "addresses": [],
        "address": "192.0.2.1",
        "tls_version": None,
        "tls_cipher": None,
        "certificate": None,
        "phases": [["greeting", 250_000]],
        "pulse": True,
    }


@pytest.mark.parametrize(
    ("cause", "phase", "refused"),
    [
        (Cause.AUTH, "auth", True),
        (Cause.CREDENTIAL, "auth", True),
        (Cause.CREDENTIAL, None, False),  # a token that is not there
        (Cause.REJECTED_PERMANENT, "auth", True),  # NO [CONTACTADMIN], -ERR [SYS/PERM], 525: locked or disabled
        (Cause.REJECTED_PERMANENT, "login", True),
        (Cause.REJECTED_PERMANENT, "select", False),
        (Cause.REJECTED_TEMPORARY, "auth", False),
        (Cause.TIMEOUT, "auth", False),
    ],
)
def test_a_login_that_is_refused_for_good_rests_the_account_whatever_it_is_called(
    cause: Cause, phase: str | None, refused: bool
) -> None:
    check = Check(WALL, blame.BLAME[cause].outcome, SECOND, VOICE, cause=cause.value)
    target = Target("mail/imap", "imap", IdleProbe(), SECOND, VOICE)
    result = Result(target, check, 0.0, (), phase, Evidence(), "", pulse=False)
    assert login_refused(result) is refused
