"""One check under one deadline, and exactly one result.

Failing is the probe's `ProbeFailureError`; running out of time is a failure of the phase it happened in; any other
exception is a bug of the monitor: outcome unknown, never downtime. A cancelled check is no check.
"""

import asyncio
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from monitor.blame import Trouble, forged, outcome_of
from monitor.clock import STEP, Clock
from monitor.core.check import Check, Outcome
from monitor.core.instants import SECOND, Duration, Instant
from monitor.lag import Lag
from monitor.logins import Access
from monitor.selftest import SelfTests
from probes import FAREWELL_PHASES
from probes.base import Certificate, Evidence, Phase, Probe, Steps
from probes.errors import Cause, ProbeFailureError, cause_of_timeout

PULSE_TIMEOUT: Duration = 5 * SECOND
STALL = 1.0
"""Seconds by which a deadline must be overrun for the time-out to be the monitor's own fault.

Of a time-out of less than four times that, a quarter. As much of a check may the event loop stand still, and no more.
"""

_LOGIN_PHASES = frozenset({"auth", "login"})  # of the line protocols, and of a form

log = structlog.get_logger("runner")


@dataclass(frozen=True, slots=True)
class Target:
    """One configured probe of one endpoint; durations in microseconds. `name` is `service/target`."""

    name: str
    protocol: str
    probe: Probe
    timeout: Duration
    voice: Duration
    credential: str | None = None
    borrows: tuple[str, ...] = ()  # the targets whose credentials it uses, where it has none of its own
    min_days_left: int = 0  # days before its end from which a certificate counts as expiring
    expects: bool = False  # whether something is asked of it whose lack is a warning
    access: Access | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A check with what explains it. `began` is its start on the monotonic clock, in seconds."""

    target: Target
    check: Check
    began: float
    phases: tuple[Phase, ...]
    failed_phase: str | None
    evidence: Evidence
    reply: str
    pulse: bool


_REFUSALS = {Cause.CREDENTIAL, Cause.REJECTED_PERMANENT}
"""What a log-in meets, too, where an account is locked or disabled: trying on would not unlock it."""


def login_accepted(result: Result) -> bool:
    """Whether the check got past the log-in; what it met behind that is another matter."""
    return any(phase.name in _LOGIN_PHASES and phase.ok for phase in result.phases)


def login_refused(result: Result) -> bool:
    """Whether a server refused the login, whatever it calls that; a token that is not there is not shown to any."""
    cause, phase = result.check.cause, result.failed_phase
    return cause == Cause.AUTH or (cause in _REFUSALS and phase in _LOGIN_PHASES)


class Runner:
    """`worked(target)` tells whether the target's credential has ever been accepted.

    Without `lag` and `self_tests` the monitor counts as sound.
    """

    def __init__(
        self,
        clock: Clock,
        worked: Callable[[Target], bool],
        *,
        lag: Lag | None = None,
        self_tests: SelfTests | None = None,
    ) -> None:
        self._clock = clock
        self._worked = worked
        self._lag = lag or Lag(clock)
        self._self_tests = self_tests or SelfTests(clock, {})

    def steps(self, *, transcript: bool = False, admits: Callable[[str], bool] | None = None) -> Steps:
        """Fresh steps on the runner's clock, that keep more, or admit less, than usual."""
        return Steps(
            self._clock.monotonic, transcript=transcript, wall=lambda: self._clock.now() / SECOND, admits=admits
        )

    async def run(self, target: Target, *, pulse: bool = False, steps: Steps | None = None) -> Result:
        """Check once (`pulse`: connect and greeting only), within the target's time-out; `steps` as from `steps()`."""
        steps = steps or self.steps()
        limit = min(target.timeout, PULSE_TIMEOUT) if pulse else target.timeout
        at, began = self._clock.now(), self._clock.monotonic()
        cause, reply = await self._attempt(target, steps, limit, pulse=pulse)
        duration = round((self._clock.monotonic() - began) * SECOND)
        failed = None if cause is None else steps.failed
        if cause is Cause.AUTH and not self._worked(target):
            cause = Cause.CREDENTIAL
        if cause is not None:
            cause, reply = await self._believed(cause, reply, at, began, limit)
        outcome = Outcome.UP if cause is None else outcome_of(cause)
        check = Check(at, outcome, duration, target.voice, cause=None if cause is None else cause.value)
        return Result(target, check, began, tuple(steps.phases), failed, steps.evidence, reply, pulse)

    async def _believed(
        self, cause: Cause, reply: str, at: Instant, began: float, limit: Duration
    ) -> tuple[Cause, str]:
        """The cause to record: what the monitor may have made itself is not held against the service."""
        step = self._clock.now() - at - round((self._clock.monotonic() - began) * SECOND)
        seen = f"; seen: {cause}{': ' if reply else ''}{reply}"
        if forged(cause, Trouble.CLOCK) and abs(step) > STEP:
            return Trouble.CLOCK.value, f"the wall clock went {step / SECOND:+.3f} s off, or the machine slept{seen}"
        stalled = self._lag.stalled(began)
        if forged(cause, Trouble.LAG) and stalled >= min(STALL, limit / SECOND / 4):
            return Trouble.LAG.value, f"the monitor itself stood still for {stalled:.1f} s{seen}"
        if forged(cause, Trouble.NETWORK):
            problem = await self._self_tests.failing(began)
            if problem is not None:
                return Trouble.NETWORK.value, f"{problem}{seen}"
        return cause, reply

    async def _attempt(self, target: Target, steps: Steps, limit: Duration, *, pulse: bool) -> tuple[Cause | None, str]:
        began = self._clock.monotonic()
        deadline = asyncio.timeout(limit / SECOND)
        try:
            async with deadline:
                await (target.probe.pulse(steps) if pulse else target.probe.check(steps))
        except ProbeFailureError as failure:
            return failure.cause, failure.reply
        except TimeoutError as error:
            if not deadline.expired():
                return _internal(target, error)
            return _late(steps.failed, limit, self._clock.monotonic() - began)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no downtime
            return _internal(target, error)
        return None, ""


