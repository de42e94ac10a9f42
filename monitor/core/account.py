"""What is known of one target, and the end of what is looked at."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from monitor.core.events import Event, Outage
from monitor.core.history import History
from monitor.core.instants import Instant
from monitor.core.timeline import Timeline


@dataclass(slots=True)
class Account:
    """One target's timeline and what has become final of it; `first` and `newest` are instants of checks."""

    timeline: Timeline
    history: History = field(default_factory=History)
    first: Instant | None = None
    newest: Instant | None = None
    recorded: int = field(default=0, compare=False)  # checks that this process took

    def seen(self, at: Instant) -> None:
        """A check of that instant is taken."""
        self.recorded += 1
        self.first = at if self.first is None else min(self.first, at)
        self.newest = at if self.newest is None else max(self.newest, at)

    def mark(self) -> "Mark | None":
        """Where it stands, if it is up and no failure is undecided."""
        present = self.timeline.present()
        if present.down or present.row is not None or present.voice_end is None:
            return None
        known = (len(self.history.outages), len(self.history.gaps), len(self.history.blips))
        ends = [one.outer_end for one in (*self.history.outages[-1:], *present.events) if isinstance(one, Outage)]
        voice_end, pending = present.voice_end, tuple(present.events)
        return Mark(self.recorded, self.first, self.newest, voice_end, max(ends, default=0), known, pending)

    def stayed_up(self, before: "Mark") -> "Mark | None":
        """Where it stands, if all that was recorded since then is that it is up: not a blip, not a gap."""
        if self.recorded == before.recorded:
            return before
        now = self.mark()
        if now is None or now.first != before.first:
            return None
        if now.known == before.known and not now.pending and not before.pending:
            return now
        history: tuple[Sequence[Event], ...] = (self.history.outages, self.history.gaps, self.history.blips)
        more = [event for kind, count in zip(history, before.known, strict=True) for event in kind[count:]]
        return now if _by_start([*more, *now.pending]) == _by_start(before.pending) else None


@dataclass(frozen=True, slots=True)
class Mark:
    """A target that is up: until when its voice reaches, and which events were known then."""

    recorded: int
    first: Instant | None
    newest: Instant | None
    voice_end: Instant
    outer_end: Instant
    """Before which the last outage may have ended: later than the check that ended it began."""
    known: tuple[int, int, int]
    pending: tuple[Event, ...]
    """What the newest check has ended, which becomes final with the next one."""


def _by_start(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event.start)


@dataclass(frozen=True, slots=True)
class Horizon:
    """The end of what is looked at. `now`: voices end there; otherwise it is a month's end and they go on (R2, R8)."""

    at: Instant
    now: bool
