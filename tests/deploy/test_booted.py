"""The installed daemon under a really booted systemd, against real mail servers in the same machine."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.machine import PAUSE_S, ROOT, Machine, obstacle, patiently
from tests.lab.processes import LabError, wait_until

pytestmark = [
    pytest.mark.skipif((why := obstacle()) is not None, reason=str(why)),
    pytest.mark.timeout(300),
]
UNIT = "mailuptime.service"
CONFIGURATION = "/etc/mailuptime/mailuptime.yaml"
DROP_IN = """
[Service]
LoadCredential=probe:/etc/mailuptime/credentials/probe
"""


@pytest.fixture(scope="module")
def machine(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Booted, the lab's servers up, mailuptime installed and not yet configured."""
    binds = {str(path): path for path in (ROOT, Path(sys.base_prefix))}
    with Machine(tmp_path_factory.mktemp("machine"), tree, binds=binds) as machine:
        machine.run("systemd-sysusers", "/usr/lib/sysusers.d/mailuptime.conf")
        machine.run("systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/mailuptime.conf")
        machine.run("systemctl", "daemon-reload")
        yield machine


@pytest.fixture(scope="module")
def ports(machine: Machine) -> dict[str, str]:
    """What the lab says of itself, its password handed over as a credential."""
    lab = [sys.executable, "-m", "tests.lab", "--directory", "/srv/lab"]
    options = ["--unit=lab", f"--working-directory={ROOT}", "-p", "StandardOutput=file:/srv/lab.txt"]
    machine.run("systemd-run", *options, *lab)
    patiently(lambda: "\nlogs " in machine.run("cat", "/srv/lab.txt", check=False).stdout, "the lab")
    machine.run("install", "-m", "644", "/srv/lab/ca.pem", "/etc/mailuptime/ca.pem")
    facts = dict(re.findall(r"^(.+?)  +(.*)$", machine.read("/srv/lab.txt"), re.MULTILINE))
    machine.run("install", "-m", "600", facts["password file"], "/etc/mailuptime/credentials/probe")
    machine.write(f"/etc/systemd/system/{UNIT}.d/credentials.conf", DROP_IN)
    machine.run("systemctl", "daemon-reload")
    return facts


@pytest.fixture
def configured(machine: Machine, ports: dict[str, str]) -> Iterator[str]:
    """A configuration of the lab and of a server that is not there; the daemon of a test ends with it."""
    text = f"""
sla: {{timezone: Asia/Bangkok, availability: 99.5%, downtime_budget: 216m}}
self_test: []
defaults: {{interval: 2s, timeout: 1500ms, confirm: {{failures: 2, interval: 500ms}}, pulse: off, stale_after: 3m}}
services:
  - name: lab
    targets:
      - name: imap
        type: imap
        host: localhost
        port: {ports["imaps"]}
        tls: {{mode: implicit, ca_file: /etc/mailuptime/ca.pem}}
        login: &probe {{username: probe@lab.test, password: {{credential: probe}}}}
  - name: gone
    targets:
      - {{name: smtp, type: smtp, host: localhost, port: 9, tls: none}}
"""
    machine.write(CONFIGURATION, text)
    yield text
    machine.run("systemctl", "stop", UNIT)
    machine.run("systemctl", "reset-failed", UNIT, check=False)
    machine.run("rm", "-r", "/var/lib/mailuptime")


def metrics(machine: Machine) -> str:
    return machine.run("curl", "-sS", "http://127.0.0.1:9925/metrics").stdout


def until_metric(machine: Machine, line: str) -> None:
    try:
        patiently(lambda: re.search(line, metrics(machine), re.MULTILINE) is not None, line)
    except LabError as error:
        log = "\n".join(str(entry.get("MESSAGE")) for entry in machine.journal(UNIT)[-20:])
        raise LabError(f"{error}\n{log}") from None


def until_status(machine: Machine, pattern: str) -> str:
    status = ""

    def holds() -> bool:
        nonlocal status
        status = machine.property(UNIT, "StatusText")
        return re.search(pattern, status) is not None

    patiently(holds, pattern)
    return status


