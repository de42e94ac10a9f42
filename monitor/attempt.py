"""One try of a probe under one deadline, and what came of it: seen, not judged.

Failing is the probe's `ProbeFailureError`; running out of time is a failure of the phase it happened in; any other
exception is a bug of the monitor. A try that is cancelled is none.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog

from monitor.clock import Clock
from monitor.core.instants import SECOND, Duration, Instant
from monitor.lag import Lag
from probes import FAREWELL_PHASES
from probes.base import Evidence, Phase, Probe, Steps
from probes.errors import Cause, ProbeFailureError, cause_of_timeout

STALL = 1.0
"""Seconds by which a deadline must be overrun for the time-out to be the monitor's own fault.

Of a time-out of less than four times that, a quarter. As much of a check may the event loop stand still, and no more.
"""

log = structlog.get_logger("runner")


class Attempt(NamedTuple):
    """What was seen. `began` is its start on the monotonic clock, in seconds; `cause` None where it went well."""

    at: Instant
    began: float
    duration: Duration
    cause: Cause | None
    reply: str
    phases: tuple[Phase, ...]
    failed_phase: str | None
    evidence: Evidence
    step: Duration  # by how much the wall clock went off meanwhile
    stalled: float  # seconds for which the event loop stood still meanwhile


class Attempts:
    """Makes them in this process. Without `lag` the event loop counts as sound."""

    def __init__(self, clock: Clock, lag: Lag | None = None) -> None:
        self._clock = clock
        self._lag = lag or Lag(clock)

    def steps(self, *, transcript: bool = False, admits: Callable[[str], bool] | None = None) -> Steps:
        """Fresh steps on this clock, that keep more, or admit less, than usual."""
        return Steps(
            self._clock.monotonic, transcript=transcript, wall=lambda: self._clock.now() / SECOND, admits=admits
        )

    async def make(
        self, name: str, probe: Probe, limit: Duration, *, pulse: bool = False, steps: Steps | None = None
    ) -> Attempt:
        """Try once (`pulse`: connect and greeting only), within `limit`; `name` is for the log."""
        steps = steps or self.steps()
        at, began = self._clock.now(), self._clock.monotonic()
        cause, reply = await self._tried(name, probe.pulse if pulse else probe.check, steps, limit)
        elapsed = self._clock.monotonic() - began
        return Attempt(
            at,
            began,
            round(elapsed * SECOND),
            cause,
            reply,
            tuple(steps.phases),
            None if cause is None else steps.failed,
            steps.evidence,
            self._clock.now() - at - round(elapsed * SECOND),
            0.0 if cause is None else self._lag.stalled(began),
        )

    async def _tried(
        self, name: str, work: Callable[[Steps], Awaitable[None]], steps: Steps, limit: Duration
    ) -> tuple[Cause | None, str]:
        began = self._clock.monotonic()
        deadline = asyncio.timeout(limit / SECOND)
        try:
            async with deadline:
                await work(steps)
        except ProbeFailureError as failure:
            return failure.cause, failure.reply
        except TimeoutError as error:
            if not deadline.expired():
                return _internal(name, error)
            return _late(steps.failed, limit, self._clock.monotonic() - began)
        except MemoryError:
            return Cause.RESOURCES, "out of memory"
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no downtime
            return _internal(name, error)
        return None, ""


def _late(phase: str | None, limit: Duration, seconds: float) -> tuple[Cause | None, str]:
    """What it means that the deadline passed, after so many seconds."""
    if phase in FAREWELL_PHASES:
        return None, ""
    if seconds > limit / SECOND + STALL:
        return Cause.OVERLOAD, "the monitor itself stood still"
    return cause_of_timeout(phase), f"no answer within {limit / SECOND:g} s"


def _internal(name: str, error: Exception) -> tuple[Cause, str]:
    # Only the type is said: an exception's text may carry what was sent, a password among it.
    log.error("check.internal_error", target=name, error=type(error).__name__, where=place_of(error))
    return Cause.INTERNAL, type(error).__name__


def place_of(error: Exception) -> str:
    """The innermost line that an exception passed through."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
