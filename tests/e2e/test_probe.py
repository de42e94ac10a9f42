"""`mailuptime probe` tells by hand what is wrong: each fault has its cause, and its exit status."""

import fcntl
import os
import pty
import re
import socket
import struct
import subprocess
import sys
import termios
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
ADVICE = {
    "refused": "nothing listens on this port of 127.0.0.1",
    "silent": "connected, and no TLS: the server is overloaded or hangs",
    "hanging-up": "closed before a word",
    "expired": "has expired: renew it",
    "wrong-name": "the certificate is for elsewhere.example: set tls.server_name",
    "untrusted": "set tls.ca_file",
    "plain": "does not speak TLS from the first byte: set tls: starttls",
    "other-protocol": "the port speaks POP3, not IMAP",
    "locked-out": "the password of probe@lab.test was refused",
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


def test_which_server_was_asked_is_shown_and_what_is_not_up_is_summed_up_in_the_end(report: Report) -> None:
    *_, last = report.shown.out.splitlines()
    assert last.startswith("of 10 targets 9 down: mail/refused, mail/silent, mail/hanging-up, ")
    port = report.of("refused")["server"].removeprefix("127.0.0.1:")
    assert report.shown.out.count(f"  server       127.0.0.1:{port}\n") == 1


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


@pytest.mark.parametrize(("name", "said"), ADVICE.items())
def test_each_fault_comes_with_what_to_do_about_it_in_both_formats(name: str, said: str, report: Report) -> None:
    assert said in report.of(name)["hint"]
    assert f"  hint         {report.of(name)['hint']}" in report.shown.out.splitlines()


def test_what_is_well_needs_no_advice(report: Report) -> None:
    assert report.of("well")["hint"] is None


def test_what_was_seen_of_a_healthy_server_is_all_there(report: Report) -> None:
    seen = report.of("well")
    assert seen["address"] in seen["addresses"]
    assert seen["tls_cipher"].startswith("TLS_")
    assert "IMAP4REV1" in seen["capabilities"]
    certificate = seen["certificate"]
    assert (certificate["names"], certificate["days_left"] > 365) == (["localhost", "mail.lab.test", "127.0.0.1"], True)
    assert certificate["issuer"] != certificate["subject"]
    for label in ("address", "tls", "certificate", "  issuer", "  names", "  until", "capabilities"):
        assert f"\n  {label:<12} " in report.shown.out


def test_no_line_is_broken_where_a_program_may_read_it(report: Report) -> None:
    capabilities = " ".join(report.of("well")["capabilities"])
    assert len(capabilities) > 120
    assert f"  capabilities {capabilities}" in report.shown.out.splitlines()


def test_the_dialogue_is_shown_where_it_is_asked_for_without_a_password(standing: Daemon, shared_lab: Lab) -> None:
    mail = ("lab/submission", "lab/imap", "lab/pop3")
    shown = mailuptime("probe", "-c", standing.configuration, "--transcript", *mail)
    documents = mailuptime("probe", "-c", standing.configuration, "--transcript", "--format", "json", *mail)
    assert (shown.status, shown.err, documents.status) == (0, "", 0)
    for line in ("S: * OK [CAPABILITY", "S: 220 ", "C: EHLO ", "C: QUIT", "S: +OK Dovecot"):
        assert line in shown.out
    for target in documents.document["targets"]:
        assert {line[:2] for line in target["transcript"]} == {"C:", "S:"}
    secret = shared_lab.probe.password
    forms = [secret, *(b64encode(f"{before}{secret}".encode()).decode() for before in ("", "a", "ab"))]
    forms.append(b64encode(f"\0{shared_lab.probe.username}\0{secret}".encode()).decode())
    assert [form for form in forms if form in shown.out + documents.out] == []


def test_without_being_asked_for_no_dialogue_is_shown(report: Report) -> None:
    assert "transcript" not in report.of("well")
    assert "  transcript" not in report.shown.out


@pytest.mark.parametrize("width", [80, 120])
def test_on_a_terminal_long_lines_are_folded_within_their_column_and_nothing_is_lost(
    width: int, standing: Daemon
) -> None:
    lines = on_a_terminal(width, "probe", "-c", standing.configuration, "lab/imap")
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("lab/imap: up in ")
    told = mailuptime("probe", "-c", standing.configuration, "--format", "json", "lab/imap").document["targets"][0]
    folded = " ".join(line.strip() for line in lines).split()
    assert [word for word in told["capabilities"] if word not in folded] == []


def on_a_terminal(width: int, *arguments: str | Path) -> list[str]:
    """What a command shows on a terminal of that many columns, without colours."""
    own, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(width)}
    command = [sys.executable, "-m", "monitor", *map(str, arguments)]
    done = subprocess.Popen(command, stdin=other, stdout=other, stderr=other, env=environment)
    os.close(other)
    said = b""
    with suppress(OSError):  # Linux says EIO once nobody has the other end
        while chunk := os.read(own, 65536):
            said += chunk
    os.close(own)
    assert done.wait(60) == 0
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", said.decode()).splitlines()]


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
