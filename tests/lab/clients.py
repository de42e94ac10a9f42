"""Decides nothing: what the lab's own tests do with the standard library's mail clients."""

import contextlib
import imaplib
import smtplib
import socket
import uuid
from collections.abc import Iterator
from email.message import EmailMessage

from tests.lab import Account, Lab

NO_ANSWER_S = 0.3  # a hanging server is waited for this long
PATIENCE_S = 10.0


@contextlib.contextmanager
def imap_session(lab: Lab, account: Account | None = None) -> Iterator[imaplib.IMAP4_SSL]:
    account = account or lab.probe
    with imaplib.IMAP4_SSL("localhost", lab.ports.imaps, ssl_context=lab.context, timeout=PATIENCE_S) as client:
        client.login(account.username, account.password)
        client.select("INBOX")
        yield client


def submit(lab: Lab, recipient: str) -> str:
    """Send a message from the probe's account by submission with STARTTLS; return its subject."""
    subject = str(uuid.uuid4())
    with smtplib.SMTP("localhost", lab.ports.submission, timeout=PATIENCE_S) as client:
        client.starttls(context=lab.context)
        client.login(lab.probe.username, lab.probe.password)
        client.send_message(message(lab.probe.username, recipient, subject))
    return subject


def message(sender: str, recipient: str, subject: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, recipient, subject
    mail.set_content("a lab's message")
    return mail


def arrived(lab: Lab, account: Account, subject: str) -> bool:
    with imap_session(lab, account) as client:
        _, found = client.search(None, "SUBJECT", f'"{subject}"')
    return bool(found[0])


def tcp(port: int, timeout_s: float = NO_ANSWER_S) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout_s)