def _late(phase: str | None, limit: Duration, seconds: float) -> tuple[Cause | None, str]:
    """What it means that the deadline passed, after so many seconds."""
    if phase in FAREWELL_PHASES:
        return None, ""
    if seconds > limit / SECOND + STALL:
        return Cause.OVERLOAD, "the monitor itself stood still"
    return cause_of_timeout(phase), f"no answer within {limit / SECOND:g} s"


def _internal(target: Target, error: Exception) -> tuple[Cause, str]:
    # Only the type is said: an exception's text may carry what was sent, a password among it.
    log.error("check.internal_error", target=target.name, error=type(error).__name__, where=_place(error))
    return Cause.INTERNAL, type(error).__name__


def _place(error: Exception) -> str:
    """The innermost line that an exception passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def explanation(result: Result) -> dict[str, Any] | None:
    """What is kept in the ledger beside a check that was not up."""
    return None if result.check.outcome is Outcome.UP else testimony(result)


def testimony(result: Result) -> dict[str, Any]:
    """What was seen, as the ledger keeps it: no number with a fraction, whose text is not unique."""
    seen = result.evidence
    return {
        "reply": result.reply,
        "replies": list(seen.replies),
        "codes": [list(pair) for pair in seen.codes],
        "warnings": list(seen.warnings),
        "addresses": list(seen.addresses),
        "address": seen.address,
        "tls_version": seen.tls_version,
        "tls_cipher": seen.tls_cipher,
        "certificate": certificate_document(seen.certificate, lambda instant: instant),
        "phases": [[phase.name, round(phase.seconds * SECOND)] for phase in result.phases],
        "pulse": result.pulse,
    }


def certificate_document(certificate: Certificate | None, shown: Callable[[int], Any]) -> dict[str, Any] | None:
    """A certificate's facts; `shown` makes of an instant, in seconds since the epoch, what the reader wants."""
    if certificate is None:
        return None
    return {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "names": list(certificate.names),
        "not_before": shown(int(certificate.not_before)),
        "not_after": shown(int(certificate.not_after)),
        "problem": certificate.problem,
        "problems": list(certificate.problems),
        "chain": [
            {"subject": link.subject, "issuer": link.issuer, "not_after": shown(int(link.not_after))}
            for link in certificate.chain
        ],
    }