def said(machine: Machine) -> list[str]:
    return [str(entry["MESSAGE"]) for entry in machine.journal(UNIT)]


def outage(machine: Machine) -> tuple[str, str]:
    """Identity and start of the one outage."""
    (one,) = json.loads(machine.run("mailuptime", "outages", "--format", "json").stdout)["outages"]
    return one["id"], one["start"]


def test_as_installed_it_refuses_to_run_and_says_what_is_missing(machine: Machine) -> None:
    assert machine.run("systemctl", "start", UNIT, check=False).returncode == 1
    shown = machine.show(UNIT, "ActiveState", "SubState", "ExecMainStatus", "NRestarts")
    assert shown == {"ActiveState": "failed", "SubState": "failed", "ExecMainStatus": "78", "NRestarts": "0"}
    assert any("services: at least one service is needed" in line for line in said(machine))


def test_it_is_ready_when_started_and_says_how_it_is(machine: Machine, configured: str) -> None:
    machine.run("systemctl", "start", UNIT)
    assert machine.show(UNIT, "ActiveState", "SubState") == {"ActiveState": "active", "SubState": "running"}
    status = until_status(machine, "down: gone/smtp;")
    assert re.match(
        r"2 targets; down: gone/smtp; \d{4}-\d\d: gone \d+\.\d{3} %, lab \d+\.\d{3} %; "
        r"last commit \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+07:00$",
        status,
    )


def test_it_logs_in_by_a_credential_and_knows_whether_the_clock_is_right(machine: Machine, configured: str) -> None:
    machine.run("systemctl", "start", UNIT)
    until_metric(machine, r'^mailuptime_probe_success\{.*target="imap".*\} 1')
    assert "mailuptime_clock_synchronized " in metrics(machine)
    assert "password" not in configured.replace("password: {credential: probe}", "")


def test_it_writes_the_report_of_the_month_that_it_closes_also_as_pdf(machine: Machine, configured: str) -> None:
    """Within the unit's sandbox."""
    report = "report: {directory: /var/lib/mailuptime/reports, languages: [th], formats: [pdf, json]}\n"
    machine.write(CONFIGURATION, configured.replace("216m}", "216m, close_after: 0s}") + report)
    machine.run("mkdir", "-p", "/var/lib/mailuptime")
    month = machine.run(
        sys.executable, "-m", "tests.report.last_month", CONFIGURATION, "gone/smtp", PYTHONPATH=str(ROOT)
    ).stdout.strip()
    machine.run("chown", "-R", "mailuptime:", "/var/lib/mailuptime")
    machine.run("systemctl", "start", UNIT)
    place = "/var/lib/mailuptime/reports"
    last = f"{place}/report-{month}-r1-th.json"
    wait_until(
        lambda: machine.run("test", "-e", last, check=False).returncode == 0, "the reports", seconds=150, pause=PAUSE_S
    )
    pdf, other = f"{place}/report-{month}-r1-th.pdf", f"{place}/report-{month}-r1-th.json"
    assert machine.run("stat", "-c", "%U %a", pdf, other).stdout.splitlines() == ["mailuptime 600"] * 2
    assert "หน้า 1" in machine.run("pdftotext", pdf, "-").stdout
    assert json.loads(machine.read(other))["status"] == "closed"
    assert not any("report.not_done" in line for line in said(machine))


def test_its_directories_belong_to_it(machine: Machine, configured: str) -> None:
    machine.run("systemctl", "start", UNIT)
    places = ["/var/lib/mailuptime", "/var/lib/mailuptime/ledger.db", "/run/mailuptime", "/run/mailuptime/control.sock"]
    modes = machine.run("stat", "-c", "%a %U:%G", *places).stdout.splitlines()
    assert modes == [f"{mode} mailuptime:mailuptime" for mode in ("700", "600", "750", "660")]
    # The exception is not a loophole: this user reads the clock's state and sets nothing.
    held = machine.read(f"/proc/{machine.property(UNIT, 'MainPID')}/status")
    assert re.search(r"^CapEff:\s0+$", held, re.MULTILINE)
    assert re.search(r"^CapBnd:\s0+$", held, re.MULTILINE)


