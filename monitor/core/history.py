"""The final events of one target, and what they and the open tail say of any stretch of time.

Costs of a view follow what lies inside the stretch, not the length of the history before it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from monitor.core.events import Blip, Event, Gap, Outage
from monitor.core.instants import Instant
from monitor.core.intervals import BEGINNING, END, Span, Spans, clip, normal
from monitor.core.timeline import Timeline


@dataclass(frozen=True, slots=True)
class View:
    """One target between two instants: spans are clipped to it, outages and blips are whole."""

    down: Spans
    unknown: Spans
    possibly: Spans
    certainly: Spans
    outages: list[Outage]
    blips: list[Blip]
    suspect: Span | None


@dataclass(slots=True)
class History:
    """Final events in the order of their starts; of each kind they never overlap."""

    outages: list[Outage] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    blips: list[Blip] = field(default_factory=list)

    def add(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, Outage):
                self.outages.append(event)
            elif isinstance(event, Gap):
                self.gaps.append(event)
            else:
                self.blips.append(event)

    def view(self, timeline: Timeline, start: Instant, end: Instant, *, horizon: Instant, clip_voices: bool) -> View:
        """What is known of `[start, end)`, looked at up to `horizon` (see `Timeline.tail`)."""
        present, near = timeline.present(), self._outages_near(start, end)
        first_voice, voice_end = present.first_voice, present.voice_end
        if not near and present.plainly_up and self._undisturbed(present, start, end, horizon):
            return View([], [], [], [], [], [], None)
        tail = timeline.tail(horizon, clip=clip_voices)
        late = History()
        late.add(tail.events)
        outages = _bounded(near + late.outages)
        down = normal((o.start, o.end) for o in outages)
        looked_at = horizon if clip_voices else max(horizon, voice_end or horizon)
        unknown = self._unknown(first_voice, late, start, end, looked_at)
        suspect = [tail.suspect] if tail.suspect else []
        possibly = normal([*((o.outer_start, o.outer_end) for o in outages), *unknown, *suspect])
        certainly = normal((o.certain_start, o.certain_end) for o in outages)
        late_blips = [b for b in late.blips if start <= b.start < end]
        return View(
            clip(down, start, end),
            unknown,
            clip(possibly, start, end),
            clip(certainly, start, end),
            outages,
            self._blips_in(start, end) + late_blips,
            tail.suspect,
        )

    def _outages_near(self, start: Instant, end: Instant) -> list[Outage]:
        """Every outage whose outer bounds may reach into `[start, end)`, and their neighbours."""
        first = bisect_right(self.outages, start, key=lambda o: o.end)
        last = bisect_left(self.outages, end, key=lambda o: o.start)
        return self.outages[max(first - 1, 0) : last + 2]

    def _undisturbed(self, present: Timeline, start: Instant, end: Instant, horizon: Instant) -> bool:
        """Whether a target that is plainly up was so all the time, without a gap or a blip."""
        first, last = present.first_voice, present.voice_end
        seen = first is not None and last is not None and first <= start and end <= horizon <= last
        return seen and not self._gaps_near(start, end) and not self._blips_in(start, end)

    def _blips_in(self, start: Instant, end: Instant) -> list[Blip]:
        first, last = (bisect_left(self.blips, i, key=lambda b: b.start) for i in (start, end))
        return self.blips[first:last]

    def _gaps_near(self, start: Instant, end: Instant) -> list[Gap]:
        low = bisect_right(self.gaps, start, key=lambda g: g.end)
        high = bisect_left(self.gaps, end, key=lambda g: g.start)
        return self.gaps[low:high]

    def _unknown(
        self, first: Instant | None, late: "History", start: Instant, end: Instant, looked_at: Instant
    ) -> Spans:
        gaps = [(g.start, g.end) for g in (*self._gaps_near(start, end), *late.gaps)]
        unseen = [(BEGINNING, END if first is None else first), (looked_at, END)]
        return clip(normal([*unseen, *gaps]), start, end)


def _bounded(outages: list[Outage]) -> list[Outage]:
    """No outer bound reaches beyond a neighbouring outage (R4)."""
    return [
        replace(one, outer_end=min(one.outer_end, following.start))
        if following is not None and following.start < one.outer_end
        else one
        for one, following in zip(outages, [*outages[1:], None], strict=False)
    ]
