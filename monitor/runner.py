"""One check under one deadline, and exactly one result: what was tried, and whose fault it was.

An exception that no probe should raise is a bug of the monitor: outcome unknown, never downtime. A cancelled check is
no check.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from monitor.attempt import STALL, Attempt, Attempts
from monitor.blame import Trouble, forged, outcome_of
from monitor.clock import STEP, Clock
from monitor.core.check import Check, Outcome
from monitor.core.instants import SECOND, Duration
from monitor.lag import Lag
from monitor.logins import Access, Loan
from monitor.selftest import SelfTests
from probes.base import Certificate, Evidence, Phase, Probe, Steps
from probes.errors import Cause

PULSE_TIMEOUT: Duration = 5 * SECOND

_LOGIN_PHASES = frozenset({"auth", "login"})  # of the line protocols, and of a form


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
    loans: tuple[Loan, ...] = ()  # the logins of `borrows`
    host: str = ""
    group: str = ""  # what begins or ends at one target of a group has the others checked at once

    @property
    def accesses(self) -> tuple[Access, ...]:
        """Of all accounts that it logs in to."""
        return tuple(loan.access for loan in self.loans) if self.access is None else (self.access,)


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


class Elsewhere(Protocol):
    """Where targets may be tried other than in this process."""

    def takes(self, target: Target) -> bool: ...

    async def make(self, target: Target, limit: Duration, *, pulse: bool) -> Attempt: ...


_REFUSALS = {Cause.CREDENTIAL, Cause.REJECTED_PERMANENT}
"""What a log-in meets, too, where an account is locked or disabled: trying on would not unlock it."""


def login_accepted(result: Result) -> bool:
    """Whether the check got past the log-in; what it met behind that is another matter."""
    return accepting(result.phases)


def login_refused(result: Result) -> bool:
    """Whether a server refused the login, whatever it calls that; a token that is not there is not shown to any."""
    return refusing(result.check.cause, result.failed_phase)


def accepting(phases: Iterable[Phase]) -> bool:
    """Whether one of them is a login that went well."""
    return any(phase.name in _LOGIN_PHASES and phase.ok for phase in phases)


def refusing(cause: str | None, phase: str | None) -> bool:
    """Whether a failure in that phase is a refused login."""
    return cause == Cause.AUTH or (cause in _REFUSALS and phase in _LOGIN_PHASES)


class Runner:
    """`worked(target)` tells whether the target's credential has ever been accepted.

    Without `lag` and `self_tests` the monitor counts as sound. What the `pool` takes is tried in its processes, unless
    steps are given.
    """

    def __init__(
        self,
        clock: Clock,
        worked: Callable[[Target], bool],
        *,
        lag: Lag | None = None,
        self_tests: SelfTests | None = None,
        pool: Elsewhere | None = None,
    ) -> None:
        self._attempts = Attempts(clock, lag)
        self._pool = pool
        self._worked = worked
        self._self_tests = self_tests or SelfTests(clock, {})

    def steps(self, *, transcript: bool = False, admits: Callable[[str], bool] | None = None) -> Steps:
        """Fresh steps on the runner's clock, that keep more, or admit less, than usual."""
        return self._attempts.steps(transcript=transcript, admits=admits)

    async def run(
        self,
        target: Target,
        *,
        pulse: bool = False,
        steps: Steps | None = None,
        superseded: Callable[[], bool] = lambda: False,
    ) -> Result:
        """Check once (`pulse`: connect and greeting only), within the target's time-out; `steps` as from `steps()`.

        `superseded` tells, once it was tried, whether another credential has been put in force meanwhile.
        """
        limit = min(target.timeout, PULSE_TIMEOUT) if pulse else target.timeout
        if steps is None and self._pool is not None and self._pool.takes(target):
            seen = await self._pool.make(target, limit, pulse=pulse)
        else:
            seen = await self._attempts.make(target.name, target.probe, limit, pulse=pulse, steps=steps)
        cause, reply = seen.cause, seen.reply
        if cause is Cause.AUTH and (superseded() or not self._worked(target)):
            cause = Cause.CREDENTIAL
        if cause is not None:
            cause, reply = await self._believed(cause, seen, limit)
        outcome = Outcome.UP if cause is None else outcome_of(cause)
        check = Check(seen.at, outcome, seen.duration, target.voice, cause=None if cause is None else cause.value)
        return Result(target, check, seen.began, seen.phases, seen.failed_phase, seen.evidence, reply, pulse)

    async def _believed(self, cause: Cause, seen: Attempt, limit: Duration) -> tuple[Cause, str]:
        """The cause to record: what the monitor may have made itself is not held against the service."""
        reply = seen.reply
        told = f"; seen: {cause}{': ' if reply else ''}{reply}"
        if forged(cause, Trouble.CLOCK) and abs(seen.step) > STEP:
            step = seen.step / SECOND
            return Trouble.CLOCK.value, f"the wall clock went {step:+.3f} s off, or the machine slept{told}"
        if forged(cause, Trouble.LAG) and seen.stalled >= min(STALL, limit / SECOND / 4):
            return Trouble.LAG.value, f"the monitor itself stood still for {seen.stalled:.1f} s{told}"
        if forged(cause, Trouble.NETWORK):
            problem = await self._self_tests.failing(seen.began)
            if problem is not None:
                return Trouble.NETWORK.value, f"{problem}{told}"
        return cause, reply


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
