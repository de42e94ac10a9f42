"""Decides what the API is asked about: a daemon with outages in a closed month, and declarations of every kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from monitor.control import ask
from monitor.core.calendar import Month
from monitor.core.instants import HOUR, from_datetime
from tests.core.worked import ZONE
from tests.declare.listener import Listener
from tests.declare.office import TARGET, Office, hourly, outage
from tests.lab import wait_until
from tests.lab.daemon import Daemon, states

OUTAGES = 5


@dataclass(frozen=True)
class Past:
    """`month` is closed and has so many outages; the running one has one that goes on."""

    office: Office
    daemon: Daemon
    month: str


@contextmanager
def past_of(place: Path) -> Iterator[Past]:
    """A daemon in a directory of its own; what it watches is down."""
    with Listener() as listener:
        listener.well = False
        fast = {"interval": "1s", "confirm": {"failures": 3, "interval": "100ms"}, "pulse": "off", "timeout": "900ms"}
        office = Office(place, None, listener.port, fast)
        month = fed(office)
        with Daemon(office.configuration, office.port) as daemon:
            declare(daemon, month)
            wait_until(lambda: states(daemon)[TARGET] == "down", "the outage of now", seconds=30)
            wait_until(lambda: "revision" in daemon.ask("sla", month=month), "the month to be closed")
            yield Past(office, daemon, month)


def fed(office: Office) -> str:
    """Outages of an hour, a day apart, two months ago."""
    month = Month.of(from_datetime(datetime.now(UTC)), ZONE).plus(-2)
    begin, end = month.span(ZONE)
    checks, at = [], begin
    for number in range(1, OUTAGES + 1):
        start = begin + number * 24 * HOUR
        checks += [*hourly(at, start), *outage(start, start + HOUR)]
        at = start + 2 * HOUR
    office.feed([*checks, *hourly(at, end)])
    return str(month)


def declare(daemon: Daemon, month: str) -> None:
    def act(name: str, **request: object) -> None:
        ask(daemon.socket, f"acts/{name}", request)

    span = {"start": f"{month}-20T01:00", "end": f"{month}-20T02:00"}
    act("maintenance.add", id="CHG-1", reason="storage", by="ops", **span)
    act("maintenance.add", id="CHG-2", reason="patching", by="ops", scope=["mail/smtp"], start="2090-01-01T00:00",
        rrule="FREQ=MONTHLY;BYMONTHDAY=1", duration="1h")  # fmt: skip
    act("maintenance.add", id="CHG-3", reason="network", by="ops", **span)
    act("maintenance.cancel", id="CHG-3", by="ops")
    act("approve", id="CHG-1", by="boss")
    act("exclusion.add", id="EXC-1", category="customer", evidence="letter 7", by="ops", **span)
    act("exclusion.add", id="EXC-2", category="force_majeure", evidence="flood", by="ops", **span)
    act("approve", id="EXC-1", by="boss")
    act("exclusion.withdraw", id="EXC-2", by="ops")
    ticket = {"by": "contact centre", "channel": "email", "recorded": f"{month}-10T01:00"}
    act("ticket.open", kind="incident", priority="P1", id="T-1", outages=[], **ticket)
    act("ticket.resolve", kind="incident", id="T-1", at=f"{month}-10T02:00", by="contact centre")
    act("ticket.open", kind="request", priority="low", by="contact centre")
    act("ticket.open", kind="complaint", by="contact centre", agency="DES")
