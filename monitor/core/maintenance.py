"""Declared windows and exclusions: which spans they excuse (R13, R14, R15)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from monitor.core.instants import DAY, Duration, Instant
from monitor.core.intervals import Span, Spans, clip, normal
from monitor.core.recurrence import Recurrence
from monitor.core.service import EVERYTHING

_YEAR: Duration = 366 * DAY

Category = Literal["force_majeure", "business_continuity", "customer", "suspension"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How late declarations are judged: `notice` before the start, and whether a late one excuses."""

    notice: Duration = 0
    late_excuses: bool = True


PolicyAt = Callable[[Instant], Policy]


@dataclass(frozen=True, slots=True)
class Amendment:
    """A window shortened to `end`, or cancelled (`end` is then `at`), from `at` on; the past stays."""

    at: Instant
    end: Instant


@dataclass(frozen=True, slots=True)
class Window:
    """Maintenance: once in `[start, end)`, or each time that `recurrence` names; no scope means everything.

    `declared` is when it was announced, None for well in advance.
    """

    id: str
    scope: tuple[str, ...]
    start: Instant
    end: Instant
    reason: str
    by: str
    recurrence: Recurrence | None = None
    declared: Instant | None = None
    approved_by: str | None = None
    amendments: tuple[Amendment, ...] = ()

    @property
    def approved(self) -> bool:
        return self.approved_by is not None and self.approved_by != self.by

    def cut(self, end: Instant) -> Instant:
        """Where an occurrence that is planned to end at `end` does, after shortenings and cancellations (R15)."""
        for amendment in self.amendments:
            end = min(end, max(amendment.end, amendment.at))
        return end

    def occurrences(self, start: Instant, end: Instant) -> list[Span]:
        """The planned spans that reach into `[start, end)`, whole."""
        spans = self.recurrence.between(start, end) if self.recurrence else [(self.start, self.end)]
        return [span for span in spans if span[0] < end and start < span[1]]


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Downtime excused after the fact for a reason that the agreement names, in `[start, end)`."""

    id: str
    scope: tuple[str, ...]
    start: Instant
    end: Instant
    category: Category
    evidence: str
    by: str
    approved_by: str | None = None

    def over(self, service: str, span: Span) -> "Exclusion":
        """With the span of an outage, and where it says no scope, its service."""
        return replace(self, start=span[0], end=span[1], scope=self.scope or (service,))

    @property
    def excuses(self) -> bool:
        return self.approved_by is not None and self.approved_by != self.by


@dataclass(frozen=True, slots=True)
class Judgement:
    """One occurrence: what it excuses, whether it was declared late, and which part lies before its declaration."""

    planned: Span
    late: bool
    retroactive: Span | None
    excused: Span | None


def judge(window: Window, occurrence: Span, policy: Policy) -> Judgement:
    """Judge one occurrence (R14), cut by shortenings and cancellations (R15)."""
    start, end = occurrence
    end = window.cut(end)
    declared = start if window.declared is None else window.declared
    late = window.declared is not None and start - declared < policy.notice
    retroactive = (start, min(declared, end)) if start < declared and start < end else None
    if window.approved:
        excused = (start, end)
    elif late and not policy.late_excuses:
        excused = (end, end)
    else:
        excused = (max(start, declared), end)
    return Judgement(occurrence, late, retroactive, excused if excused[0] < excused[1] else None)


@dataclass(frozen=True, slots=True)
class Outlook:
    """Whether maintenance goes on now, when the next begins, and when the last ended."""

    active: bool = False
    next_start: Instant | None = None
    last_end: Instant | None = None

    def with_span(self, start: Instant, end: Instant, now: Instant) -> "Outlook":
        if start > now:
            return replace(self, next_start=min(start, start if self.next_start is None else self.next_start))
        if end <= now:
            return replace(self, last_end=max(end, end if self.last_end is None else self.last_end))
        return replace(self, active=True)


def outlook(windows: Iterable[Window], now: Instant) -> dict[str, Outlook]:
    """The windows of a year around now by scope, as far as they are neither shortened nor cancelled."""
    return Outlooks.of(windows, now).by_scope


@dataclass(frozen=True, slots=True)
class Outlooks:
    """What `outlook` says from `start` on and before `end`, where nothing begins, ends, comes or goes."""

    windows: Iterable[Window]
    start: Instant
    end: Instant
    by_scope: dict[str, Outlook]

    @classmethod
    def of(cls, windows: Iterable[Window], now: Instant) -> "Outlooks":
        found: dict[str, Outlook] = {}
        edges = [now + DAY]
        for window in windows:
            for start, planned in window.occurrences(now - _YEAR, now + _YEAR + DAY):
                end = window.cut(planned)
                # One is looked at from the first instant that it lies within a year of, and no longer.
                edges += (start, end, start - _YEAR + 1, planned + _YEAR)
                if start < end and start < now + _YEAR:
                    for scope in window.scope or (EVERYTHING,):
                        found[scope] = found.get(scope, Outlook()).with_span(start, end, now)
        return cls(windows, now, min(edge for edge in edges if edge > now), found)

    def hold(self, windows: Iterable[Window], now: Instant) -> bool:
        """Whether they are of these very windows, and still right."""
        return self.windows is windows and self.start <= now < self.end


def together(*outlooks: Outlook) -> Outlook:
    """What several scopes come to."""
    starts = [one.next_start for one in outlooks if one.next_start is not None]
    ends = [one.last_end for one in outlooks if one.last_end is not None]
    return Outlook(any(one.active for one in outlooks), min(starts, default=None), max(ends, default=None))


def excusing(
    windows: Iterable[Window], exclusions: Iterable[Exclusion], policy: PolicyAt, start: Instant, end: Instant
) -> dict[str, Spans]:
    """What is excused inside `[start, end)`, by scope; overlaps are united, so no instant is excused twice (R13).

    An occurrence is judged by the policy in force at its start.
    """
    found: dict[str, list[Span]] = {}
    for scopes, span in _spans(windows, exclusions, policy, start, end):
        for scope in scopes or (EVERYTHING,):
            found.setdefault(scope, []).append(span)
    return {scope: clip(normal(spans), start, end) for scope, spans in found.items()}


def _spans(
    windows: Iterable[Window], exclusions: Iterable[Exclusion], policy: PolicyAt, start: Instant, end: Instant
) -> Iterator[tuple[tuple[str, ...], Span]]:
    for window in windows:
        for occurrence in window.occurrences(start, end):
            judgement = judge(window, occurrence, policy(occurrence[0]))
            if judgement.excused:
                yield window.scope, judgement.excused
    for exclusion in exclusions:
        if exclusion.excuses:
            yield exclusion.scope, (exclusion.start, exclusion.end)
