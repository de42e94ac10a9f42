"""`mailuptime doctor`: each line of a sound installation, and of one that is broken in just that place."""

import json
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor import canaries
from monitor.diagnosis import files, machine, running
from monitor.diagnosis.findings import Finding, looked
from monitor.settings import Settings, load
from tests.e2e.commands import mailuptime
from tests.e2e.written import smtp, written
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon
from tests.web.place import Place


def lines(configuration: Path) -> dict[str, list[dict[str, Any]]]:
    """What doctor finds, by check."""
    found: dict[str, list[dict[str, Any]]] = {}
    done = mailuptime("doctor", "-c", configuration, "--format", "json")
    for line in done.document:
        found.setdefault(line["check"], []).append(line)
    assert done.status == any(line["level"] == "fail" for line in done.document)
    assert all(line["todo"] for line in done.document if line["level"] != "ok")
    return found


def levels(findings: Iterator[Finding]) -> list[str]:
    return [finding.level for finding in findings]


def test_a_sound_installation_is_well_but_for_what_nobody_has_done_yet(standing: Daemon) -> None:
    first = lines(standing.configuration)
    for check in ("configuration", "secrets", "ledger", "daemon", "listener", "readiness", "accounts", "certificates"):
        assert [line["level"] for line in first[check]] == ["ok"], first[check]
    assert standing.get("/metrics")[0] == 200
    (scraped,) = lines(standing.configuration)["prometheus"]
    assert (scraped["level"], "ago" in scraped["what"]) == ("ok", True)


def test_people_get_a_line_each_with_what_to_do(tmp_path: Path) -> None:
    configuration = written(tmp_path, smtp(free_port()))
    done = mailuptime("doctor", "-c", configuration)
    assert (done.status, done.err) == (1, "")
    printed = done.out.splitlines()
    assert all(line[:5] in {"ok   ", "warn ", "fail "} for line in printed)
    assert [line for line in printed if line.startswith("fail daemon: ") and " — start it" in line]
    assert [line for line in printed if line.startswith("fail ledger: ") and "does not exist" in line]
    assert [line for line in printed if line.startswith("fail listener: ")]


def test_a_bad_configuration_is_all_that_is_said(tmp_path: Path) -> None:
    configuration = tmp_path / "mailuptime.yaml"
    configuration.write_text("wbe: 1\nservices: []\n")
    found = lines(configuration)
    assert list(found) == ["configuration"]
    assert found["configuration"][0]["what"].startswith(f"{configuration}:1:1: ")


def settings_of(directory: Path, **more: Any) -> Settings:
    file = written(directory, smtp(free_port()))
    file.write_text(json.dumps(json.loads(file.read_text()) | more))
    return load(file)


