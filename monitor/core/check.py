"""One execution of a probe, as the accounting sees it."""

from dataclasses import dataclass
from enum import StrEnum

from monitor.core.instants import Duration, Instant


class Outcome(StrEnum):
    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


_RANK = {Outcome.DOWN: 2, Outcome.UP: 1, Outcome.UNKNOWN: 0}


@dataclass(frozen=True, slots=True)
class Check:
    """A recorded check of one target.

    `at` is when it started (wall clock), `duration` how long it took (monotonic clock), `voice` the longest
    time that it speaks for (R1). A check that came with an instant before the newest recorded one has
    `speaks` false (R5). `cause` is set unless it was up.
    """

    at: Instant
    outcome: Outcome
    duration: Duration
    voice: Duration
    speaks: bool = True
    cause: str | None = None

    @property
    def ends(self) -> Instant:
        return self.at + self.duration

    @property
    def heard(self) -> bool:
        """Whether the check has a voice at all (R1)."""
        return self.speaks and self.outcome is not Outcome.UNKNOWN


def stronger(left: Check, right: Check) -> Check:
    """Of two checks of one target at one instant, the one that counts (R1); of equals, the first cause by name."""
    ranks = [(_RANK[check.outcome], check.duration, check.voice) for check in (left, right)]
    if ranks[0] == ranks[1]:
        return min(left, right, key=lambda check: check.cause or "")
    return left if ranks[0] > ranks[1] else right
