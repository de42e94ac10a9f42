"""What the listener tells those who ask: health, metrics that tools can read, figures, and help for the rest."""

import gzip
import http.client
import ipaddress
import json
import socket
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus_text

from tests.e2e.commands import mailuptime, promtool_check
from tests.e2e.written import imap, smtp, written
from tests.lab import Lab, wait_until
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon
from tests.lab.ports import HOST

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
PROMISED = {
    "mailuptime_probe_success",
    "mailuptime_probe_duration_seconds",
    "mailuptime_probe_phase_duration_seconds",
    "mailuptime_checks",
    "mailuptime_phase_duration_seconds",
    "mailuptime_tls_certificate_expiring",
    "process_resident_memory_bytes",
    "mailuptime_target_state",
    "mailuptime_service_state",
    "mailuptime_tls_certificate_not_after_timestamp_seconds",
    "mailuptime_tls_chain_not_after_timestamp_seconds",
    "mailuptime_state_seconds",
    "mailuptime_settled_timestamp_seconds",
    "mailuptime_availability_ratio",
    "mailuptime_availability_lower_ratio",
    "mailuptime_availability_upper_ratio",
    "mailuptime_availability_to_date_ratio",
    "mailuptime_coverage_ratio",
    "mailuptime_downtime_seconds",
    "mailuptime_downtime_budget_seconds",
    "mailuptime_downtime_budget_remaining_seconds",
    "mailuptime_burn_rate",
    "mailuptime_budget_exhaustion_seconds",
    "mailuptime_month_current",
    "mailuptime_ledger_writable",
    "mailuptime_ledger_pending_records",
    "mailuptime_clock_steps",
    "mailuptime_blips",
    "mailuptime_outages",
    "mailuptime_schedule_lateness_seconds",
    "mailuptime_event_loop_lag_seconds",
    "mailuptime_event_loop_stalled_seconds",
    "mailuptime_checks_in_progress",
    "mailuptime_checks_in_progress_limit",
    "mailuptime_checks_waiting",
    "mailuptime_last_commit_timestamp_seconds",
    "mailuptime_config_last_reload_successful",
    "mailuptime_config_last_reload_success_timestamp_seconds",
}


def fetched(daemon: Daemon, path: str, accept: str) -> tuple[str, str]:
    """Content type and body."""
    connection = http.client.HTTPConnection(urlsplit(daemon.url).netloc, timeout=10)
    try:
        connection.request("GET", path, headers={"Accept": accept})
        response = connection.getresponse()
        assert response.status == http.client.OK
        return response.headers["Content-Type"], response.read().decode()
    finally:
        connection.close()


def well(families: list[Metric]) -> set[str]:
    """The families that have samples, once it is clear that what has to be 1 here is 1."""
    values = {
        (sample.name, sample.labels.get("target")): sample.value for family in families for sample in family.samples
    }
    for target in ("smtp", "submission", "imap", "pop3", "webmail"):
        assert values["mailuptime_probe_success", target] == 1
    assert values["mailuptime_ledger_writable", None] == 1
    return {family.name for family in families if family.samples}


def test_the_metrics_in_the_text_format_have_every_promised_family_and_none_that_promtool_minds(
    standing: Daemon,
) -> None:
    kind, body = fetched(standing, "/metrics", "text/plain")
    assert kind.startswith("text/plain; version=")
    assert PROMISED - well(list(prometheus_text(body))) == set()
    checked = promtool_check(body)
    assert (checked.status, checked.out, checked.err) == (0, "", "")


def test_the_metrics_in_the_openmetrics_format_are_the_same_families(standing: Daemon) -> None:
    kind, body = fetched(standing, "/metrics", OPENMETRICS)
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert PROMISED - well(list(openmetrics(body))) == set()  # type: ignore[no-untyped-call]


def test_the_phases_of_every_protocol_are_counted_with_an_exemplar_each(standing: Daemon) -> None:
    _, body = fetched(standing, "/metrics", OPENMETRICS)
    families = {family.name: family for family in openmetrics(body)}  # type: ignore[no-untyped-call]
    samples = families["mailuptime_phase_duration_seconds"].samples
    counted = {one.labels["protocol"] for one in samples if one.labels["phase"] == "total" and one.value}
    assert counted == {"smtp", "submission", "imap", "pop3", "webmail"}
    assert {one.exemplar.labels["target"] for one in samples if one.exemplar} == {
        f"lab/{protocol}" for protocol in ("smtp", "submission", "imap", "pop3", "webmail")
    }


def test_the_metrics_are_compressed_for_whoever_asks(standing: Daemon) -> None:
    connection = http.client.HTTPConnection(urlsplit(standing.url).netloc, timeout=10)
    try:
        connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
        response = connection.getresponse()
        packed = response.read()
    finally:
        connection.close()
    assert response.headers["Content-Encoding"] == "gzip"
    assert b"mailuptime_build_info" in gzip.decompress(packed)


def test_no_address_user_or_password_is_among_the_metrics(standing: Daemon, shared_lab: Lab) -> None:
    """But for the names of hosts that certificates say themselves."""
    _, body = fetched(standing, "/metrics", "text/plain")
    probe = shared_lab.probe
    assert [text for text in (HOST, probe.username, probe.password) if text in body] == []
    own = [line for line in body.splitlines() if not line.startswith("mailuptime_tls_certificate_info")]
    assert [line for line in own if "localhost" in line] == []


