"""`GET /probe` of a running daemon: a log-in where a module says so, refusals, and no trace in what is accounted."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families as prometheus_text

from tests.deploy.blackbox import asked
from tests.e2e.commands import mailuptime
from tests.lab import Lab, wait_until
from tests.lab.configuration import configuration, free_port
from tests.lab.daemon import Daemon, states
from tests.lab.ports import HOST


@pytest.fixture(scope="module")
def daemon(shared_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One without an allow-list, so that only the hosts of its targets, which is localhost, may be asked about."""
    lab, port, place = shared_lab, free_port(), tmp_path_factory.mktemp("asked")
    login = {"username": lab.probe.username, "password": {"file": str(lab.password_file)}}
    trusting = {"mode": "implicit", "ca_file": str(lab.ca_file)}
    modules = {
        "mailbox": {"type": "imap", "tls": trusting, "login": login},
        "roundcube": {"type": "webmail", "tls": trusting, "login": login},
    }
    extra = f"modules: {json.dumps(modules)}\nprobe: {{concurrency: 2}}\n"
    with Daemon(configuration(lab, place, port, extra), port) as running:
        wait_until(lambda: set(states(running).values()) == {"up"}, "every target to be up", seconds=30)
        yield running


def values(body: str) -> dict[tuple[str, str], float]:
    """Samples by name and the value of their only label."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in prometheus_text(body)
        for sample in family.samples
    }


def get(daemon: Daemon, **parameters: str) -> tuple[int, str]:
    status, _, body = asked(urlsplit(daemon.url).netloc, 10, **parameters)
    return status, body


def test_a_module_with_a_login_goes_as_deep_as_a_target_and_tells_of_mail(daemon: Daemon, shared_lab: Lab) -> None:
    status, body = get(daemon, target=f"localhost:{shared_lab.ports.imaps}", module="mailbox")
    found = values(body)
    assert (status, found["probe_success", ""], found["mailuptime_probe_outcome", "up"]) == (200, 1, 1)
    phases = [phase for name, phase in found if name == "mailuptime_probe_phase_seconds"]
    assert {"dns", "connect", "tls", "greeting", "capability", "auth", "select", "quit"} <= set(phases)
    assert found["probe_tls_version_info", "TLS 1.3"] == 1
    assert found["probe_ssl_earliest_cert_expiry", ""] > 1_800_000_000


def test_a_webmail_is_asked_about_by_its_address(daemon: Daemon, shared_lab: Lab) -> None:
    status, body = get(daemon, target=shared_lab.webmail_url, module="roundcube")
    found = values(body)
    assert (status, found["probe_success", ""], found["probe_http_status_code", ""]) == (200, 1, 200)
    assert found["probe_http_ssl", ""] == 1
    assert {"resolve", "connect", "tls", "processing"} == {
        phase for name, phase in found if name == "probe_http_duration_seconds"
    }


def test_a_failure_is_told_with_its_cause_and_the_certificate_that_was_refused(daemon: Daemon, shared_lab: Lab) -> None:
    status, body = get(daemon, target=f"localhost:{shared_lab.ports.imaps_expired}", module="mailbox")
    found = values(body)
    assert (status, found["probe_success", ""]) == (200, 0)
    assert found["mailuptime_probe_cause", "tls_certificate"] == 1
    assert found["mailuptime_probe_certificate_problem", "expired"] == 1
    assert ("probe_ssl_earliest_cert_expiry", "") not in found


def test_debugging_shows_the_ladder_the_metrics_and_the_module_and_no_password(daemon: Daemon, shared_lab: Lab) -> None:
    status, body = get(daemon, target=f"localhost:{shared_lab.ports.imaps}", module="mailbox", debug="true")
    assert status == 200
    for part in ("Logs for the probe:", "/probe mailbox: up in ", "  greeting ", "probe_success 1", "type: imap"):
        assert part in body
    assert shared_lab.probe.password not in body


@pytest.mark.parametrize("target", ["127.0.0.1:{port}", "example.org:{port}", "[::1]:{port}", "localhost.evil.example"])
def test_only_hosts_of_targets_may_be_asked_about_where_nothing_else_is_allowed(
    target: str, daemon: Daemon, shared_lab: Lab
) -> None:
    status, body = get(daemon, target=target.format(port=shared_lab.ports.imaps), module="tcp_connect")
    if target.endswith(".example"):
        assert (status, body.count("\n")) == (400, 1)  # no port
    else:
        assert (status, body.count("\n")) == (403, 1)
        assert "may not be probed: no target has this host, and there is no probe.allow" in body


def test_a_scraper_that_does_not_read_holds_neither_the_daemon_nor_a_place(daemon: Daemon, shared_lab: Lab) -> None:
    place = urlsplit(daemon.url)
    query = urlencode({"target": f"localhost:{shared_lab.ports.imaps}", "module": "mailbox"})
    lazy = [socket.create_connection((place.hostname, place.port)) for _ in range(4)]
    try:
        for connection in lazy:
            connection.sendall(f"GET /probe?{query} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        wait_until(
            lambda: get(daemon, target=f"localhost:{shared_lab.ports.smtp}", module="tcp_connect")[0] == 200, "a place"
        )
        assert daemon.get("/-/healthy") == (200, "healthy\n")
        answers = [connection.makefile("rb").readline() for connection in lazy]  # at last
        assert {answer.split()[1] for answer in answers} <= {b"200", b"503"}
    finally:
        for connection in lazy:
            connection.close()


def test_beyond_the_limit_the_answer_is_503_at_once(daemon: Daemon) -> None:
    with socket.create_server((HOST, 0)) as silent:
        silent.settimeout(10)
        port = silent.getsockname()[1]
        waiting = [lingering(daemon, port) for _ in range(2)]
        try:
            accepted = [silent.accept()[0] for _ in waiting]  # both are at work
            status, body = get(daemon, target=f"localhost:{port}", module="tcp_connect")
            assert (status, body) == (503, "2 probes are at work already (probe.concurrency)\n")
            for connection in accepted:
                connection.close()
            for connection in waiting:
                assert b"probe_success 0" in connection.makefile("rb").read()
        finally:
            for connection in waiting:
                connection.close()


def lingering(daemon: Daemon, port: int) -> socket.socket:
    """A request that is not answered before the server on that port speaks or hangs up."""
    place = urlsplit(daemon.url)
    connection = socket.create_connection((place.hostname, place.port))
    query = urlencode({"target": f"localhost:{port}", "module": "smtp_banner"})
    connection.sendall(f"GET /probe?{query} HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
    return connection


def test_nothing_of_it_enters_what_is_accounted_for(daemon: Daemon, shared_lab: Lab) -> None:
    for _ in range(5):
        get(daemon, target=f"localhost:{shared_lab.ports.imaps_expired}", module="mailbox")
    month = mailuptime("sla", "-c", daemon.configuration, "--format", "json").document
    exported = mailuptime("export", "checks", "-c", daemon.configuration, "--month", month["month"])
    checks: list[dict[str, Any]] = [json.loads(line) for line in exported.out.splitlines()]
    assert checks
    assert [check for check in checks if check["outcome"] != "up"] == []
    assert {check["target"] for check in checks} == set(states(daemon))
    _, body = daemon.get("/metrics")
    assert "tls_certificate" not in {
        one.labels.get("cause") for family in prometheus_text(body) for one in family.samples
    }
    assert month["services"][0]["downtime_seconds"] == 0


def test_the_modules_are_checked_with_the_configuration(tmp_path: Path, shared_lab: Lab) -> None:
    written = configuration(shared_lab, tmp_path, free_port(), "modules: {mail: {type: imap, host: localhost}}\n")
    done = mailuptime("check-config", "-c", written)
    assert done.status == 78
    assert "modules.mail.host: is named by each request, in target" in done.err
