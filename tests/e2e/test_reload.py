"""A changed configuration in the running daemon: at SIGHUP, by a command, and over HTTP (tests/web has who may)."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import assert_refused, mailuptime
from tests.lab import wait_until
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon, states


def configuration(directory: Path, port: int, targets: str, extra: str = "") -> Path:
    path = directory / "mailuptime.yaml"
    path.write_text(
        f"""\
ledger: {{path: ledger.db}}
control: {{socket: control.sock}}
web: {{listen: "127.0.0.1:{port}"}}
defaults: {{interval: 1s, timeout: 500ms, confirm: {{interval: 100ms}}, recover: {{interval: 200ms}}, pulse: off}}
services: [{{name: mail, targets: [{targets}]}}]
{extra}"""
    )
    return path


def smtp(name: str, port: int) -> str:
    return f"{{name: {name}, type: smtp, host: 127.0.0.1, port: {port}, tls: none}}"


def reload(daemon: Daemon) -> None:
    daemon.send(signal.SIGHUP)


@pytest.fixture
def port() -> int:
    return free_port()


def test_targets_come_and_go_and_a_running_outage_goes_on(tmp_path: Path, port: int) -> None:
    refused = free_port()
    with Daemon(configuration(tmp_path, port, f"{smtp('one', refused)}, {smtp('two', refused)}"), port) as daemon:
        wait_until(lambda: set(states(daemon).values()) == {"down"}, "both targets to be down")
        (before,) = daemon.ask("outages")["outages"]
        configuration(tmp_path, port, f"{smtp('one', refused)}, {smtp('three', refused)}")
        reload(daemon)
        wait_until(lambda: states(daemon) == {"mail/one": "down", "mail/three": "down"}, "the new targets to be down")
        (after,) = daemon.ask("outages")["outages"]
        assert (after["id"], after["ongoing"]) == (before["id"], True)
        assert after["seconds"] > before["seconds"]


def test_a_window_in_the_file_takes_effect_at_the_reload(tmp_path: Path, port: int) -> None:
    refused = free_port()
    with Daemon(configuration(tmp_path, port, smtp("one", refused)), port) as daemon:
        wait_until(lambda: states(daemon) == {"mail/one": "down"}, "the target to be down")
        window = "maintenance: [{start: 2026-01-01T00:00Z, end: 9990-01-01T00:00Z, reason: repair, by: ops}]"
        configuration(tmp_path, port, smtp("one", refused), window)
        reload(daemon)
        wait_until(lambda: daemon.ask("sla")["services"][0]["excused_seconds"] > 0, "downtime to be excused")
        (declared,) = daemon.ask("declarations")["maintenance"]
        assert declared["retroactive_seconds"] > 0


def test_the_list_of_a_fleet_is_read_again(tmp_path: Path, port: int) -> None:
    refused = free_port()
    fleet = f"""
fleets:
  - from: agencies.csv
    template: {{name: "{{agency}}", targets: [{smtp("smtp", refused)}]}}
    rollups: [{{name: agencies}}]
