"""The present state of each target, in the order in which checks arrive (R5).

It runs the same timeline as the accounting, but over the monotonic clock: a wall clock that is set back makes
checks silent for the figures, never for alerts and cadence.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

from monitor.core.check import Check, Outcome
from monitor.core.instants import SECOND, Instant
from monitor.core.timeline import Timeline, state_of
from monitor.runner import Result, Target


@dataclass(slots=True)
class Live:
    target: Target
    timeline: Timeline
    last: Result | None = None
    presented: Result | None = None  # of the last check that was shown a certificate
    outstanding: list[Instant] = field(default_factory=list)  # when checks began that are not recorded, in order
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    deliveries: Counter[str] = field(default_factory=Counter)  # of a round trip: what became of its messages
    backoff_until: float | None = None  # monotonic seconds before which no login is tried
    arrived: int = 0  # how often anything of the above may have changed

    def take(self, result: Result) -> None:
        """A result has arrived: its check speaks here, whatever the wall clock did. Pulses that went well do not."""
        if result.pulse and result.check.outcome is Outcome.UP:
            return
        self.arrived += 1
        self.outcomes[result.check.outcome] += 1
        if result.check.cause:
            self.causes[result.check.cause] += 1
        seen = result.check
        on_the_monotonic_clock = round(result.began * SECOND)
        self.timeline.feed(Check(on_the_monotonic_clock, seen.outcome, seen.duration, seen.voice, cause=seen.cause))
        self.last = result
        if result.evidence.certificate is not None or result.check.outcome is Outcome.UP:
            self.presented = None if result.evidence.certificate is None else result

    def missed(self, check: Check) -> None:
        """A slot of the schedule went by without a check."""
        self.arrived += 1
        self.outcomes[check.outcome] += 1
        if check.cause:
            self.causes[check.cause] += 1

    def state(self, monotonic: float) -> str:
        """up, suspect, down or unknown."""
        return state_of(self.timeline, round(monotonic * SECOND))

    @property
    def running(self) -> Instant | None:
        """The instant that no check will be recorded before: the next may begin while one waits for the ledger."""
        return min(self.outstanding, default=None)

    @property
    def success(self) -> bool | None:
        """Whether the last check found the service well; None while that is unknown."""
        if self.last is None or self.last.check.outcome is Outcome.UNKNOWN:
            return None
        return self.last.check.outcome is Outcome.UP


def resumed(timeline: Timeline, shift: Instant) -> Timeline:
    """A recorded timeline on the monotonic clock: `shift` is monotonic time minus wall time, in microseconds."""
    present = timeline.present()
    moved = Timeline(timeline.confirm, timeline.recover, down=present.down)
    moved.first_voice = None if present.first_voice is None else present.first_voice + shift
    moved.voice_end = None if present.voice_end is None else present.voice_end + shift
    if present.row is not None:
        row = present.row
        moved.row = replace(row, first=row.first + shift, first_ends=row.first_ends + shift, last=row.last + shift)
    return moved
