"""The shipped configuration of Alertmanager brings each severity to its receivers, and hides only what is weaker."""

import http.client
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.deploy.alertmanager import DIRECTORY, SHIPPED, Alertmanager, Receiver, receiver, shipped_to
from tests.deploy.rules.promtool import ALERTS
from tests.lab.ports import HOST

CONFIGURATION = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
RECEIVERS = {"page": "page", "ticket": "tickets", "info": "info", "none": "nobody"}
BURNS = ("1h", "6h", "1d", "3d")


def amtool(*arguments: str) -> str:
    done = subprocess.run(["/usr/bin/amtool", *arguments], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_amtool_finds_nothing_wrong_with_the_configuration() -> None:
    assert "SUCCESS" in amtool("check-config", str(SHIPPED))


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_goes_to_the_receiver_of_its_severity(name: str) -> None:
    severity = ALERTS[name]["labels"]["severity"]
    expected = "dead-mans-switch" if name == "MailuptimeWatchdog" else RECEIVERS[severity]
    labels = (f"alertname={name}", f"severity={severity}", "sla_service=mail")
    assert amtool("config", "routes", "test", f"--config.file={SHIPPED}", *labels) == expected


def test_no_receiver_goes_through_mail_and_no_secret_stands_in_the_file() -> None:
    kinds = {kind for one in CONFIGURATION["receivers"] for kind in one if kind != "name"}
    assert kinds == {"pagerduty_configs", "slack_configs", "webhook_configs"}
    assert "smtp" not in SHIPPED.read_text().lower()
    text = json.dumps(CONFIGURATION)
    assert re.findall(r'"(?:api_url|routing_key|service_key|credentials|password)"', text) == []
    for file in re.findall(r'"(?:api_url_file|routing_key_file|credentials_file)": "([^"]+)"', text):
        assert file.startswith("/etc/alertmanager/secrets/")


def test_rules_of_inhibition_name_alerts_that_exist() -> None:
    for rule in CONFIGURATION["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            pattern = re.fullmatch(r'alertname=~?"(.+)"', matcher)
            assert pattern is not None
            assert [name for name in ALERTS if re.fullmatch(pattern[1], name)], matcher


def test_an_outage_hides_its_slower_burn_of_the_same_service_and_nothing_else(tmp_path: Path) -> None:
    with receiver() as told, Alertmanager.running(shipped_to(told.url), tmp_path / "alertmanager") as running:
        mail = [*(f"MailuptimeBurnRate{window}" for window in BURNS), "MailuptimeOutage", "MailuptimeBudgetExhaustion"]
        sent = [{"alertname": name, "sla_service": "mail", "severity": "page"} for name in mail]
        other = {"alertname": "MailuptimeServiceUnknown", "sla_service": "other", "severity": "page"}
        running.send(*sent, other, {"alertname": "MailuptimeMonitorMissing", "severity": "page"})
        expected = {name: "suppressed" if "BurnRate" in name else "active" for name in mail}
        expected |= {"MailuptimeServiceUnknown": "active", "MailuptimeMonitorMissing": "active"}
        running.wait_until(lambda: running.states() == expected, f"{expected}")


def test_a_monitor_that_is_missing_hides_nothing() -> None:
    of_monitor = {"MonitorMissing", "NotCommitting", "SelfTestFailing", "ScheduleLate", "EventLoopLagging", "Clock"}
    sources = [matcher for rule in CONFIGURATION["inhibit_rules"] for matcher in rule["source_matchers"]]
    assert [source for source in sources if any(name in source for name in of_monitor)] == []


PAYLOAD = {
    "groupKey": '{}:{alertname="MailuptimeOutage"}',
    "alerts": [
        {
            "status": "firing",
            "fingerprint": "0123",
            "startsAt": "2026-11-10T10:00:00Z",
            "labels": {"alertname": "MailuptimeOutage"},
            "annotations": {"summary": "mail is down", "description": "Down.", "budget": "9 minutes left"},
        }
    ],
}


def test_people_read_what_is_down_since_when_and_what_is_left(tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    data.write_text(json.dumps(PAYLOAD | {"status": "firing"}))
    text = '{{ template "mailuptime.title" . }}\n{{ template "mailuptime.text" . }}'
    files = f"--template.glob={DIRECTORY / '*.tmpl'}"
    said = amtool("template", "render", files, f"--template.data={data}", f"--template.text={text}").splitlines()
    assert said[:4] == ["[FIRING: 1] mail is down", "firing: mail is down", "Down.", "Budget: 9 minutes left"]
    assert said[4].startswith("Since 2026-11-10 10:00 UTC.")


@contextmanager
def bridge(line: Receiver, directory: Path) -> Iterator[str]:
    """LINE's place is taken by a receiver of ours."""
    for name in ("channel", "bridge"):
        (directory / name).write_text(f"{name}-secret\n")
    environment = os.environ | {
        "LINE_API": line.url,
        "LINE_TO": "U0123",
        "LINE_TOKEN_FILE": str(directory / "channel"),
        "BRIDGE_TOKEN_FILE": str(directory / "bridge"),
    }
    command = [sys.executable, str(DIRECTORY / "line-bridge.py"), f"{HOST}:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        try:
            found = re.fullmatch(rf"listening on ({HOST}:\d+)\n", process.stderr.readline())
            assert found is not None
            yield f"http://{found[1]}/"
        finally:
            process.terminate()


def post(url: str, payload: object, token: str = "bridge-secret") -> int:
    request = urllib.request.Request(url, json.dumps(payload).encode(), {"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def announce(url: str, length: int) -> int:
    """Say that a body is to come, and send none."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", str(length))
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_bridge_pushes_what_people_read_to_line(tmp_path: Path) -> None:
    with receiver() as line, bridge(line, tmp_path) as url:
        assert post(url, PAYLOAD) == 200
        (notice,) = line.notices
        assert notice.path == "/v2/bot/message/push"
        assert notice.headers["Authorization"] == "Bearer channel-secret"
        text = "[FIRING] mail is down\nDown.\n9 minutes left"
        assert notice.body == {"to": "U0123", "messages": [{"type": "text", "text": text}]}


def test_what_line_refuses_is_tried_again_and_what_it_has_already_is_not(tmp_path: Path) -> None:
    with receiver() as line, bridge(line, tmp_path) as url:
        line.status = 500
        assert post(url, PAYLOAD) == 502
        line.status = 409
        assert post(url, PAYLOAD) == 200
        assert len(line.notices) == 2


def test_the_bridge_passes_on_nothing_of_a_stranger_and_nothing_malformed(tmp_path: Path) -> None:
    with receiver() as line, bridge(line, tmp_path) as url:
        assert post(url, PAYLOAD, token="guessed") == 401
        assert post(url, {"alerts": [{}]}) == 400
        assert announce(url, 1 << 21) == 413
        assert line.notices == []