def test_a_reload_puts_the_file_in_force_and_a_bad_one_changes_nothing(machine: Machine, configured: str) -> None:
    machine.run("systemctl", "start", UNIT)
    process = machine.property(UNIT, "MainPID")
    added = "      - {name: more, type: smtp, host: localhost, port: 9, tls: none}\n"
    machine.write(CONFIGURATION, configured + added)
    machine.run("systemctl", "reload", UNIT)
    until_status(machine, "^3 targets")
    machine.write(CONFIGURATION, "no_such_key: 1\n")
    assert machine.run("systemctl", "reload", UNIT, check=False).returncode == 1
    assert any("mailuptime.yaml:1:1: no_such_key: unknown key" in line for line in said(machine))
    until_metric(machine, "^mailuptime_config_last_reload_successful 0")
    assert machine.show(UNIT, "ActiveState", "MainPID", "NRestarts") == {
        "ActiveState": "active",
        "MainPID": process,
        "NRestarts": "0",
    }
    assert until_status(machine, "^3 targets")


def test_after_a_kill_it_runs_again_and_the_outage_goes_on(machine: Machine, configured: str) -> None:
    machine.run("systemctl", "start", UNIT)
    until_status(machine, "down: gone/smtp;")
    before = outage(machine)
    machine.run("systemctl", "kill", "--kill-whom=main", "-s", "KILL", UNIT)
    machine.until(UNIT, NRestarts="1", ActiveState="active")
    until_status(machine, "down: gone/smtp;")
    assert outage(machine) == before


def test_one_that_hangs_is_killed_by_the_watchdog_and_started_again(machine: Machine, configured: str) -> None:
    sooner = f"/run/systemd/system/{UNIT}.d/watchdog.conf"
    machine.write(sooner, "[Service]\nWatchdogSec=2s\n")
    machine.run("systemctl", "daemon-reload")
    try:
        machine.run("systemctl", "start", UNIT)
        machine.run("systemctl", "kill", "--kill-whom=main", "-s", "STOP", UNIT)
        machine.until(UNIT, NRestarts="1", ActiveState="active")
        assert any("Watchdog timeout" in line for line in said(machine))
    finally:
        machine.run("rm", sooner)
        machine.run("systemctl", "daemon-reload")


def test_what_it_logs_is_json_that_the_journal_keeps_by_unit(machine: Machine, configured: str) -> None:
    machine.run("systemctl", "start", UNIT)
    entries = [entry for entry in machine.journal(UNIT) if '"daemon.started"' in str(entry["MESSAGE"])]
    newest = entries[-1]
    assert json.loads(newest["MESSAGE"])["targets"] == 2
    assert newest["_SYSTEMD_UNIT"] == UNIT
    assert newest["SYSLOG_IDENTIFIER"] == "mailuptime"


def test_a_browser_of_the_second_unit_reads_mail(machine: Machine, configured: str, ports: dict[str, str]) -> None:
    webmail = f"""
  - name: web
    targets:
      - name: roundcube
        type: webmail
        url: {ports["webmail"]}
        tls: {{mode: implicit, ca_file: /etc/mailuptime/ca.pem}}
        login: *probe
        browser: {{socket: /run/mailuptime-browser.sock}}
        interval: 2m
        timeout: 1m
"""
    send = "import smtplib, sys; smtplib.SMTP('localhost', sys.argv[1]).sendmail('alice@lab.test', *sys.argv[2:])"
    message = "From: alice@lab.test\nSubject: to be opened\n\nhello\n"
    machine.run(sys.executable, "-c", send, ports["smtp"], "probe@lab.test", message)
    machine.write(CONFIGURATION, configured + webmail)
    machine.run("systemctl", "start", "mailuptime-browser.socket")
    machine.run("systemctl", "start", UNIT)
    until_metric(machine, r'^mailuptime_probe_success\{.*target="roundcube".*\} 1')
