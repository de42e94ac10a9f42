"""A check outside the schedule whose account is being rested: all of it but the log-in, and so an outcome unknown."""

from dataclasses import replace
from typing import Any

from monitor.clock import Clock
from monitor.core.check import Check, Outcome
from monitor.runner import Result, Runner, Target
from probes import REGISTRY
from probes.base import Evidence, Steps
from probes.errors import Cause


async def check(runner: Runner, clock: Clock, target: Target, why: str, steps: Steps) -> Result:
    """Whatever fails before the log-in has failed; what does not is not known. Of a round trip nothing is tried."""
    spared = _without_login(target)
    if spared is None:
        none = Check(clock.now(), Outcome.UNKNOWN, 0, target.voice, cause=Cause.RESTING.value)
        return Result(target, none, clock.monotonic(), (), None, Evidence(), why, pulse=False)
    result = replace(await runner.run(spared, steps=steps), target=target)
    if result.check.cause is not None:
        return result
    seen = replace(result.check, outcome=Outcome.UNKNOWN, cause=Cause.RESTING.value)
    return replace(result, check=seen, reply=why)


def _without_login(target: Target) -> Target | None:
    options: Any = getattr(target.probe, "options", None)
    if getattr(options, "login", None) is None:
        return None
    # What is expected may show behind the log-in only, and a browser does nothing but log in
    dropped = {name: None for name in ("login", "expect", "browser") if hasattr(options, name)}
    return replace(target, probe=REGISTRY[target.protocol](options.model_copy(update=dropped)))
