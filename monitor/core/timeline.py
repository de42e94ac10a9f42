"""From the checks of one target to its labels, outages, gaps and blips (R1, R2, R4, R5).

Rules of this file:

1. Checks are fed in the order of their instants. Of equal instants the stronger counts, so the newest check waits
   in `head` until a later one is fed; whatever looks at the present looks at a copy with the head applied.
2. What `feed` and `advance` return is final: no later check can change it.
3. The state is a handful of integers (`dump`, `restore`). A timeline that is interrupted and restored between any
   two checks is the timeline never interrupted.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Self

from monitor.core.check import Check, Outcome, stronger
from monitor.core.events import Blip, Event, Gap, Outage
from monitor.core.instants import Instant
from monitor.core.intervals import Span


@dataclass(frozen=True, slots=True)
class Row:
    """Checks in a row whose label is not decided: `down` ones while not down, `up` ones while down."""

    first: Instant
    first_ends: Instant
    last: Instant
    count: int
    cause: str | None

    def plus(self, check: Check) -> "Row":
        return replace(self, last=check.at, count=self.count + 1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The outage that runs; its certain part is unset until a `down` check stands in it."""

    start: Instant
    outer_start: Instant
    certain_start: Instant | None = None
    certain_end: Instant | None = None
    cause: str | None = None

    def plus(self, *, first_ends: Instant, last: Instant, cause: str | None) -> "Stretch":
        """With one or more `down` checks added."""
        if self.certain_start is None:
            return replace(self, certain_start=first_ends, certain_end=last, cause=cause)
        return replace(self, certain_end=last)

    def outage(self, end: Instant, *, outer_end: Instant, ongoing: bool = False) -> Outage:
        # Without a `down` check the start may be as late as the end, and the end as early as the start.
        return Outage(
            start=self.start,
            end=end,
            outer_start=self.outer_start,
            outer_end=outer_end,
            certain_start=end if self.certain_start is None else self.certain_start,
            certain_end=self.start if self.certain_end is None else self.certain_end,
            cause=self.cause,
            ongoing=ongoing,
        )


@dataclass(frozen=True, slots=True)
class Tail:
    """What is not final yet, as seen from the end of what is looked at."""

    events: list[Event]
    suspect: Span | None


