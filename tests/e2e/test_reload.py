"""A changed configuration in the running daemon, at SIGHUP."""

import signal
from pathlib import Path

import pytest

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