"""
    (tmp_path / "agencies.csv").write_text("agency\none\ntwo\n")
    with Daemon(configuration(tmp_path, port, smtp("one", refused), fleet), port) as daemon:
        assert {"one/smtp", "two/smtp"} < set(states(daemon))
        (tmp_path / "agencies.csv").write_text("agency\ntwo\nthree\n")
        reload(daemon)
        wait_until(lambda: {"two/smtp", "three/smtp"} < set(states(daemon)), "the new row's target")
        assert "one/smtp" not in states(daemon)
        assert [one["service"] for one in daemon.ask("sla")["services"]] == ["mail", "two", "three", "agencies"]
        (tmp_path / "agencies.csv").write_text("agency\ntwo\nthree,four\n")
        reload(daemon)
        metric = "mailuptime_config_last_reload_successful"
        wait_until(lambda: f"{metric} 0.0" in daemon.get("/metrics")[1], "the metric to say that the list is bad")
        assert f"{tmp_path / 'agencies.csv'}:3:7: a row of 2 cells under 1 column" in daemon.log.read_text()
        assert {"two/smtp", "three/smtp"} < set(states(daemon))


def test_a_bad_file_changes_nothing_and_says_so(tmp_path: Path, port: int) -> None:
    refused = free_port()
    with Daemon(configuration(tmp_path, port, smtp("one", refused)), port) as daemon:
        path = configuration(tmp_path, port, "{name: one, type: smtpp}")
        reload(daemon)
        metric = "mailuptime_config_last_reload_successful"
        wait_until(lambda: f"{metric} 0.0" in daemon.get("/metrics")[1], "the metric to say so")
        assert list(states(daemon)) == ["mail/one"]
        assert f"{path}:5:" in daemon.log.read_text()
        configuration(tmp_path, port, smtp("one", refused))
        reload(daemon)
        wait_until(lambda: f"{metric} 1.0" in daemon.get("/metrics")[1], "the metric to say that it is well")


def test_a_command_reloads_and_is_told_the_problems_of_a_bad_file(tmp_path: Path, port: int) -> None:
    refused = free_port()
    with Daemon(configuration(tmp_path, port, smtp("one", refused)), port) as daemon:
        path = configuration(tmp_path, port, f"{smtp('one', refused)}, {smtp('two', refused)}")
        done = mailuptime("reload", "-c", path)
        assert (done.status, done.out, done.err) == (0, "reloaded\n", "")
        assert set(states(daemon)) == {"mail/one", "mail/two"}
        authority = path.with_name("gone.pem")
        configuration(tmp_path, port, smtp("one", refused).replace("none", f"{{mode: starttls, ca_file: {authority}}}"))
        assert_refused(mailuptime("reload", "-c", path), 78, str(path), "gone.pem")
        assert set(states(daemon)) == {"mail/one", "mail/two"}
        log = daemon.log.read_text()
        assert '"who": "command of 0 (root)"' in log
    assert_refused(mailuptime("reload", "-c", path), 69, "no daemon answers")


def test_what_only_a_restart_changes_is_said_and_stays(tmp_path: Path, port: int) -> None:
    refused = free_port()
    path = configuration(tmp_path, port, smtp("one", refused))
    with Daemon(path, port) as daemon:
        other = free_port()
        text = path.read_text().replace(f":{port}", f":{other}").replace("ledger.db", "other.db")
        path.write_text(text.replace("smtp,", "smtp, counts: true,"))
        done = mailuptime("reload", "-c", path)
        assert (done.status, done.err) == (0, "")
        listed = done.out.splitlines()
        assert listed[0] == "reloaded"
        assert [line for line in listed if f"127.0.0.1:{other}" in line and "web.listen" in line]
        assert [line for line in listed if str(tmp_path / "other.db") in line and "ledger.path" in line]
        assert len(listed) == 3
        assert daemon.get("/-/healthy")[0] == 200
        assert not (tmp_path / "other.db").exists()
        assert "configuration.waits_for_restart" in daemon.log.read_text()


def test_a_target_that_is_renamed_is_another_and_the_old_one_keeps_its_history(tmp_path: Path, port: int) -> None:
    refused = free_port()
    with Daemon(configuration(tmp_path, port, smtp("one", refused)), port) as daemon:
        wait_until(lambda: states(daemon) == {"mail/one": "down"}, "the target to be down")
        path = configuration(tmp_path, port, smtp("uno", refused))
        assert mailuptime("reload", "-c", path).status == 0
        wait_until(lambda: states(daemon) == {"mail/uno": "down"}, "the renamed target to be down")
        ended, begun = daemon.ask("outages")["outages"]
        assert (ended["targets"], ended["ongoing"]) == (["mail/one"], False)
        assert ("mail/uno" in begun["targets"], begun["ongoing"]) == (True, True)


def test_many_reloads_at_once_are_one_after_the_other(tmp_path: Path, port: int) -> None:
    refused = free_port()
    with Daemon(configuration(tmp_path, port, smtp("one", refused)), port) as daemon:
        path = configuration(tmp_path, port, smtp("two", refused))
        for _ in range(20):
            reload(daemon)
        assert mailuptime("reload", "-c", path).status == 0
        wait_until(lambda: set(states(daemon)) == {"mail/two"}, "the new target")
        assert daemon.get("/-/healthy")[0] == 200


def test_levels_of_the_log_change_at_a_reload_and_by_a_command_and_a_check_is_one_line(
    tmp_path: Path, port: int
) -> None:
    refused = free_port()
    path = configuration(tmp_path, port, smtp("one", refused))
    with Daemon(path, port) as daemon:
        wait_until(lambda: states(daemon) == {"mail/one": "down"}, "the target to be down")
        assert "check.done" not in daemon.log.read_text()
        (changed,) = (line for line in logged(daemon, "target.state_changed") if line["state"] == "down")
        assert changed["outage"] == daemon.ask("outages")["outages"][0]["id"]
        configuration(tmp_path, port, smtp("one", refused), "log: {levels: {recorder: debug}}")
        assert mailuptime("reload", "-c", path).status == 0
        wait_until(lambda: bool(logged(daemon, "check.done")), "a line for a check")
        line = logged(daemon, "check.done")[0]
        assert (line["target"], line["outcome"], line["cause"]) == ("mail/one", "down", "connect_refused")
        done = mailuptime("log-level", "-c", path, "recorder", "error", "--format", "json")
        assert (done.document["recorder"], done.document["daemon"]) == ("error", "info")
        assert logged(daemon, "log.level_changed")[0]["who"] == "command of 0 (root)"
        assert "recorder       error" in mailuptime("log-level", "-c", path).out
        assert_refused(mailuptime("log-level", "-c", path, "recordr", "error"), 2, "recordr", "known")
        assert_refused(mailuptime("log-level", "-c", path, "recorder"), 2, "LEVEL")


def logged(daemon: Daemon, event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in daemon.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]
