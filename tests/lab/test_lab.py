"""Proves with the standard library's clients that the lab's servers work as it says."""

import http.cookiejar
import imaplib
import poplib
import re
import smtplib
import ssl
import urllib.parse
import urllib.request
import uuid

import pytest

from tests.lab import Lab, wait_until
from tests.lab.clients import PATIENCE_S, arrived, imap_session, message, submit


def test_imap_with_starttls_logs_in(shared_lab: Lab) -> None:
    with imaplib.IMAP4("localhost", shared_lab.ports.imap, timeout=PATIENCE_S) as client:
        client.starttls(shared_lab.context)
        client.login(shared_lab.probe.username, shared_lab.probe.password)
        assert client.select("INBOX")[0] == "OK"


def test_imaps_logs_in_every_account(shared_lab: Lab) -> None:
    for account in shared_lab.accounts:
        with imap_session(shared_lab, account) as client:
            assert client.noop()[0] == "OK"


def test_pop3_with_stls_logs_in(shared_lab: Lab) -> None:
    client = poplib.POP3("localhost", shared_lab.ports.pop3, timeout=PATIENCE_S)
    client.stls(shared_lab.context)
    client.user(shared_lab.probe.username)
    assert client.pass_(shared_lab.probe.password).startswith(b"+OK")
    client.quit()


def test_pop3s_logs_in(shared_lab: Lab) -> None:
    client = poplib.POP3_SSL("localhost", shared_lab.ports.pop3s, timeout=PATIENCE_S, context=shared_lab.context)
    client.user(shared_lab.probe.username)
    assert client.pass_(shared_lab.probe.password).startswith(b"+OK")
    client.quit()


def test_a_message_submitted_with_starttls_arrives_in_the_mailbox(shared_lab: Lab) -> None:
    alice = shared_lab.accounts[1]
    subject = submit(shared_lab, alice.username)
    wait_until(lambda: arrived(shared_lab, alice, subject), "the message")


def test_a_message_submitted_under_tls_from_the_first_byte_arrives(shared_lab: Lab) -> None:
    probe, subject = shared_lab.probe, str(uuid.uuid4())
    with smtplib.SMTP_SSL(
        "localhost", shared_lab.ports.submissions, timeout=PATIENCE_S, context=shared_lab.context
    ) as client:
        client.login(probe.username, probe.password)
        client.send_message(message(probe.username, probe.username, subject))
    wait_until(lambda: arrived(shared_lab, probe, subject), "the message")


def test_submission_offers_auth_only_under_tls_and_wants_it_before_mail(shared_lab: Lab) -> None:
    with smtplib.SMTP("localhost", shared_lab.ports.submission, timeout=PATIENCE_S) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        client.starttls(context=shared_lab.context)
        client.ehlo()
        assert client.has_extn("auth")
        client.mail("probe@lab.test")
        assert client.rcpt("someone@elsewhere.example")[0] == 554


def test_submission_answers_535_to_a_wrong_password(shared_lab: Lab) -> None:
    with smtplib.SMTP("localhost", shared_lab.ports.submission, timeout=PATIENCE_S) as client:
        client.starttls(context=shared_lab.context)
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            client.login(shared_lab.probe.username, "wrong")
    assert refused.value.smtp_code == 535


def test_port_25_takes_mail_for_the_lab_only_and_offers_no_auth(shared_lab: Lab) -> None:
    bob = shared_lab.accounts[2]
    subject = str(uuid.uuid4())
    with smtplib.SMTP("localhost", shared_lab.ports.smtp, timeout=PATIENCE_S) as client:
        client.starttls(context=shared_lab.context)
        client.ehlo()
        assert not client.has_extn("auth")
        client.mail("someone@elsewhere.example")
        assert client.rcpt("someone@elsewhere.example")[0] == 554
        assert client.rcpt("nobody@lab.test")[0] == 550
        client.rset()
        client.send_message(message("someone@elsewhere.example", bob.username, subject))
    wait_until(lambda: arrived(shared_lab, bob, subject), "the message")


def test_lmtp_delivers_directly(shared_lab: Lab) -> None:
    carol = shared_lab.accounts[3]
    subject = str(uuid.uuid4())
    with smtplib.LMTP("localhost", shared_lab.ports.lmtp) as client:
        client.send_message(message("someone@elsewhere.example", carol.username, subject))
    assert arrived(shared_lab, carol, subject)


def test_no_mail_leaves(shared_lab: Lab) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused, match="no mail leaves this machine"):
        submit(shared_lab, "someone@elsewhere.example")


def test_a_roundcube_login_shows_the_inbox(shared_lab: Lab) -> None:
    browser = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=shared_lab.context),
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
    )
    with browser.open(shared_lab.webmail_url, timeout=PATIENCE_S) as page:
        token = re.search(r'name="_token" value="(\w+)"', page.read().decode())
    assert token
    form = {
        "_token": token[1],
        "_task": "login",
        "_action": "login",
        "_user": shared_lab.probe.username,
        "_pass": shared_lab.probe.password,
    }
    body = urllib.parse.urlencode(form).encode()
    with browser.open(f"{shared_lab.webmail_url}?_task=login", body, timeout=PATIENCE_S) as page:
        inbox = page.read().decode()
    assert "_task=mail" in page.url
    assert 'id="messagelist"' in inbox
    assert shared_lab.probe.username in inbox


def test_the_password_file_holds_the_password_and_is_its_owners_alone(shared_lab: Lab) -> None:
    assert shared_lab.password_file.read_text(encoding="utf-8").strip() == shared_lab.probe.password
    assert shared_lab.password_file.stat().st_mode & 0o777 == 0o600
    assert shared_lab.probe.password not in repr(shared_lab.probe)


# Certificates


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("imaps_expired", "certificate has expired"),
        ("imaps_wrong_name", "Hostname mismatch"),
        ("imaps_untrusted", "unable to get local issuer certificate"),
    ],
)
def test_a_bad_certificate_is_refused_for_its_own_reason(shared_lab: Lab, name: str, reason: str) -> None:
    port = getattr(shared_lab.ports, name)
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        imaplib.IMAP4_SSL("localhost", port, ssl_context=shared_lab.context, timeout=PATIENCE_S)
