"""What the page shows, as immutable values: the messages of the daemon, and what they come to.

Nothing stands here that may not be shown: names of targets and hosts, and servers' words, are in no message unless the
configuration allows them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.core.instants import Duration, Instant
from monitor.core.month import Figures, Sums
from monitor.settings.sections import LogSettings
from monitor.texts import Language

State = str
"""up, suspect, down, unknown, or maintenance: down inside a window."""


@dataclass(frozen=True, slots=True)
class Site:
    """What the configuration says. `services` has the titles of each service that is shown, in the file's order."""

    zone: ZoneInfo
    title: Mapping[Language, str]
    language: Language
    url: str | None
    services: Mapping[str, Mapping[Language, str]]
    config_file: Path | None
    log: LogSettings


@dataclass(frozen=True, slots=True)
class Part:
    """A target that does not work; only where details are allowed."""

    target: str
    protocol: str
    state: State
    host: str
    cause: str
    reply: str


@dataclass(frozen=True, slots=True)
class Present:
    """A service now. `outage` is the id of the one that runs, `began` its start; `months` go from the running one
    backwards, without outages.
    """

    name: str
    state: State
    maintenance: bool
    next_maintenance: Instant | None
    outage: str | None
    began: Instant | None
    months: tuple[Figures, ...]
    parts: tuple[Part, ...] = ()

    @property
    def month(self) -> Figures:
        return self.months[0]


@dataclass(frozen=True, slots=True)
class Day:
    """The part of a calendar day that is accounted for; `sums.length` is 0 where none is."""

    start: Instant
    sums: Sums


@dataclass(frozen=True, slots=True)
class Outage:
    """A service's outage. `seconds`, `least` and `most` are microseconds inside the months that are shown.

    `protocols` are what failed, `targets` the same by name where details are allowed.
    """

    id: str
    service: str
    start: Instant
    end: Instant | None
    seconds: Duration
    excused: Duration
    least: Duration
    most: Duration
    protocols: tuple[str, ...]
    cause: str | None
    targets: tuple[str, ...] = ()

    @property
    def counted(self) -> Duration:
        return self.seconds - self.excused


@dataclass(frozen=True, slots=True)
class Past:
    """A service's last days, oldest first, and its outages, newest first."""

    name: str
    days: tuple[Day, ...]
    outages: tuple[Outage, ...]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that maintenance is done or planned; no `services` means all. `end` is after shortening.

    `revision` is how often it was shortened or cancelled, `changed` when last, or when it was declared.
    """

    id: str
    services: tuple[str, ...]
    start: Instant
    end: Instant
    planned_end: Instant
    reason: str
    changed: Instant
    revision: int

    @property
    def cancelled(self) -> bool:
        return self.end <= self.start

    def concerns(self, service: str) -> bool:
        return not self.services or service in self.services


@dataclass(frozen=True, slots=True)
class Calendar:
    """Maintenance, by its start."""

    occurrences: tuple[Occurrence, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """The revision of each month that is closed, by `YYYY-MM`."""

    revisions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life, once a second; what was told before it holds as of `at`. `head` is that of the ledger's chain."""

    at: Instant
    head: str


Message = Site | Present | Past | Calendar | Closed | Beat


@dataclass(frozen=True, slots=True)
class View:
    """All messages together."""

    site: Site | None = None
    at: Instant = 0
    head: str = ""
    present: Mapping[str, Present] = field(default_factory=dict)
    past: Mapping[str, Past] = field(default_factory=dict)
    calendar: tuple[Occurrence, ...] = ()
    closed: Mapping[str, int] = field(default_factory=dict)

    def plus(self, message: Message) -> "View":
        match message:
            case Site():
                return replace(self, site=message)
            case Present():
                return replace(self, present={**self.present, message.name: message})
            case Past():
                return replace(self, past={**self.past, message.name: message})
            case Calendar(occurrences):
                return replace(self, calendar=occurrences)
            case Closed(revisions):
                return replace(self, closed=revisions)
            case Beat(at, head):
                return replace(self, at=at, head=head)
