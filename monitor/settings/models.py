"""The keys of the configuration, their types, defaults and meaning; the reference is generated from here.

What depends on several keys is decided in `services` and `windows`.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from monitor.core.instants import DAY, MINUTE, SECOND
from monitor.core.maintenance import Category
from monitor.settings.fields import (
    Accounts,
    Address,
    Duration,
    FilePath,
    Identity,
    Instant,
    Listen,
    Months,
    Name,
    Percentage,
    PositiveDuration,
    Pulse,
    RefusedError,
    Row,
    Scope,
    SocketPath,
    Switch,
    Test,
    Text,
    Zone,
    shape,
)

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "json", "console"]


class Section(BaseModel):
    """Unknown keys are errors; a key without a value is as good as left out."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _given(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise RefusedError(f"a mapping is expected, not {shape(value)}")
        return {key: item for key, item in value.items() if item is not None or key not in cls.model_fields}


class SlaSettings(Section):
    """What the agreement promises for each calendar month."""

    timezone: Zone = Field(
        ZoneInfo("Asia/Bangkok"),
        description="The zone of months and of times without an offset.",
        examples=["Asia/Bangkok"],
    )
    availability: Percentage = Field(
        Fraction("99.5"), description="The promised availability.", examples=["99.5%"]
    )
    downtime_budget: Duration = Field(
        216 * MINUTE,
        description="The promised longest downtime; the smaller of the two promises is the budget.",
        examples=["216m"],
    )
    close_after: Duration = Field(
        7 * DAY, description="How long after its end a month is closed for good.", examples=["7d"]
    )


class OwnSla(Section):
    """A service's own promises; what is left out is as in the file's `sla`."""

    availability: Percentage | None = Field(None, description="The promised availability.", examples=["99.9%"])
    downtime_budget: Duration | None = Field(None, description="The promised longest downtime.", examples=["43m"])


class LedgerSettings(Section):
    """The store of all checks and figures."""

    path: FilePath = Field(
        Path("/var/lib/mailuptime/ledger.db"),
        description="The file; a relative path starts at the configuration's directory.",
        examples=["/var/lib/mailuptime/ledger.db"],
    )


class WebSettings(Section):
    """Metrics, health and the API over HTTP."""

    listen: Listen = Field(
        Address("127.0.0.1", 9925),
        description="Where to listen; port 0 lets the system choose.",
        examples=["127.0.0.1:9925"],
    )


class ControlSettings(Section):
    """Commands to a running daemon."""

    socket: SocketPath = Field(
        Path("/run/mailuptime/control.sock"), description="The socket.", examples=["/run/mailuptime/control.sock"]
    )


class MetricsSettings(Section):
    """What is exported to Prometheus."""

    months: Months = Field(13, description="Months exported, the running one included.", examples=["13"])


class LogSettings(Section):
    """What is written to stderr."""

    level: Level = Field("info", description="The least severity that is written.", examples=["info"])
    format: Format = Field(
        "auto", description="`auto`: `console` on a terminal, else `json`.", examples=["json"]
    )


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
        description="Between connect-and-greeting checks in between; shorter than `interval`. "
        "By default off where `interval` is not longer.",
        examples=["5s", "off"],
    )
    stale_after: PositiveDuration | None = Field(
        None,
        description="How long a check speaks for its target at most; by default 2 × `interval` + `timeout`.",
        examples=["135s"],
    )


class TargetKeys(Checking):
    """One configured probe of one endpoint; the keys of its `type` stand beside these."""

    name: Name = Field(description="Its name within the service.", examples=["imap"])
    type: Text = Field(description="What probes it.", examples=["imap"])
    counts: Switch = Field(True, description="Whether it decides when the service is down.", examples=["false"])


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

    notice: Duration = Field(
        0, description="How long before its start a window must be declared.", examples=["24h"]
    )
    late: Literal["excuse", "refuse"] = Field(
        "excuse", description="Whether a window declared later than that excuses downtime.", examples=["refuse"]
    )


class WindowSettings(Section):
    """Declared maintenance, whose downtime is not counted: once from `start` to `end`, or as `rrule` says."""

    id: Identity = Field(
        "", description="Its identity; by default a hash of its content.", examples=["CHG-2026-0042"]
    )
    scope: Scope = Field((), description="`service` or `service/target`; by default everything.", examples=["[mailgothai]"])
    start: Instant = Field(
        description="Start of the window, or of its first occurrence.", examples=["2026-12-05T01:00+07:00"]
    )
    end: Instant | None = Field(
        None, description="End; not with `rrule`.", examples=["2026-12-05T03:00+07:00"]
    )
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

    id: Identity = Field(
        "", description="Its identity; by default a hash of its content.", examples=["EXC-7"]
    )
    scope: Scope = Field((), description="`service` or `service/target`; by default everything.", examples=["[mailgothai]"])
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
