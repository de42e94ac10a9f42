"""Decides which ports a lab uses, and what its servers answer there."""

import contextlib
import dataclasses
import http.client
import imaplib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

HOST = "127.0.0.1"
_PATIENCE_S = 2.0


@dataclass(frozen=True)
class Ports:
    """Ports on 127.0.0.1; from `imaps_expired` to the `_bad` ones they have a certificate that must not be accepted.

    That of the `_bad` ones, one for each protocol and way of TLS, has expired and is for another name. The last
    ones are SMTP servers with a fault each: a banner after a second, one connection at a time, no AUTH.
    """

    smtp: int
    submission: int
    submissions: int
    imap: int
    imaps: int
    pop3: int
    pop3s: int
    sieve: int
    lmtp: int
    https: int
    imaps_expired: int
    imaps_wrong_name: int
    imaps_untrusted: int
    smtp_bad: int
    submission_bad: int
    submissions_bad: int
    imap_bad: int
    imaps_bad: int
    pop3_bad: int
    pop3s_bad: int
    https_bad: int
    smtp_slow: int
    smtp_single: int
    submission_no_auth: int


@contextlib.contextmanager
def reserved_ports() -> Iterator[Ports]:
    """Ports chosen by the kernel, which gives them to nobody else while the context lasts.

    Each is held by a bound socket that does not listen: it refuses connections as a free port does, and a
    server that sets SO_REUSEADDR, as all of the lab's do, may bind and listen beside it, again and again.
    """
    with contextlib.ExitStack() as held:

        def reserve() -> int:
            holder = held.enter_context(socket.socket())
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind((HOST, 0))
            port = holder.getsockname()[1]
            assert isinstance(port, int)
            return port

        yield Ports(**{field.name: reserve() for field in dataclasses.fields(Ports)})


def refuses(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), _PATIENCE_S):
            return False
    except ConnectionRefusedError:
        return True
    except OSError:  # a reset: something still listens
        return False


def accepts(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), _PATIENCE_S):
            return True
    except OSError:
        return False


def greets(port: int, start: bytes) -> bool:
    """Whether the first bytes the server sends on a plain connection are these."""
    try:
        with socket.create_connection((HOST, port), _PATIENCE_S) as connection:
            return connection.recv(512).startswith(start)
    except OSError:
        return False


def greets_by_tls(port: int, start: bytes) -> bool:
    try:
        with (
            socket.create_connection((HOST, port), _PATIENCE_S) as connection,
            _ANY_CERTIFICATE.wrap_socket(connection) as secured,
        ):
            return secured.recv(512).startswith(start)
    except OSError:
        return False


def logs_in(port: int, username: str, password: str) -> bool | None:
    """Whether IMAP over TLS accepts the password; None when the server gave no verdict."""
    try:
        client = imaplib.IMAP4_SSL(HOST, port, ssl_context=_ANY_CERTIFICATE, timeout=_PATIENCE_S)
    except (OSError, imaplib.IMAP4.error):
        return None
    try:
        client.login(username, password)
    except (OSError, imaplib.IMAP4.abort):
        return None
    except imaplib.IMAP4.error:
        return False
    else:
        return True
    finally:
        client.shutdown()


def serves_page(port: int, part: bytes) -> bool:
    """Whether the page at `/` contains these bytes."""
    client = http.client.HTTPSConnection(HOST, port, context=_ANY_CERTIFICATE, timeout=_PATIENCE_S)
    with contextlib.closing(client):
        try:
            client.request("GET", "/")
            return part in client.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False


def _any_certificate() -> ssl.SSLContext:
    """These functions ask whether a server serves; whether to trust it is for those under test to ask."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


_ANY_CERTIFICATE = _any_certificate()
