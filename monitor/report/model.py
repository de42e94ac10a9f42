"""What a report says, before any language or layout: one immutable value. Instants and durations in microseconds."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal
from zoneinfo import ZoneInfo

from monitor.core.calendar import Month
from monitor.core.compliance import Compliance
from monitor.core.declarations import Act
from monitor.core.instants import Duration, Instant
from monitor.core.intervals import Span, Spans
from monitor.core.maintenance import Exclusion, Judgement, Policy, Window
from monitor.core.month import Figures, Objectives, Verdict
from monitor.core.rules import TargetRule
from monitor.core.service import Service
from monitor.core.workload import Workload

Status = Literal["running", "open", "closed"]
"""`running`: the month is not over; `open`: over, and not closed yet; `closed`: its figures are on record."""
Binding = Literal["availability", "downtime", "both"]


@dataclass(frozen=True, slots=True)
class Names:
    """A service by its name and by what people call it, where the configuration says so."""

    name: str
    th: str | None = None
    en: str | None = None

    def title(self, language: str) -> str:
        """In one language, else in the other, else the name."""
        own, other = (self.th, self.en) if language == "th" else (self.en, self.th)
        return own or other or self.name


@dataclass(frozen=True, slots=True)
class Maintained:
    """One occurrence of a window that reaches into the month; `downtime` is what was down in what it excuses."""

    window: Window
    act: Act
    judgement: Judgement
    end: Instant
    downtime: Duration

    @property
    def retroactive(self) -> Duration:
        span = self.judgement.retroactive
        return 0 if span is None else span[1] - span[0]


@dataclass(frozen=True, slots=True)
class Excluded:
    """An exclusion that reaches into the month; `downtime` is what was down in it, whether it excuses that or not."""

    exclusion: Exclusion
    act: Act
    downtime: Duration

    @property
    def excuses(self) -> bool:
        return self.exclusion.excuses and not self.act.cancelled


@dataclass(frozen=True, slots=True)
class Row:
    """A service of the annexes."""

    names: Names
    accounts: int | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class Chapter:
    """One service in full.

    `remaining` is what is left of the budget, at the month's start and at both ends of each stretch of downtime;
    between two of its points it changes evenly. `unseen` is the time that nobody watched. `history` has the months up
    to this one; where a service was not accounted for, its `since` is None. `members` are the services it is made of,
    `beneath` the others whose targets are among its own.
    """

    names: Names
    figures: Figures
    rule: Service
    targets: tuple[tuple[str, TargetRule], ...]
    remaining: tuple[tuple[Instant, Duration], ...]
    unseen: Spans
    maintenance: tuple[Maintained, ...]
    exclusions: tuple[Excluded, ...]
    history: tuple[Figures, ...]
    members: tuple[Row, ...]
    beneath: tuple[Row, ...]

    @property
    def binding(self) -> Binding:
        """Which of the two promises is the stricter in a month of this length (R10)."""
        return binding(self.figures.objectives, self.figures.total)

    @property
    def watched(self) -> bool:
        """Whether there is anything to say: E is not empty."""
        return self.figures.since is not None


@dataclass(frozen=True, slots=True)
class Change:
    """What a revision changed of one service's downtime."""

    service: str
    before: Duration
    after: Duration
    verdict_before: Verdict
    verdict_after: Verdict


@dataclass(frozen=True, slots=True)
class Revision:
    """One closing of the month. `digest` is that of its content, `link` of the ledger's chain up to and with it."""

    number: int
    at: Instant
    reason: str
    digest: str
    link: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """`seen` is until when anything is known of the month; `head` the ledger's chain as it was looked at.

    `tickets` are incidents, requests and complaints as the month was closed, or as they are now; `holidays` the dates
    of the month without business hours, `critical_always` whether the clocks of P1 and P2 run in all hours.
    `agrees` is whether the figures are those of the newest revision; `rules_changed` are the instants within the month
    from which other rules were in force (R7).
    """

    month: Month
    zone: ZoneInfo
    status: Status
    seen: Instant
    closes: Instant
    chapters: tuple[Chapter, ...]
    tickets: Compliance
    holidays: tuple[str, ...]
    critical_always: bool
    workload: Workload
    policy: Policy
    rules_changed: tuple[Instant, ...]
    rules_digest: str
    accounting: int
    tzdata: str
    revisions: tuple[Revision, ...]
    agrees: bool
    head: str

    @property
    def provisional(self) -> bool:
        """Whether the figures may still change without a correction."""
        return self.status != "closed"

    @property
    def span(self) -> Span:
        return self.month.span(self.zone)

    @property
    def revision(self) -> Revision | None:
        return self.revisions[-1] if self.revisions else None


def binding(objectives: Objectives, length: Duration) -> Binding:
    share, longest = objectives.allowed(length), Fraction(objectives.downtime)
    if share == longest:
        return "both"
    return "availability" if share < longest else "downtime"
