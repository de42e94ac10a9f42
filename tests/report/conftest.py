"""Gives the tests of reports a ledger with a November: outages, maintenance, an exclusion, and hours nobody watched."""

from pathlib import Path

import pytest

from monitor import clock
from monitor.core.calendar import Month
from monitor.core.instants import DAY, HOUR, SECOND
from monitor.ledger import Reader
from monitor.report.model import Report
from monitor.report.source import report_of
from monitor.settings import load
from tests.core.worked import at
from tests.declare.office import Office, OfficeClock, hourly, once, opened, outage

END = at("2026-12-01T00:00")
REASON = "เปลี่ยนอุปกรณ์ <b>storage</b>"
EVIDENCE = "=HYPERLINK(น้ำท่วม)"


@pytest.fixture(scope="session")
def ledgers() -> dict[str, bytes]:
    return {}


@pytest.fixture
def office(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, ledgers: dict[str, bytes]
) -> Office:
    """With two hours of outage on 10 November, at 12:30 of that day."""
    made = opened(Office(tmp_path, capsys), monkeypatch, ledgers)
    present = OfficeClock()
    present.office = made
    monkeypatch.setattr(clock, "SystemClock", lambda: present)
    return made


def maintained(office: Office) -> None:
    """Ten minutes of outage within maintenance, and hours that nobody watched; the month is over."""
    office.now = at("13:00")
    office.act(
        "maintenance", "add", "--id", "CHG-1", "--reason", REASON, "--by", "ops",
        "--start", "2026-11-20T01:00", "--end", "2026-11-20T02:00",
    )  # fmt: skip
    down, back = at("2026-11-20T01:10"), at("2026-11-20T01:20")
    office.feed([*hourly(at("13:00"), down), *outage(down, back), *hourly(back + HOUR, at("2026-11-27T05:00"))])
    office.feed(hourly(at("2026-11-27T15:00"), END))
    office.now = END + DAY
    office.act(
        "exclude", "add", "--id", "EXC-1", "--by", "ops", "--category", "force_majeure", "--evidence", EVIDENCE,
        "--start", "2026-11-10T10:30", "--end", "2026-11-10T11:00",
    )  # fmt: skip


@pytest.fixture
def november(office: Office, ledgers: dict[str, bytes]) -> Office:
    """The month is over, and not closed."""
    once(office, ledgers, "november", lambda: maintained(office))
    office.now = END + DAY
    return office


@pytest.fixture
def closed(november: Office, ledgers: dict[str, bytes]) -> Office:
    """Closed, then corrected: the exclusion was approved, which made a second revision."""

    def close() -> None:
        november.now = END + 7 * DAY
        november.act(
            "maintenance", "add", "--id", "CHG-2", "--reason", "later", "--by", "ops",
            "--start", "2027-05-01T10:00", "--end", "2027-05-02T10:00",
        )  # fmt: skip
        november.now += HOUR
        november.act("approve", "EXC-1", "--by", "boss")

    once(november, ledgers, "closed", close)
    november.now = END + 8 * DAY + 30 * SECOND
    return november


def gathered(office: Office, month: str = "2026-11", only: str | None = None) -> Report:
    settings = load(office.configuration)
    with Reader.beside(office.ledger) as reader:
        return report_of(reader, settings, Month.parse(month), office.now, only)
