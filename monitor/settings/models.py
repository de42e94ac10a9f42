"""How targets are checked, what services are made of, and what is declared: keys, types, defaults and meaning.

What depends on several keys is decided in `services` and `windows`.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from monitor.core.instants import MINUTE, SECOND
from monitor.core.instants import Duration as Microseconds
from monitor.core.instants import Instant as Epoch
from monitor.core.maintenance import Category
from monitor.settings.fields import (
    Accounts,
    AtLeast,
    DownWhen,
    Duration,
    Identity,
    Instant,
    Logins,
    Name,
    PositiveDuration,
    Processes,
    Pulse,
    Row,
    Scope,
    Switch,
    Test,
    Text,
    ZoneName,
)
from monitor.settings.sections import OwnSla, Section
from probes.base import Options


class Confirm(Section):
    """When failures make a target down."""

    failures: Row = Field(3, description="Failed checks in a row that make a target down.", examples=["3"])
    interval: PositiveDuration = Field(
        5 * SECOND,
        description="Between checks after a first failure, and after a first success while down. "
        "By default not longer than `interval`.",
        examples=["5s"],
    )


class Recover(Section):
    """When successes make a target up again."""

    successes: Row = Field(2, description="Successful checks in a row that make a target up.", examples=["2"])
    interval: PositiveDuration = Field(
        15 * SECOND,
        description="The longest time between checks while down. By default not longer than `interval`.",
        examples=["15s"],
    )


class LoginBackoff(Section):
    """How an account is spared after a refused login, so that no server locks it or bans the monitor."""

    after: PositiveDuration = Field(
        2 * MINUTE,
        description="How long nobody logs in to it after the first refused login; each further one doubles it.",
        examples=["2m"],
    )
    max: PositiveDuration = Field(
        16 * MINUTE, description="The longest time between attempts; not shorter than `after`.", examples=["16m"]
    )


class Checking(Section):
    """How often a target is checked and when it is believed. Each key may stand on a target too."""

    interval: PositiveDuration = Field(MINUTE, description="Between regular checks.", examples=["60s"])
    timeout: PositiveDuration = Field(
        15 * SECOND, description="For one whole check; shorter than `interval`.", examples=["15s"]
    )
    confirm: Confirm = Field(Confirm.model_construct(), description="When failures make a target down.")
    recover: Recover = Field(Recover.model_construct(), description="When successes make it up again.")
    pulse: Pulse = Field(
        5 * SECOND,
        description="Between connect-and-greeting checks in between; not longer than `interval`. "
        "By default off where `interval` is not longer.",
        examples=["5s", "off"],
    )
    stale_after: PositiveDuration | None = Field(
        None,
        description="How long a check speaks for its target at most; by default 2 × `interval` + `timeout`.",
        examples=["135s"],
    )

    login_backoff: LoginBackoff = Field(
        LoginBackoff.model_construct(), description="How its account is spared after a refused login."
    )
    max_logins: Logins = Field(
        1,
        description="How many checks of one account are under way at once; the others wait for their turn.",
        examples=["2"],
    )


class Defaults(Checking):
    """What targets have in common."""


class TargetKeys(Checking):
    """One configured probe of one endpoint; the keys of its `type` stand beside these."""

    name: Name = Field(description="Its name within the service.", examples=["imap"])
    type: Text = Field(description="What probes it.", examples=["imap"])
    counts: Switch = Field(True, description="Whether it decides when the service is down.", examples=["false"])


class UseKeys(Section):
    """In place of a target: one of another service, which is checked once and exported under its own name."""

    use: Text = Field(description="`service/target`, as it is declared there.", examples=["cluster-north/smtp"])
    counts: Switch = Field(True, description="Whether it decides when this service is down.", examples=["false"])


class Title(Section):
    """What people call a service."""

    th: Text | None = Field(None, description="In Thai.", examples=["เมลกลางภาครัฐ"])
    en: Text | None = Field(None, description="In English.", examples=["MailGoThai"])


class ServiceKeys(Section):
    """What the agreement is about."""

    name: Name = Field(description="Its name in labels, addresses and commands.", examples=["mailgothai"])
    title: Title = Field(Title.model_construct(), description="What people call it.")
    since: Instant | None = Field(
        None,
        description="From when it is accounted for; by default its first recorded check.",
        examples=["2026-11-01T00:00+07:00"],
    )
    until: Instant | None = Field(
        None, description="Until when it is accounted for.", examples=["2027-10-01T00:00+07:00"]
    )
    sla: OwnSla = Field(OwnSla.model_construct(), description="Promises of its own.")
    down_when: DownWhen = Field(
        "any",
        description="How many of its counting targets, or members, make it down: `any`, `all` or `{at_least: n}`.",
        examples=["all", "{at_least: 2}"],
    )
    members: tuple[Name, ...] = Field((), description="Services in place of targets.", examples=["[mail, webmail]"])
    accounts: Accounts | None = Field(
        None, description="Mail accounts it serves: its weight among services.", examples=["250000"]
    )


class MaintenancePolicy(Section):
    """What is asked of maintenance windows."""

    notice: Duration = Field(0, description="How long before its start a window must be declared.", examples=["24h"])
    late: Literal["excuse", "refuse"] = Field(
        "excuse", description="Whether a window declared later than that excuses downtime.", examples=["refuse"]
    )


class WindowSettings(Section):
    """Declared maintenance, whose downtime is not counted: once from `start` to `end`, or as `rrule` says."""

    id: Identity = Field("", description="Its identity; by default a hash of its content.", examples=["CHG-2026-0042"])
    scope: Scope = Field(
        (), description="`service` or `service/target`; by default everything.", examples=["[mailgothai]"]
    )
    start: Instant = Field(
        description="Start of the window, or of its first occurrence.", examples=["2026-12-05T01:00+07:00"]
    )
    end: Instant | None = Field(None, description="End; not with `rrule`.", examples=["2026-12-05T03:00+07:00"])
    rrule: Text | None = Field(
        None,
        description="RFC 5545 recurrence in local time of `timezone`.",
        examples=["FREQ=MONTHLY;BYDAY=1SU"],
    )
    duration: PositiveDuration | None = Field(
        None, description="Elapsed time of each occurrence; only with `rrule`.", examples=["1h"]
    )
    timezone: ZoneName | None = Field(
        None, description="Of `rrule`; by default that of `sla`.", examples=["Asia/Bangkok"]
    )
    reason: Text = Field(description="What is done in it.", examples=["storage upgrade"])
    by: Text = Field(description="Who declares it.", examples=["ops"])
    declared: Instant | None = Field(
        None,
        description="When it was declared; by default in advance.",
        examples=["2026-11-30T09:00+07:00"],
    )
    approved_by: Text | None = Field(
        None,
        description="Somebody other than `by`: lifts that it was declared late or after the fact.",
        examples=["manager"],
    )


class ExclusionSettings(Section):
    """Downtime excused after the fact: from `start` to `end`, or a whole `outage`."""

    id: Identity = Field("", description="Its identity; by default a hash of its content.", examples=["EXC-7"])
    scope: Scope = Field(
        (), description="`service` or `service/target`; by default everything.", examples=["[mailgothai]"]
    )
    start: Instant | None = Field(None, description="Start of the span.", examples=["2026-11-10T10:00+07:00"])
    end: Instant | None = Field(None, description="End of the span.", examples=["2026-11-10T11:00+07:00"])
    outage: Identity | None = Field(
        None, description="In place of a span: the id of an outage.", examples=["mailgothai-20261110T030100Z"]
    )
    category: Category = Field(description="The reason that the agreement names.", examples=["force_majeure"])
    evidence: Text = Field(description="What proves it.", examples=["flood report 12/2569"])
    by: Text = Field(description="Who asks for it.", examples=["ops"])
    approved_by: Text | None = Field(
        None, description="Somebody other than `by`; without, it excuses nothing.", examples=["manager"]
    )


class TopLevel(Section):
    """The keys of the file that hold plain values."""

    self_test: tuple[Test, ...] = Field(
        (),
        description="What the monitor tests of itself: while one fails, a failure that a broken network can forge "
        "is `unknown`, not downtime.",
        examples=["[resolver, gateway]"],
    )
    workers: Processes = Field(
        0,
        description="Probe processes beside the daemon's own, for more checks than one core can make; with 0 it makes "
        "them itself. A change takes effect at the next start.",
        examples=["2"],
    )


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """A target with the defaults filled in; durations in microseconds, `pulse` None for off.

    A round trip stands for one pair; its options name the targets at its ends as `service/target`.
    """

    name: str
    type: str
    counts: bool
    interval: Microseconds
    timeout: Microseconds
    confirm: Confirm
    recover: Recover
    pulse: Microseconds | None
    stale_after: Microseconds
    options: Options
    deadline: Microseconds = 0  # of a round trip
    give_up: Microseconds = 0  # of a round trip
    login_backoff: LoginBackoff = LoginBackoff.model_construct()  # noqa: RUF009 - frozen
    max_logins: int = 1


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """A service of targets, or of other services by name; instants in microseconds since the epoch.

    `uses` are the targets of other services among its own, as `service/target`, each with whether it counts.
    """

    name: str
    title: Title
    since: Epoch | None
    until: Epoch | None
    sla: OwnSla
    accounts: int | None
    down_when: Literal["any", "all"] | AtLeast
    targets: tuple[TargetSettings, ...]
    members: tuple[str, ...]
    uses: tuple[tuple[str, bool], ...] = ()

    @property
    def counting(self) -> tuple[str, ...]:
        """The targets that decide when it is down, by `service/target`."""
        own = (f"{self.name}/{target.name}" for target in self.targets if target.counts)
        return (*own, *(name for name, counts in self.uses if counts))
