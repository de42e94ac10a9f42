"""`mailuptime probe` tells by hand what is wrong: each fault has its cause, and its exit status."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import Done, assert_refused, mailuptime
from tests.e2e.written import imap, smtp, written
from tests.lab import Lab
from tests.lab.daemon import Daemon
from tests.lab.ports import HOST

WRONG = "not-this-one-8812"
FAULTS = {
    "refused": ("connect_refused", "connect"),
    "silent": ("timeout", "tls"),
    "hanging-up": ("disconnected", "greeting"),
    "expired": ("tls_certificate", "tls"),
    "wrong-name": ("tls_certificate", "tls"),
    "untrusted": ("tls_certificate", "tls"),
    "plain": ("tls_handshake", "tls"),
    "other-protocol": ("protocol", "greeting"),
    "locked-out": ("auth", "auth"),
}


@dataclass(frozen=True)
class Report:
    """What one run over every fault has said, in both formats."""

    documents: Done
    shown: Done

    def of(self, name: str) -> dict[str, Any]:
        (found,) = (one for one in self.documents.document["targets"] if one["target"] == f"mail/{name}")
        return dict(found)

    def line(self, name: str) -> str:
        (found,) = (one for one in self.shown.out.splitlines() if one.startswith(f"mail/{name}: "))
        return found


@pytest.fixture(scope="module")
def report(shared_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    """A target for each fault, all of them checked at once."""
    place = tmp_path_factory.mktemp("faults")
    wrong = place / "password"
    wrong.touch(mode=0o600)
    wrong.write_text(WRONG + "\n")
    ports = shared_lab.ports
    with Lab(place / "hanging") as hanging, refusing() as refused, hanging_up() as closed:
        hanging.freeze("imap-login")
        targets = [
            smtp(refused, name="refused"),
            imap(hanging, name="silent", timeout="700ms"),
            smtp(closed, name="hanging-up"),
            imap(shared_lab, ports.imaps_expired, name="expired"),
            imap(shared_lab, ports.imaps_wrong_name, name="wrong-name"),
            imap(shared_lab, ports.imaps_untrusted, name="untrusted"),
            imap(shared_lab, ports.smtp, name="plain"),
            imap(shared_lab, ports.pop3s, name="other-protocol"),
            imap(shared_lab, password=wrong, name="locked-out"),
            imap(shared_lab, name="well"),
        ]
        configuration = written(place, *targets)
        documents = mailuptime("probe", "-c", configuration, "--format", "json")
        yield Report(documents, mailuptime("probe", "-c", configuration))


def test_real_servers_that_are_well_are_all_up(standing: Daemon, shared_lab: Lab) -> None:
    done = mailuptime("probe", "-c", standing.configuration)
    assert (done.status, done.err) == (0, "")
    told = [line for line in done.out.splitlines() if not line.startswith(" ")]
    assert [line.split(" in ")[0] for line in told] == [
        f"lab/{name}: up" for name in ("smtp", "submission", "imap", "pop3", "webmail")
    ]
    assert shared_lab.probe.password not in done.out


def test_one_target_is_checked_alone_and_its_phases_add_up_to_the_check(standing: Daemon, shared_lab: Lab) -> None:
    done = mailuptime("probe", "-c", standing.configuration, "--format", "json", "lab/imap")
    (target,) = done.document["targets"]
    assert (done.status, target["target"], target["outcome"]) == (0, "lab/imap", "up")
    names = [phase["phase"] for phase in target["phases"]]
    assert names == ["dns", "connect", "tls", "greeting", "capability", "auth", "select", "status", "quota", "quit"]
    assert all(phase["ok"] for phase in target["phases"])
    assert 0 < sum(phase["seconds"] for phase in target["phases"]) <= target["duration_seconds"] + 1e-4
    assert target["address"].startswith(HOST)
    assert target["tls_version"] == "TLSv1.3"
    assert target["certificate"]["problem"] is None
    assert shared_lab.probe.password not in done.out


def test_a_target_that_is_not_configured_is_wrong_usage_and_the_configured_ones_are_named(
    standing: Daemon,
) -> None:
    done = mailuptime("probe", "-c", standing.configuration, "lab/imapp")
    assert_refused(done, 2, '"lab/imapp"', "lab/imap,", "lab/webmail")


@pytest.mark.parametrize(("name", "cause", "phase"), [(name, *seen) for name, seen in FAULTS.items()])
def test_each_fault_is_down_for_its_own_cause_in_the_phase_that_fails(
    name: str, cause: str, phase: str, report: Report
) -> None:
    seen = report.of(name)
    assert (seen["outcome"], seen["cause"], seen["phase"]) == ("down", cause, phase)
    assert [one["phase"] for one in seen["phases"] if not one["ok"]] == [phase]
    line = report.line(name)
    assert line.startswith(f"mail/{name}: DOWN in ")
    assert f" ms: {cause} in {phase}" in line
    assert seen["reply"].partition(" <")[0] in line  # but for a timestamp, as in a greeting that allows APOP


def test_one_target_that_is_down_decides_the_status_though_another_is_up(report: Report) -> None:
    assert (report.documents.status, report.shown.status) == (1, 1)
    assert report.of("well")["outcome"] == "up"


def test_faults_are_reported_without_a_traceback(report: Report) -> None:
    assert report.documents.err + report.shown.err == ""


@pytest.mark.parametrize(
    ("name", "problem"),
    [("expired", "expired"), ("wrong-name", "name"), ("untrusted", "untrusted"), ("well", None)],
)
def test_a_certificate_is_named_with_its_problem(name: str, problem: str | None, report: Report) -> None:
    assert report.of(name)["certificate"]["problem"] == problem


def test_the_server_is_quoted_when_it_refuses_a_password(report: Report) -> None:
    assert "AUTHENTICATIONFAILED" in report.of("locked-out")["reply"]


def test_no_password_is_shown_whether_right_or_wrong(report: Report, shared_lab: Lab) -> None:
    said = report.documents.out + report.shown.out
    assert [secret for secret in (WRONG, shared_lab.probe.password) if secret in said] == []


def test_a_name_that_does_not_resolve_is_the_services_fault_only_if_the_resolver_says_so(place: Path) -> None:
    done = mailuptime(
        "probe",
        "-c",
        written(place, smtp(25, host="no-such-host.invalid"), timeout="500ms"),
        "--format",
        "json",
    )
    (seen,) = done.document["targets"]
    # Without a resolver that answers, the monitor cannot know.
    assert (done.status, seen["outcome"], seen["cause"]) in {(1, "down", "dns"), (3, "unknown", "resolver")}
    assert (seen["phase"], done.err) == ("dns", "")


@contextmanager
def refusing() -> Iterator[int]:
    """A port that is bound but does not listen, so that nobody else listens there."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        yield held.getsockname()[1]


@contextmanager
def hanging_up() -> Iterator[int]:
    """A port where every connection is closed at once."""
    with socket.create_server((HOST, 0)) as server:
        stopping = threading.Event()

        def serve() -> None:
            while True:
                connection, _ = server.accept()
                connection.close()
                if stopping.is_set():
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        port: int = server.getsockname()[1]
        try:
            yield port
        finally:
            stopping.set()
            socket.create_connection((HOST, port)).close()
            thread.join()