def test_permissions_of_the_configuration(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    for mode, level in ((0o640, "ok"), (0o660, "warn"), (0o666, "fail")):
        settings.path.chmod(mode)
        assert levels(files.configuration(settings)) == [level]


def test_secrets_that_are_missing_or_open_to_everybody(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    target = smtp(free_port(), login={"username": "u", "password": {"file": str(secret)}}) | {"type": "submission"}
    file = written(tmp_path, target | {"tls": "starttls"})
    assert levels(files.secrets(load(file), running=False)) == ["fail", "ok"]
    secret.write_text("a-password")
    secret.chmod(0o644)
    (open_to_all, _) = files.secrets(load(file), running=False)
    assert (open_to_all.level, "chmod o-r" in open_to_all.what) == ("fail", True)
    secret.chmod(0o600)
    assert levels(files.secrets(load(file), running=False)) == ["ok"]
    file.write_text(file.read_text().replace(f'"file": "{secret}"', '"credential": "probe"'))
    assert levels(files.secrets(load(file), running=False)) == ["warn", "ok"]
    assert levels(files.secrets(load(file), running=True)) == ["ok"]


def test_the_listeners_certificate_and_what_listens_without_one(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.web(tls_server_config=place.tls)
    settings = load(place.configuration(free_port()))
    now = 1_764_000_000_000_000
    assert levels(files.web_configuration(settings, now)) == ["ok", "ok"]
    assert levels(files.web_configuration(settings, now * 100)) == ["ok", "fail"]
    (tmp_path / "server.key").chmod(0o644)
    assert levels(files.web_configuration(settings, now)) == ["fail"]
    everywhere = settings_of(tmp_path, web={"listen": "0.0.0.0:1"})
    assert levels(files.web_configuration(everywhere, now)) == ["warn"]


def test_what_cannot_be_read_is_no_mistake_of_the_doctors(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, web={"listen": "127.0.0.1:1", "config_file": "gone.yml"})
    (found,) = looked("listener", lambda: machine.listener(settings))
    assert (found.level, found.what) == ("fail", f"{tmp_path / 'gone.yml'}: No such file or directory")
    assert "mistake" not in found.todo


def test_the_status_page_for_everybody_for_some_and_that_does_not_answer(tmp_path: Path) -> None:
    now = 1_764_000_000_000_000
    assert levels(files.status_configuration(settings_of(tmp_path), now)) == []
    assert levels(machine.status_page(settings_of(tmp_path))) == []
    public = settings_of(tmp_path, status={"listen": f"127.0.0.1:{free_port()}"})
    assert levels(files.status_configuration(public, now)) == ["ok"]
    (silent,) = machine.status_page(public)
    assert (silent.level, silent.todo) == ("fail", "start the daemon, or mend status.listen")
    place = Place(tmp_path)
    place.web(tls_server_config=place.tls)
    shut = settings_of(tmp_path, status={"listen": "127.0.0.1:1", "config_file": "web.yml"})
    assert levels(files.status_configuration(shut, now)) == ["ok", "ok"]


def test_a_ledger_that_is_damaged_or_open_to_everybody_and_a_disk_that_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    configuration = written(tmp_path, smtp(free_port()), port=port)
    with Daemon(configuration, port):
        pass
    settings = load(configuration)
    path = settings.ledger.path
    assert levels(files.ledger(settings)) == ["ok"]
    path.chmod(0o644)
    assert levels(files.ledger(settings)) == ["fail", "ok"]
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    path.write_bytes(data)
    assert levels(files.ledger(settings)) == ["fail"]
    for left, level in ((1 << 40, "ok"), (1 << 30, "warn"), (1 << 20, "fail")):
        monkeypatch.setattr("shutil.disk_usage", lambda _, left=left: type("Usage", (), {"free": left}))
        assert levels(files.disk(settings)) == [level]


@pytest.mark.parametrize(("kept", "level"), [(True, "ok"), (None, "warn"), (False, "fail")])
def test_the_clock(kept: bool | None, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "clock_synchronized", lambda: kept)
    assert levels(machine.clock()) == [level]


def test_a_resolver_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    monkeypatch.setattr(canaries, "RESOLV_CONF", str(tmp_path / "resolv.conf"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        monkeypatch.setattr(canaries, "DNS_PORT", silent.getsockname()[1])
        (found,) = machine.names()
    assert (found.level, "127.0.0.1" in found.what) == ("fail", True)


@pytest.mark.parametrize(
    ("state", "level"),
    [
        ("LoadState=loaded\nActiveState=active\nUnitFileState=enabled", "ok"),
        ("LoadState=loaded\nActiveState=active\nUnitFileState=disabled", "warn"),
        ("LoadState=not-found\nActiveState=inactive\nUnitFileState=", "warn"),
        ("LoadState=loaded\nActiveState=failed\nUnitFileState=enabled", "fail"),
        ("", "ok"),
    ],
)
def test_the_unit(state: str, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' '{state}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert levels(machine.unit()) == [level]


def test_a_listener_that_is_another_program_or_does_not_speak_tls(tmp_path: Path) -> None:
    place, port = Place(tmp_path), free_port()
    place.web(tls_server_config=place.tls)
    configuration = place.configuration(port, web=False)
    with Daemon(configuration, port):
        assert levels(machine.listener(load(configuration))) == ["ok"]
        assert levels(machine.listener(load(place.configuration(port)))) == ["fail"]
        assert mailuptime("reload", "-c", configuration).status == 0
        assert levels(machine.listener(load(configuration))) == ["ok"]
        policy = {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": "ca.pem"}
        place.web(tls_server_config=place.tls | policy)
        assert levels(machine.listener(load(configuration))) == ["ok"]


def test_a_control_socket_that_is_dead_or_open_to_everybody(tmp_path: Path) -> None:
    port = free_port()
    configuration = written(tmp_path, smtp(free_port()), port=port)
    settings = load(configuration)
    daemon = Daemon(configuration, port)
    with daemon:
        assert levels(running.control(settings)) == ["ok"]
        settings.control.socket.chmod(0o666)
        assert levels(running.control(settings)) == ["fail", "ok"]
        daemon.stop(signal.SIGKILL)
    assert levels(running.control(settings)) == ["fail", "fail"]


SOUND = {
    "version": "1", "unready": [], "configured": True, "pending": 0, "targets": 1, "self_tests": {"resolver": True},
    "scraped_seconds_ago": 5.0, "notifications": {}, "resting": {}, "refused": {}, "logins": 1,
    "certificates": [{"target": "mail/imap", "not_after": "2030-01-01T00:00Z", "expiring": False, "problem": None}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("look", "broken", "level"),
    [
        (running.readiness, {"unready": ["the ledger cannot be written"]}, "fail"),
        (running.readiness, {"configured": False}, "fail"),
        (running.readiness, {"pending": 1000}, "warn"),
        (running.self_tests, {"self_tests": {}}, "warn"),
        (running.self_tests, {"self_tests": {"resolver": False}}, "fail"),
        (running.accounts, {"resting": {"u at h": 100.0}}, "fail"),
        (running.accounts, {"refused": {"mail/imap": "credential"}}, "fail"),
        (running.certificates, {"certificates": [SOUND["certificates"][0] | {"expiring": True}]}, "warn"),  # type: ignore[index]
        (running.certificates, {"certificates": [SOUND["certificates"][0] | {"problem": "expired"}]}, "fail"),  # type: ignore[index]
    ],
)
def test_what_the_daemon_says_of_itself(
    look: Callable[[dict[str, Any]], Iterator[Finding]], broken: dict[str, Any], level: str
) -> None:
    assert set(levels(look(SOUND))) == {"ok"}
    assert level in levels(look(SOUND | broken))


def test_nobody_scrapes_and_nobody_would_be_told(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert levels(running.scraping(SOUND, settings)) == ["ok"]
    assert levels(running.scraping(SOUND | {"scraped_seconds_ago": None}, settings)) == ["fail"]
    assert levels(running.scraping(SOUND | {"scraped_seconds_ago": 900.0}, settings)) == ["fail"]
    secret = tmp_path / "url"
    secret.write_text("jsons://localhost")
    secret.chmod(0o600)
    told = settings_of(tmp_path, notify={"urls": [{"file": str(secret)}]})
    assert levels(running.scraping(SOUND | {"scraped_seconds_ago": None}, told)) == ["ok"]
    assert levels(running.scraping(SOUND | {"notifications": {"failed": 2}}, told)) == ["ok", "warn"]
    assert levels(machine.receivers(told)) == ["ok"]
    secret.write_text("nonsense://localhost")
    assert levels(machine.receivers(settings_of(tmp_path, notify={"urls": [{"file": str(secret)}]}))) == ["fail"]


def test_a_browser_that_is_not_there(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("a-password")
    target = {
        "name": "webmail", "type": "webmail", "url": "https://localhost/", "interval": "5m", "timeout": "60s",
        "login": {"username": "u", "password": {"file": str(secret)}},
        "browser": {"executable": str(tmp_path / "chromium")},
    }  # fmt: skip
    settings = load(written(tmp_path, target))
    assert levels(machine.browser(settings)) == ["fail"]
    (tmp_path / "chromium").touch()
    assert levels(machine.browser(settings)) == ["ok"]


def test_a_look_that_breaks_is_a_line_and_ends_nothing() -> None:
    def broken() -> Iterator[Finding]:
        raise RuntimeError("a-secret")

    (found,) = looked("anything", broken)
    assert (found.level, "a-secret" in str(found)) == ("fail", False)