@dataclass(slots=True)
class Timeline:
    """The labels of one target, by `confirm` failures and `recover` successes in a row (R2)."""

    confirm: int
    recover: int
    down: bool = False
    row: Row | None = None
    stretch: Stretch | None = None
    ended: Outage | None = None  # waits for its outer end: the first check labelled up, or the next outage
    first_voice: Instant | None = None
    voice_end: Instant | None = None
    last_up: Instant | None = None  # the last check labelled up
    last_end: Instant | None = None  # the end of the last outage
    head: Check | None = None
    events: list[Event] = field(default_factory=list)
    _present: "Timeline | None" = field(default=None, init=False, repr=False, compare=False)

    def feed(self, check: Check, thresholds: tuple[int, int] | None = None) -> list[Event]:
        """Take the next check and return what has become final.

        `thresholds` are confirm and recover from this check on, where they differ from those before (R7). Raises
        ValueError where its instant lies before that of a check already fed.
        """
        if not check.heard:
            return []
        self._present = None
        if self.head is not None and check.at <= self.head.at:
            if check.at < self.head.at:
                raise ValueError("checks must be fed in the order of their instants")
            self.head = stronger(self.head, check)
            return []
        self._apply_head()
        if thresholds is not None:
            self.confirm, self.recover = thresholds
        self.head = check
        return self._emitted()

    def judge_by(self, confirm: int, recover: int) -> None:
        """The thresholds from the newest check on."""
        self.confirm, self.recover, self._present = confirm, recover, None

    def present(self) -> "Timeline":
        """The state as it stands now, the newest check applied: to be looked at, not to be changed."""
        if self._present is None:
            self._present = self._applied()
        return self._present

    def _applied(self) -> "Timeline":
        now = Timeline(
            self.confirm, self.recover, self.down, self.row, self.stretch, self.ended,
            self.first_voice, self.voice_end, self.last_up, self.last_end, self.head,
        )  # fmt: skip
        now._apply_head()
        return now

    def tail(self, horizon: Instant, *, clip: bool) -> Tail:
        """What follows the final events, up to the end of what is looked at.

        With `clip` voices end at the horizon (now, `--until`); without, it is the month's end, and they go on.
        """
        return self._applied().finished(horizon, clip=clip)

    @property
    def plainly_up(self) -> bool:
        """Whether it is up and nothing about that is undecided."""
        return not (self.down or self.row or self.stretch or self.ended or self.events or self.head)

    def finished(self, horizon: Instant, *, clip: bool) -> Tail:
        """The tail of one whose newest check is applied, which this takes."""
        if self.voice_end is None:
            return Tail([], None)
        if self.voice_end < horizon:
            self._gap(self.voice_end, horizon)
            return Tail(self._with_ended(), None)
        end = horizon if clip else self.voice_end
        suspect = None
        if self.row is not None and self.down and self.stretch is None:
            self._open(self.row.first)
        elif self.row is not None and not self.down:
            suspect = (self.row.first if self.last_up is None else self.last_up, end)
        if self.stretch is not None and self.stretch.start < end:
            self.events.append(self.stretch.outage(end, outer_end=end, ongoing=clip))
        return Tail(self._with_ended(), suspect)

    def settled(self, reached: Instant) -> Instant:
        """The instant before which no label can change, when no check before `reached` will be fed any more."""
        # A check at `reached` itself may still be beaten by another at the same instant.
        certain = self if self.head is not None and self.head.at >= reached else self.present()
        return reached if certain.row is None else min(reached, certain.row.first)

    def anchor(self, reached: Instant) -> Instant:
        """The instant before which neither labels nor bounds can change (at most `settled`)."""
        if self.stretch is not None and self.stretch.certain_end is not None:
            instant: Instant | None = self.stretch.certain_end
        elif self.stretch is not None:
            instant = self.stretch.outer_start  # it may turn out to be empty: the next one reaches as far back
        else:
            known = [i for i in (self.last_up, self.last_end) if i is not None]
            instant = max(known) if known else self.first_voice
        if instant is None and self.head is not None:
            instant = self.head.at
        return reached if instant is None else min(reached, instant)

    def dump(self) -> dict[str, Any]:
        """The state as JSON values; `restore` is its inverse."""
        state = {key: getattr(self, key) for key in _NUMBERS}
        for key in _PARTS:
            part = getattr(self, key)
            state[key] = part and {name: getattr(part, name) for name in part.__slots__}
        return state

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        made = {key: kind(**state[key]) if state[key] else None for key, kind in _PARTS.items()}
        head = state["head"]
        made["head"] = Check(**{**head, "outcome": Outcome(head["outcome"])}) if head else None
        return cls(**{**state, **made})

    def _emitted(self) -> list[Event]:
        events, self.events = self.events, []
        return events

    def _with_ended(self) -> list[Event]:
        return [*self.events, self.ended] if self.ended is not None else self.events

    def _apply_head(self) -> None:
        check = self.head
        if check is None:
            return
        self.head = None
        if self.first_voice is None:
            self.first_voice = check.at
        elif self.voice_end is not None and self.voice_end < check.at:
            self._gap(self.voice_end, check.at)
        if check.outcome is Outcome.UP:
            self._apply_up(check)
        else:
            self._apply_down(check)
        self.voice_end = check.at + check.voice

    def _apply_up(self, check: Check) -> None:
        if not self.down:
            if self.row is not None:
                self.events.append(Blip(self.row.first, check.at))
                self.row = None
            self.last_up = check.at
            return
        self._extend_row(check)
        if self.row is not None and self.row.count >= self.recover:
            self._recovered(self.row)

    def _apply_down(self, check: Check) -> None:
        before = self.row
        if self.down:
            self._row_stays_down(check.at + check.voice, check.at)
            before = None
        else:
            self._extend_row(check)
            if self.row is None or self.row.count < self.confirm:
                return
            self._open(self.row.first)
            self.down, self.row = True, None
        if self.stretch is not None and before is not None:
            self.stretch = self.stretch.plus(first_ends=before.first_ends, last=before.last, cause=before.cause)
        if self.stretch is not None and check.voice:  # without one it ends where it starts, and stands in no outage
            self.stretch = self.stretch.plus(first_ends=check.ends, last=check.at, cause=check.cause)

    def _extend_row(self, check: Check) -> None:
        self.row = self.row.plus(check) if self.row else Row(check.at, check.ends, check.at, 1, check.cause)

    def _open(self, start: Instant) -> None:
        self._outer_end(start)
        known = [i for i in (self.last_up, self.last_end) if i is not None]
        self.stretch = Stretch(start, max(known) if known else start)

    def _row_stays_down(self, end: Instant, otherwise: Instant) -> None:
        """An `up` row that ends undecided is labelled down; after a gap it is where the next outage starts.

        Without a row it starts at `otherwise`. What would be empty at `end` is no outage.
        """
        start = self.row.first if self.row else otherwise
        if self.stretch is None and start < end:
            self._open(start)
        self.row = None

    def _recovered(self, row: Row) -> None:
        """All of the `up` row are labelled up: the outage ends at the first of them."""
        self.down, self.row = False, None
        self._close(row.first)
        self._outer_end(row.first_ends)
        self.last_up = row.last

    def _close(self, end: Instant) -> None:
        if self.stretch is not None and self.stretch.start < end:
            self.ended = self.stretch.outage(end, outer_end=end)
            self.last_end = end
        self.stretch = None

    def _outer_end(self, instant: Instant) -> None:
        if self.ended is not None:
            self.events.append(replace(self.ended, outer_end=max(instant, self.ended.end)))
            self.ended = None

    def _gap(self, start: Instant, until: Instant) -> None:
        """No check speaks from the end of the last voice: an undecided row ends here (R2)."""
        if self.down:
            self._row_stays_down(start, start)
            self._close(start)
        elif self.row is not None:
            self.events.append(Blip(self.row.first, start))
            self.last_up = self.row.last
            self.row = None
        self.events.append(Gap(start, until))


_PARTS: dict[str, Any] = {"row": Row, "stretch": Stretch, "ended": Outage, "head": Check}
_NUMBERS = ("confirm", "recover", "down", "first_voice", "voice_end", "last_up", "last_end")


def state_of(timeline: Timeline, now: Instant) -> str:
    """What the target is at `now`: up, suspect, down or unknown."""
    present = timeline.present()
    if present.voice_end is None or present.voice_end <= now:
        return "unknown"
    if present.down:
        return "down"
    return "suspect" if present.row is not None else "up"
