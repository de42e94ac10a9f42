"""`mailuptime probe` tells by hand what is wrong: each fault has its cause, and its exit status."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import Done, assert_refused, mailuptime
from tests.e2e.written import imap, smtp, written
from tests.lab import Lab
from tests.lab.daemon import Daemon
from tests.lab.ports import HOST


def probed(configuration: Path, *targets: str) -> tuple[Done, dict[str, Any]]:
    """The command's end and the one target that it reports."""
    done = mailuptime("probe", "-c", configuration, "--format", "json", *targets)
    (target,) = done.document["targets"]
    return done, target


def assert_seen(place: Path, target: dict[str, Any], cause: str, phase: str, **defaults: Any) -> None:
    """The target is down for this cause, which both formats name without a traceback."""
    configuration = written(place, target, **defaults)
    done, seen = probed(configuration)
    assert (done.status, seen["outcome"], seen["cause"], seen["phase"]) == (1, "down", cause, phase)
    assert seen["reply"]
    shown = mailuptime("probe", "-c", configuration)
    assert shown.status == 1
    assert shown.out.startswith(f"{seen['target']}: DOWN in ")
    assert f": {cause} in {phase}: " in shown.out.splitlines()[0]
    assert "Traceback" not in done.err + shown.err


def test_real_servers_that_are_well_are_all_up(standing: Daemon, shared_lab: Lab) -> None:
    done = mailuptime("probe", "-c", standing.configuration)
    assert (done.status, done.err) == (0, "")
    told = [line for line in done.out.splitlines() if not line.startswith(" ")]
    assert [line.split(" in ")[0] for line in told] == [
        f"lab/{name}: up" for name in ("smtp", "submission", "imap", "pop3", "webmail")
    ]
    assert shared_lab.probe.password not in done.out


def test_one_target_is_checked_alone_and_its_phases_add_up_to_the_check(standing: Daemon, shared_lab: Lab) -> None:
    done, target = probed(standing.configuration, "lab/imap")
    assert (done.status, target["target"], target["outcome"]) == (0, "lab/imap", "up")
    names = [phase["phase"] for phase in target["phases"]]
    assert names == ["dns", "connect", "tls", "greeting", "capability", "auth", "select", "logout"]
    assert all(phase["ok"] for phase in target["phases"])
    assert 0 < sum(phase["seconds"] for phase in target["phases"]) <= target["duration_seconds"] + 1e-4
    assert target["address"].startswith(HOST)
    assert target["tls_version"] == "TLSv1.3"
    assert target["certificate"]["problem"] is None
    assert shared_lab.probe.password not in done.out


def test_a_target_that_is_not_configured_is_wrong_usage_and_the_configured_ones_are_named(standing: Daemon) -> None:
    done = mailuptime("probe", "-c", standing.configuration, "lab/imapp")
    assert_refused(done, 2, '"lab/imapp"', "lab/imap,", "lab/webmail")


def test_a_wrong_password_is_refused_by_the_server_and_shown_nowhere(shared_lab: Lab, place: Path) -> None:
    wrong = place / "password"
    wrong.write_text("not-this-one-8812\n")
    configuration = written(place, imap(shared_lab, password=wrong))
    done, seen = probed(configuration)
    assert (done.status, seen["outcome"], seen["cause"], seen["phase"]) == (1, "down", "auth", "auth")
    assert "AUTHENTICATIONFAILED" in seen["reply"]
    shown = mailuptime("probe", "-c", configuration)
    assert (shown.status, "auth" in shown.out) == (1, True)
    everything = done.out + done.err + shown.out + shown.err
    assert "Traceback" not in everything
    assert "not-this-one-8812" not in everything


def test_a_name_that_does_not_resolve_is_the_services_fault_only_if_the_resolver_says_so(place: Path) -> None:
    done, seen = probed(written(place, smtp(25, host="no-such-host.invalid")))
    # A machine without a resolver cannot know; both are told apart from every other cause.
    assert (done.status, seen["outcome"], seen["cause"]) in {(1, "down", "dns"), (3, "unknown", "resolver")}
    assert seen["phase"] == "dns"
    assert "Traceback" not in done.err


def test_a_port_that_refuses_is_told(place: Path) -> None:
    with socket.socket() as held:
        held.bind((HOST, 0))  # bound but not listening, so that nobody else listens here
        assert_seen(place, smtp(held.getsockname()[1]), "connect_refused", "connect")


def test_a_server_that_hangs_is_a_time_out_in_the_phase_that_hangs(lab: Lab, place: Path) -> None:
    lab.freeze("imap-login")
    assert_seen(place, imap(lab), "timeout", "tls", timeout="500ms")


@pytest.mark.parametrize(
    ("port", "problem"),
    [("imaps_expired", "expired"), ("imaps_wrong_name", "name"), ("imaps_untrusted", "untrusted")],
)
def test_a_certificate_that_must_not_be_accepted_is_named_with_its_problem(
    port: str, problem: str, shared_lab: Lab, place: Path
) -> None:
    target = imap(shared_lab, getattr(shared_lab.ports, port))
    assert_seen(place, target, "tls_certificate", "tls")
    _, seen = probed(place / "mailuptime.yaml")
    assert seen["certificate"]["problem"] == problem


def test_a_server_of_another_protocol_is_no_mail_server(shared_lab: Lab, place: Path) -> None:
    target = imap(shared_lab, shared_lab.ports.pop3s)
    assert_seen(place, target, "protocol", "greeting")


def test_plain_text_where_tls_is_expected_fails_in_the_handshake(shared_lab: Lab, place: Path) -> None:
    target = imap(shared_lab, shared_lab.ports.smtp)
    assert_seen(place, target, "tls_handshake", "tls")


def test_a_server_that_hangs_up_is_told_from_one_that_refuses(place: Path) -> None:
    with hanging_up() as port:
        assert_seen(place, smtp(port), "disconnected", "greeting")


def test_one_target_that_is_down_decides_the_status_though_others_are_up(shared_lab: Lab, place: Path) -> None:
    with socket.socket() as held:
        held.bind((HOST, 0))
        configuration = written(place, imap(shared_lab), smtp(held.getsockname()[1]))
        done = mailuptime("probe", "-c", configuration, "--format", "json")
    outcomes = {target["target"]: target["outcome"] for target in done.document["targets"]}
    assert (done.status, outcomes) == (1, {"mail/imap": "up", "mail/smtp": "down"})


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