def test_a_certificate_that_does_not_verify_is_told_with_all_that_is_known_of_it(shared_lab: Lab, place: Path) -> None:
    port = free_port()
    bad = imap(shared_lab, shared_lab.ports.imaps_bad, name="bad")
    del bad["login"]
    with Daemon(written(place, bad, port=port), port) as daemon:
        told_of = "mailuptime_tls_certificate_info{"
        wait_until(lambda: told_of in daemon.get("/metrics")[1], "the first check to be exported")
        families = {family.name: family.samples for family in prometheus_text(daemon.get("/metrics")[1])}
    (told,) = families["mailuptime_tls_certificate_info"]
    assert (told.labels["target"], told.labels["names"]) == ("bad", "elsewhere.example")
    assert "mailuptime lab" in told.labels["issuer"]
    (agreed,) = families["mailuptime_tls_session_info"]
    assert (agreed.labels["version"], agreed.labels["cipher"][:4]) == ("TLSv1.3", "TLS_")
    problems = {sample.labels["problem"] for sample in families["mailuptime_tls_certificate_problem"]}
    assert problems == {"name", "expired"}
    (ends,) = families["mailuptime_tls_certificate_not_after_timestamp_seconds"]
    (chain,) = families["mailuptime_tls_chain_not_after_timestamp_seconds"]
    assert chain.value == ends.value < time.time()


def test_the_daemon_is_ready_only_once_every_target_has_been_checked(place: Path) -> None:
    port = free_port()
    silent = socket.create_server((HOST, 0))  # connections wait in its backlog
    with silent, Daemon(written(place, smtp(silent.getsockname()[1]), port=port, timeout="50s"), port) as daemon:
        assert daemon.get("/-/healthy") == (200, "healthy\n")
        assert daemon.get("/-/ready") == (503, "1 of 1 targets have not been checked yet\n")
        silent.close()
        wait_until(lambda: daemon.get("/-/ready") == (200, "ready\n"), "readiness")


def test_the_services_are_listed(standing: Daemon) -> None:
    status, body = standing.get("/api/v1/services")
    assert (status, json.loads(body)) == (200, {"services": ["lab"]})


def test_a_month_over_http_has_the_figures_that_the_command_prints(standing: Daemon) -> None:
    printed = mailuptime("sla", "-c", standing.configuration, "--format", "json").document
    status, body = standing.get(f"/api/v1/services/lab/months/{printed['month']}")
    served = json.loads(body)
    assert (status, served["month"], served["timezone"]) == (200, printed["month"], "Asia/Bangkok")
    (service,), (other,) = served["services"], printed["services"]
    assert service.keys() == other.keys()
    moving = {"until", "elapsed_seconds", "up_seconds", "coverage", "unknown_seconds", "suspect"}
    steady = service.keys() - moving
    assert {key: service[key] for key in steady} == {key: other[key] for key in steady}


def test_outages_over_http_are_those_of_the_month_that_is_asked_for(standing: Daemon) -> None:
    status, body = standing.get("/api/v1/outages?month=2020-02")
    assert (status, json.loads(body)) == (200, {"month": "2020-02", "timezone": "Asia/Bangkok", "outages": []})


def test_an_unknown_service_is_not_found_and_told_where_the_known_ones_are(standing: Daemon) -> None:
    status, body = standing.get("/api/v1/services/lba/months/2026-11")
    assert (status, body.count("\n")) == (404, 1)
    detail = json.loads(body)["detail"]
    assert '"lba"' in detail
    assert "/api/v1/services" in detail


@pytest.mark.parametrize("path", ["/api/v1/services/lab/months/2026-13", "/api/v1/outages?month=november"])
def test_what_is_no_month_is_a_bad_request_that_quotes_it(path: str, standing: Daemon) -> None:
    status, body = standing.get(path)
    assert (status, body.count("\n")) == (400, 1)
    assert path.rpartition("/")[2].rpartition("=")[2] in json.loads(body)["detail"]


def test_a_page_that_does_not_exist_is_told_in_one_line(standing: Daemon) -> None:
    status, body = standing.get("/nothing")
    assert (status, body.count("\n")) == (404, 1)


def test_the_first_page_leads_to_the_others(standing: Daemon) -> None:
    status, body = standing.get("/")
    assert status == 200
    for path in ("/metrics", "/-/healthy", "/-/ready", "/api/v1/services", "/api/v1/outages"):
        assert f'href="{path}"' in body
        assert standing.get(path)[0] == 200


def test_nothing_of_the_daemon_listens_beyond_loopback(standing: Daemon) -> None:
    pid = int(standing.configuration.with_name("ledger.db.lock").read_text().split()[0])
    listening = listeners(pid)
    port = urlsplit(standing.url).port
    assert [one for one in listening if not one[0].is_loopback] == []
    assert (ipaddress.ip_address(HOST), port) in listening


def listeners(pid: int) -> list[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]]:
    """The addresses and ports on which a process listens for TCP."""
    own = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            own.add(str(descriptor.readlink()))
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and f"socket:[{columns[9]}]" in own:
                found.append(address(columns[1]))
    return found


def address(text: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    """An address of /proc/net/tcp: words of the machine's byte order, in hexadecimal."""
    host, port = text.split(":")
    words = [bytes.fromhex(host[i : i + 8])[::-1] for i in range(0, len(host), 8)]
    return ipaddress.ip_address(b"".join(words)), int(port, 16)
