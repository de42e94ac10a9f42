"""The running daemon: at its start last month is due, it writes the report by itself and tells a webhook."""

import json
from pathlib import Path

import pytest

from tests.alerting.webhook import Webhook, webhook
from tests.declare.listener import Listener
from tests.declare.office import TARGET, Office
from tests.lab import wait_until
from tests.lab.daemon import Daemon
from tests.report.last_month import recorded

PATIENCE_S = 90


def configured(office: Office, hook: Webhook) -> Path:
    secret = office.place / "hook"
    secret.write_text(hook.url.replace("json://", "http://"))
    secret.chmod(0o600)
    directory = office.place / "reports"
    office.write(
        sla={"timezone": "Asia/Bangkok", "close_after": "0s"},
        report={
            "directory": str(directory),
            "languages": ["en"],
            "formats": ["json", "pdf"],
            "webhook": {"file": str(secret)},
        },
    )
    return directory


def test_the_daemon_writes_the_report_of_a_month_that_it_closes_and_of_each_correction_and_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with webhook() as hook, Listener() as listener:
        office = Office(tmp_path, capsys, listener.port)
        directory = configured(office, hook)
        month = str(recorded(office.configuration, TARGET))
        with Daemon(office.configuration, office.port) as daemon:
            wait_until(lambda: len(hook.received) == 1, "the webhook to be told", seconds=PATIENCE_S)
            names = sorted(path.name for path in directory.iterdir())
            assert names == [f"report-{month}-r1-en.{form}" for form in ("json", "pdf")]
            document = json.loads((directory / names[0]).read_text())
            closed = daemon.ask("sla", month=month)
            assert (document["status"], document["digest"]) == ("closed", closed["digest"])
            assert document["services"][0]["downtime_seconds"] == closed["services"][0]["downtime_seconds"] == 3600
            assert (directory / names[1]).read_bytes().startswith(b"%PDF-")
            same = ("--month", month, "--lang", "en", "--format", "json")
            assert office.run("report", *same).out == (directory / names[0]).read_text()
            assert office.run("report", *same, "--service", "nope").err == (
                'there is no service "nope" in that month; among others there is: mail\n'
            )
            assert office.run("report", "--month", month, "--service", "nope").status == 2
            outages = daemon.ask("outages", month=month)["outages"]
            reason = ("--category", "customer", "--evidence", "mail 7", "--by", "ops", "--id", "E-1")
            office.act("exclude", "add", "--outage", outages[0]["id"], *reason)
            office.act("approve", "E-1", "--by", "boss")
            wait_until(lambda: len(hook.received) == 2, "the correction to be told", seconds=PATIENCE_S)
        assert [(one["month"], one["revision"]) for one in hook.received] == [(month, 1), (month, 2)]
        assert len(list(directory.iterdir())) == 4
        assert hook.url.rpartition("/")[2] not in daemon.log.read_text()
        assert office.verified().differences == ()
