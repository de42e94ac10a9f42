"""Proves that each fault of the lab shows to a client as it says, and that a lab leaves nothing behind."""

import contextlib
import imaplib
import signal
import smtplib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import Change, Lab, LabError, LabUnavailableError, keeper, wait_until
from tests.lab.clients import NO_ANSWER_S, PATIENCE_S, arrived, imap_session, submit, tcp
from tests.lab.lab import _PROVIDERS
from tests.lab.ports import refuses


def assert_brackets(change: Change) -> None:
    assert 0 < change.before <= change.after


def test_a_stopped_dovecot_refuses_until_it_is_started(lab: Lab) -> None:
    stopped = lab.stop_dovecot()
    for port in (lab.ports.imap, lab.ports.imaps, lab.ports.pop3, lab.ports.pop3s, lab.ports.lmtp):
        with pytest.raises(ConnectionRefusedError):
            tcp(port)
    started = lab.start_dovecot()
    with imap_session(lab) as client:
        assert client.noop()[0] == "OK"
    assert_brackets(stopped)
    assert_brackets(started)
    assert stopped.after <= started.before


def test_a_stopped_postfix_refuses_until_it_is_started(lab: Lab) -> None:
    assert_brackets(lab.stop_postfix())
    for port in (lab.ports.smtp, lab.ports.submission, lab.ports.submissions):
        with pytest.raises(ConnectionRefusedError):
            tcp(port)
    assert_brackets(lab.start_postfix())
    subject = submit(lab, lab.probe.username)
    wait_until(lambda: arrived(lab, lab.probe, subject), "the message")


def test_a_stopped_webmail_refuses_until_it_is_started(lab: Lab) -> None:
    assert_brackets(lab.stop_webmail())
    with pytest.raises(ConnectionRefusedError):
        tcp(lab.ports.https)
    assert_brackets(lab.start_webmail())
    with tcp(lab.ports.https, PATIENCE_S) as connection:
        lab.context.wrap_socket(connection, server_hostname="localhost").close()


def test_a_frozen_imap_login_connects_but_never_finishes_tls(lab: Lab) -> None:
    assert_brackets(lab.freeze("imap-login"))
    with tcp(lab.ports.imaps) as connection, pytest.raises(TimeoutError):
        lab.context.wrap_socket(connection, server_hostname="localhost")
    with tcp(lab.ports.pop3s, PATIENCE_S) as connection:
        lab.context.wrap_socket(connection, server_hostname="localhost").close()
    assert_brackets(lab.thaw("imap-login"))
    with imap_session(lab) as client:
        assert client.noop()[0] == "OK"


def test_a_frozen_auth_greets_but_never_answers_a_login(lab: Lab) -> None:
    lab.freeze("auth")
    client = imaplib.IMAP4_SSL("localhost", lab.ports.imaps, ssl_context=lab.context, timeout=PATIENCE_S)
    client.socket().settimeout(NO_ANSWER_S)
    with pytest.raises(TimeoutError):
        client.login(lab.probe.username, lab.probe.password)
    client.shutdown()
    lab.thaw("auth")
    with imap_session(lab) as session:
        assert session.noop()[0] == "OK"


def test_a_frozen_auth_hangs_submission_after_starttls(lab: Lab) -> None:
    lab.freeze("auth")
    with smtplib.SMTP("localhost", lab.ports.submission, timeout=PATIENCE_S) as client:
        client.starttls(context=lab.context)
        assert client.sock
        client.sock.settimeout(NO_ANSWER_S)
        with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            client.login(lab.probe.username, lab.probe.password)
    lab.thaw("auth")
    submit(lab, lab.probe.username)


def test_a_frozen_smtpd_connects_but_sends_no_banner(lab: Lab) -> None:
    lab.freeze("smtpd")
    for port in (lab.ports.smtp, lab.ports.submission, lab.ports.submissions):
        with tcp(port) as connection, pytest.raises(TimeoutError):
            connection.recv(1)
    lab.thaw("smtpd")
    subject = submit(lab, lab.probe.username)
    wait_until(lambda: arrived(lab, lab.probe, subject), "the message")


def test_what_is_frozen_can_be_stopped_and_started(lab: Lab) -> None:
    lab.freeze("auth")
    lab.freeze("smtpd")
    lab.stop_dovecot()
    lab.stop_postfix()
    lab.start_dovecot()
    lab.start_postfix()
    submit(lab, lab.probe.username)


def test_a_changed_password_is_refused_everywhere_until_it_is_changed_back(lab: Lab) -> None:
    old = lab.password_file.read_text(encoding="utf-8").strip()
    assert_brackets(lab.change_password(lab.probe.username))
    assert lab.password_file.read_text(encoding="utf-8").strip() == old
    with imaplib.IMAP4_SSL("localhost", lab.ports.imaps, ssl_context=lab.context, timeout=PATIENCE_S) as client:
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            client.login(lab.probe.username, old)
        client.login(lab.probe.username, lab.probe.password)
    with smtplib.SMTP("localhost", lab.ports.submission, timeout=PATIENCE_S) as submission:
        submission.starttls(context=lab.context)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            submission.login(lab.probe.username, old)
    lab.change_password(lab.probe.username, old)
    with imap_session(lab) as session:
        assert session.noop()[0] == "OK"


def test_held_mail_is_accepted_and_delivered_after_release(lab: Lab) -> None:
    lab.hold_delivery()
    subject = submit(lab, lab.probe.username)
    log = lab.directory / "log" / "postfix.log"
    wait_until(lambda: "status=deferred" in log.read_text(encoding="utf-8"), "the deferral")
    assert not arrived(lab, lab.probe, subject)
    lab.release_delivery()
    wait_until(lambda: arrived(lab, lab.probe, subject), "the message")


# The lab itself


def test_labs_run_side_by_side_and_fail_apart(shared_lab: Lab, lab: Lab) -> None:
    lab.stop_dovecot()
    with imap_session(shared_lab) as client:
        assert client.noop()[0] == "OK"


def test_a_service_is_not_started_twice(lab: Lab) -> None:
    with pytest.raises(LabError, match="running already"):
        lab.start_postfix()


def test_a_missing_package_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_PROVIDERS, "/nonexistent/imapd", "dovecot-imapd")
    with pytest.raises(LabUnavailableError, match=r"^the lab needs .*: apt-get install dovecot-imapd$"), Lab():
        pass


def test_a_closed_lab_leaves_no_process_and_frees_its_ports(tmp_path: Path) -> None:
    with Lab(tmp_path) as lab:
        lab.freeze("auth")
        own = sessions_under(lab)
        assert own
    assert not keeper.living(own)
    assert not lab._run.exists()
    with pytest.raises(ConnectionRefusedError):
        tcp(lab.ports.imaps)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_lab_run_by_hand_ends_with_its_process(tmp_path: Path, end: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.lab", "--directory", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = iter(process.stdout)
        facts = dict(line.split(maxsplit=1) for line in (next(lines) for _ in range(13)))
        port = int(facts["imaps"])
        tcp(port, PATIENCE_S).close()
        process.send_signal(end)
        process.wait()
    assert process.returncode == (-signal.SIGKILL if end is signal.SIGKILL else 0)
    wait_until(lambda: refuses(port), "the end of the lab")


def sessions_under(lab: Lab) -> set[int]:
    """The sessions of processes whose command line names the lab's directory."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if str(lab.directory).encode() in (entry / "cmdline").read_bytes():
                    found.add(int(entry.name))
    return found
