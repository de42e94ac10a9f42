"""The sections of the configuration that stand alone: the agreement, and how the program itself runs."""

from fractions import Fraction
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from monitor.core.instants import DAY, MINUTE
from monitor.settings.fields import (
    Accounts,
    Address,
    Duration,
    FilePath,
    Listen,
    Months,
    Percentage,
    PositiveDuration,
    RefusedError,
    Services,
    SocketPath,
    Zone,
    shape,
)

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "json", "console", "journal"]
Subsystem = Literal[
    "attachments", "backing", "bookkeeper", "clock", "daemon", "library", "notifications", "posture", "recorder",
    "report", "runner", "selftest", "web", "workers",
]  # fmt: skip
"""What has a level of its own; `library` is what others' code says."""


class Section(BaseModel):
    """Unknown keys are errors; a key without a value is as good as left out."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _given(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise RefusedError(f"a mapping is expected, not {shape(value)}")
        return {key: item for key, item in value.items() if item is not None or key not in cls.model_fields}


class BasisSettings(Section):
    """How much the promises are made for; more of it is told, and changes no figure."""

    accounts: Accounts = Field(250_000, description="Accounts of all services together.", examples=["250000"])
    services: Services = Field(320, description="Services that serve accounts, such as agencies.", examples=["320"])


class SlaSettings(Section):
    """What the agreement promises for each calendar month."""

    timezone: Zone = Field(
        ZoneInfo("Asia/Bangkok"),
        description="The zone of months and of times without an offset.",
        examples=["Asia/Bangkok"],
    )
    availability: Percentage = Field(Fraction("99.5"), description="The promised availability.", examples=["99.5%"])
    downtime_budget: Duration = Field(
        216 * MINUTE,
        description="The promised longest downtime; the smaller of the two promises is the budget.",
        examples=["216m"],
    )
    close_after: Duration = Field(
        7 * DAY, description="How long after its end a month is closed for good.", examples=["7d"]
    )
    basis: BasisSettings = Field(BasisSettings.model_construct(), description="How much it is promised for.")


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
    keep_checks: PositiveDuration = Field(
        400 * DAY,
        description="How long checks are kept, packed once they are a day old; then they are dropped, and what they "
        "came to stays for good: figures, outages, gaps, blips. A month with all its checks can be replayed.",
        examples=["400d"],
    )
    keep_evidence: PositiveDuration = Field(
        1200 * DAY,
        description="How long failed checks, and the good ones around them, are kept in full as evidence of outages.",
        examples=["1200d"],
    )


class WebSettings(Section):
    """Metrics, health and the API over HTTP."""

    listen: Listen = Field(
        Address("127.0.0.1", 9925),
        description="Where to listen; port 0 lets the system choose.",
        examples=["127.0.0.1:9925"],
    )
    config_file: FilePath | None = Field(
        None,
        description="TLS, client certificates and users, in the web configuration format of Prometheus' exporters; "
        "see SECURITY.md.",
        examples=["/etc/mailuptime/web.yml"],
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
    levels: dict[Subsystem, Level] = Field(
        {}, description="Other levels for parts of the program.", examples=["{recorder: debug}"]
    )
    format: Format = Field(
        "auto",
        description="`auto`: `console` on a terminal, `journal` where systemd's journal reads along, else `json`.",
        examples=["json"],
    )
