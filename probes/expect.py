"""What a target's `expect` demands of a service that works, and what a check shows of it. Pure."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from probes.base import Evidence, Options, Phase, Steps
from probes.errors import Cause, ProbeFailureError

TOTAL = "total"
Name = TypeVar("Name", bound=str)
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_NO_WAITING = frozenset({"quit", "logout"})  # nothing depends on the server's farewell


class Expect(Options, Generic[Name]):
    """What must hold beside the service working. `total` is the time of all phases but the farewell."""

    min_tls: Literal["1.2", "1.3"] | None = Field(
        default=None, description="Oldest TLS version to accept.", examples=["1.3"]
    )
    max_seconds: dict[Name, Seconds] = Field(
        default={},
        description="Seconds that a phase, or `total`, may take.",
        examples=[{"total": 5, "auth": 2}],
    )
    slow: Literal["warn", "down"] = Field(
        default="warn",
        description="What slower than `max_seconds` is: a warning, or a failure of the check.",
        examples=["down"],
    )


class MailExpect(Expect[Name], Generic[Name]):
    """What must hold beside the service working. `total` is the time of all phases but the farewell."""

    capabilities: tuple[str, ...] = Field(
        default=(),
        description="Capabilities that must be offered, behind TLS where there is TLS, as the server names them.",
        examples=[["SIZE", "AUTH PLAIN"]],
    )


def judge(steps: Steps, expect: "Expect[str] | None") -> None:
    """Hold a check that has succeeded to what is expected of it.

    Raises ProbeFailureError (expectation, slow); what is merely slow is a warning unless `slow` is down.
    """
    if expect is None:
        return
    wanting = [*_missing(expect, steps.evidence), *_outdated(expect, steps.evidence)]
    if wanting:
        raise ProbeFailureError(Cause.EXPECTATION, "; ".join(wanting))
    late = list(_late(expect, steps.phases))
    if late and expect.slow == "down":
        raise ProbeFailureError(Cause.SLOW, "; ".join(late))
    for text in late:
        steps.warn(text)


def _missing(expect: "Expect[str]", seen: Evidence) -> Iterator[str]:
    offered = {name.upper() for name in seen.capabilities}
    wanted = expect.capabilities if isinstance(expect, MailExpect) else ()
    names = [name for name in wanted if name.upper() not in offered]
    if names:
        yield f"not offered: {', '.join(names)}"


def _outdated(expect: "Expect[str]", seen: Evidence) -> Iterator[str]:
    version = (seen.tls_version or "").removeprefix("TLSv")
    if expect.min_tls is not None and version < expect.min_tls:
        yield f"{seen.tls_version or 'no TLS'}, expected at least TLSv{expect.min_tls}"


def _late(expect: "Expect[str]", phases: Iterable[Phase]) -> Iterator[str]:
    taken: dict[str, float] = {TOTAL: 0.0}
    for phase in phases:
        taken[phase.name] = taken.get(phase.name, 0.0) + phase.seconds
        taken[TOTAL] += 0.0 if phase.name in _NO_WAITING else phase.seconds
    for name, limit in expect.max_seconds.items():
        if taken.get(name, 0.0) > limit:
            yield f"slow: {name} took {taken[name]:.2f} s, expected at most {limit:g} s"
