"""What a target's checks come to (R2, R4): outages, blips and gaps, each `[start, end)`."""

from dataclasses import dataclass

from monitor.core.instants import Instant


@dataclass(frozen=True, slots=True)
class Outage:
    """A maximal contiguous stretch `[start, end)` labelled down, with the bounds of R4.

    The true start lies in `(outer_start, certain_start]`, the true end in `(certain_end, outer_end]`; between
    `certain_start` and `certain_end`, where they are in that order, the target is certainly down. `ongoing`: the
    stretch reaches now (or `--until`). `cause` is that of its first `down` check.
    """

    start: Instant
    end: Instant
    outer_start: Instant
    outer_end: Instant
    certain_start: Instant
    certain_end: Instant
    cause: str | None
    ongoing: bool = False


@dataclass(frozen=True, slots=True)
class Blip:
    """A row of `down` checks that did not make the target down: from its first `down` to what ended it."""

    start: Instant
    end: Instant


@dataclass(frozen=True, slots=True)
class Gap:
    """Time that no check speaks for."""

    start: Instant
    end: Instant


Event = Outage | Blip | Gap
