"""The same beside a running daemon: what is declared takes effect at once, and its figures can be reproduced."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as prometheus_text

from monitor.core.calendar import Month
from monitor.core.declarations import KINDS
from monitor.core.instants import HOUR, from_datetime
from tests.core.worked import ZONE
from tests.declare.listener import Listener
from tests.declare.office import TARGET, Office, hourly, outage
from tests.e2e.commands import Done, mailuptime
from tests.lab import wait_until
from tests.lab.daemon import Daemon, states

FAST = {
    "interval": "1s",
    "timeout": "900ms",
    "confirm": {"failures": 3, "interval": "100ms"},
    "recover": {"successes": 2, "interval": "100ms"},
    "pulse": "off",
}


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as made:
        yield made


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str], listener: Listener) -> Office:
    return Office(tmp_path, capsys, listener.port, FAST)


@contextmanager
def running(office: Office) -> Iterator[Daemon]:
    with Daemon(office.configuration, office.port) as daemon:
        yield daemon


def reached(daemon: Daemon, state: str) -> None:
    wait_until(lambda: states(daemon)[TARGET] == state, f"{TARGET} to be {state}", seconds=30)


def clock(hours: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def command(office: Office, *arguments: str) -> Done:
    """Of a process of its own, as people run it."""
    return mailuptime(*arguments, "-c", office.configuration)


def counted(daemon: Daemon) -> dict[str, float]:
    """Seconds of the running month by kind, as Prometheus is told."""
    month = daemon.ask("status")["month"]
    return {
        sample.labels["kind"]: sample.value
        for family in prometheus_text(daemon.get("/metrics")[1])
        for sample in family.samples
        if sample.name == "mailuptime_downtime_seconds" and sample.labels["month"] == month
    }


def test_an_approved_window_takes_effect_in_the_daemons_figures_and_metrics(office: Office, listener: Listener) -> None:
    listener.well = False
    with running(office) as daemon:
        reached(daemon, "down")
        wait_until(lambda: counted(daemon)["counted"] > 0, "downtime in the metrics")
        add = ("--start", clock(-1), "--end", clock(1), "--reason", "upgrade", "--by", "ops", "--id", "CHG-1")
        assert office.act("maintenance", "add", *add)["would_excuse"][0]["seconds"] > 0
        assert counted(daemon)["counted"] > 0
        office.act("approve", "CHG-1", "--by", "boss")
        wait_until(lambda: counted(daemon)["counted"] == 0 < counted(daemon)["excused"], "the metrics to follow")
        [figures] = daemon.ask("sla")["services"]
        assert figures["downtime_seconds"] == 0 < figures["excused_seconds"]
        office.act("maintenance", "cancel", "CHG-1", "--by", "ops")
        wait_until(lambda: counted(daemon)["counted"] > 0, "downtime to count again")
        [listed] = office.act("maintenance", "list")["maintenance"]
        assert (listed["cancelled"], listed["approved_by"], listed["attested_by_one"]) == (True, "boss", True)


def test_an_approved_exclusion_of_a_past_outage_takes_effect_and_its_withdrawal_too(
    office: Office, listener: Listener
) -> None:
    listener.well = False
    with running(office) as daemon:
        reached(daemon, "down")
        listener.well = True
        reached(daemon, "up")
        wait_until(lambda: daemon.ask("outages")["outages"][0]["end"] is not None, "the outage to end")
        [past] = daemon.ask("outages")["outages"]
        asked = (
            "--outage",
            past["id"],
            "--category",
            "customer",
            "--evidence",
            "mail 7",
            "--by",
            "ops",
            "--id",
            "E-1",
        )
        office.act("exclude", "add", *asked)
        assert daemon.ask("sla")["services"][0]["downtime_seconds"] == past["seconds"]
        office.act("approve", "E-1", "--by", "boss")
        assert daemon.ask("sla")["services"][0]["excused_seconds"] == past["seconds"]
        wait_until(lambda: counted(daemon)["counted"] == 0, "the metrics to follow")
        office.act("exclude", "withdraw", "E-1", "--by", "ops")
        wait_until(lambda: counted(daemon)["excused"] == 0, "the metrics to follow")
        assert office.act("exclude", "list")["exclusions"][0]["withdrawn"]


REFUSED = (
    ("approve", "CHG-1", "--by", "ops"),
    ("approve", "CHG-9", "--by", "boss"),
    ("maintenance", "cancel", "CHG-9", "--by", "ops"),
    ("maintenance", "shorten", "CHG-1", "--end", "noon", "--by", "ops"),
    ("maintenance", "add", "--start", "2027-01-02T00:00", "--end", "2027-01-01T00:00", "--reason", "x", "--by", "ops"),
    (
        "maintenance", "add", "--start", "2027-01-02T00:00", "--duration", "1h", "--rrule", "sometimes",
        "--reason", "x", "--by", "ops",
    ),
    ("exclude", "withdraw", "EXC-9", "--by", "ops"),
    ("exclude", "add", "--outage", "mail-20261109T030000Z", "--category", "customer", "--evidence", "x", "--by", "ops"),
    ("sla", "--month", "2026-13"),
)  # fmt: skip


def test_what_a_daemon_refuses_is_one_line_and_nothing_is_written(office: Office) -> None:
    with running(office):
        span = ("--start", clock(1), "--end", clock(2))
        office.act("maintenance", "add", *span, "--reason", "upgrade", "--by", "ops", "--id", "CHG-1")
        before = office.facts(*KINDS)
        dry = ("--start", clock(1), "--end", clock(2), "--reason", "upgrade", "--by", "ops", "--dry-run")
        assert "dry run" in office.run("maintenance", "add", *dry).out
        for arguments in REFUSED:
            refused = office.run(*arguments)
            assert (refused.status, refused.out, refused.err.count("\n")) == (2, "", 1), (arguments, refused)
        assert office.facts(*KINDS) == before


def test_the_files_windows_are_declared_once_whatever_starts_and_stops(office: Office) -> None:
    def kinds() -> list[str]:
        return [link.fact.kind for link in office.facts(*KINDS)]

    window = {"start": clock(24), "end": clock(25), "reason": "upgrade", "by": "ops", "declared": clock(-24)}
    office.write(maintenance=[window])
    seen = datetime.now(UTC)
    with running(office) as daemon:
        wait_until(lambda: kinds() == ["window"], "the window to be declared")
    [listed] = office.act("maintenance", "list")["maintenance"]
    assert datetime.fromisoformat(listed["declared"]) >= seen
    with running(office) as daemon:
        reached(daemon, "up")
        daemon.send(signal.SIGHUP)
        wait_until(lambda: len(office.facts("reloaded")) == 1, "the reload")
        assert kinds() == ["window"]
        office.write(maintenance=[{**window, "reason": "storage"}])
        daemon.send(signal.SIGHUP)
        wait_until(lambda: kinds() == ["window", "window_amended", "window"], "the edit to be seen")
        office.write()
        daemon.send(signal.SIGHUP)
        wait_until(lambda: kinds()[3:] == ["window_amended"], "the removal to be seen")
        assert all(one["cancelled"] for one in daemon.ask("declarations")["maintenance"])


def test_a_daemon_closes_old_months_at_its_start_and_anew_after_a_correction(office: Office) -> None:
    month = Month.of(from_datetime(datetime.now(UTC)), ZONE).plus(-2)
    begin, end = month.span(ZONE)
    first = begin + 240 * HOUR
    office.feed([*hourly(begin, first), *outage(first, first + 2 * HOUR), *hourly(first + 3 * HOUR, end)])
    with running(office) as daemon:
        wait_until(lambda: "revision" in daemon.ask("sla", month=str(month)), "the month to be closed")
        closed = daemon.ask("sla", month=str(month))
        [past] = closed["services"][0]["outages"]
        assert (closed["revision"], past["seconds"]) == (1, 7200)
        asked = (
            "--outage",
            past["id"],
            "--category",
            "customer",
            "--evidence",
            "mail 7",
            "--by",
            "ops",
            "--id",
            "E-1",
        )
        office.act("exclude", "add", *asked)
        office.act("approve", "E-1", "--by", "boss")
        again = daemon.ask("sla", month=str(month))
        assert (again["revision"], again["services"][0]["downtime_seconds"]) == (2, 0)
        assert again["digest"] != closed["digest"]
        beside = command(office, "verify")
        assert (beside.status, beside.err) == (0, "")
        noted = beside.out.split()[-1]
    assert [body["reason"] for body in office.bodies("closing") if body["month"] == str(month)] == [
        "the month is over",
        "approve E-1",
    ]
    assert office.run("verify", "--head", noted).status == 0


def test_a_replay_of_the_exported_checks_gives_the_daemons_figures(office: Office, listener: Listener) -> None:
    with running(office) as daemon:
        reached(daemon, "up")
        span = ("--start", clock(-1), "--end", clock(1))
        office.act("maintenance", "add", *span, "--reason", "upgrade", "--by", "ops", "--id", "CHG-1")
        listener.well = False
        reached(daemon, "down")
    with running(office) as daemon:
        wait_until(lambda: daemon.ask("sla")["services"][0]["excused_seconds"] > 0, "an outage in the window")
        office.act("maintenance", "shorten", "CHG-1", "--end", clock(), "--by", "ops")
        reached(daemon, "down")
        listener.well = True
        reached(daemon, "up")
        wait_until(lambda: daemon.ask("outages")["outages"][0]["end"] is not None, "the outage to end")
        figures = daemon.ask("sla")
        [listed] = daemon.ask("declarations")["maintenance"]
        checks = office.place / "checks.jsonl"
        exported = command(office, "export", "checks", "--month", figures["month"])
        assert (exported.status, exported.err) == (0, "")
        checks.write_text(exported.out, encoding="utf-8")
    start, end = listed["excuses"]
    windows = office.place / "windows.json"
    windows.write_text(json.dumps([{"start": start, "end": end, "reason": "upgrade", "by": "ops"}]), encoding="utf-8")
    [service] = figures["services"]
    assert 0 < service["excused_seconds"] < service["gross_downtime_seconds"]
    again = office.run(
        "replay",
        str(checks),
        "--maintenance",
        str(windows),
        "--month",
        figures["month"],
        "--until",
        service["until"],
    )
    figures.pop("tickets", None)  # which no check tells of
    assert (again.err, again.document) == ("", figures)
    assert office.run("verify").status == 0
