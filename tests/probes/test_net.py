"""Proves that what goes wrong before the first word is named: resolver, connection, TLS, this machine."""

import errno
import os
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

import pytest

from probes.errors import Cause, cause_of_timeout, translate
from tests.probes.conftest import Run
from tests.probes.scripted import serving
from tests.probes.test_pop3 import POLITE

Lookup = Callable[..., Any]


def closed_port() -> tuple[socket.socket, int]:
    """A port that is nobody else's and refuses, as long as the socket lives."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder, holder.getsockname()[1]


def answering(*ports: int) -> Lookup:
    """A resolver that knows one name, on loopback at these ports."""
    original = socket.getaddrinfo

    def lookup(host: str, port: int, **more: Any) -> Any:
        if host != "mail.example.org":
            return original(host, port, **more)
        if more.get("flags"):
            raise socket.gaierror(socket.EAI_NONAME, "not an address")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", number)) for number in ports]

    return lookup


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError(errno.ECONNREFUSED, ""), Cause.CONNECT_REFUSED),
        (OSError(errno.ETIMEDOUT, ""), Cause.CONNECT_TIMEOUT),
        (OSError(errno.EHOSTUNREACH, ""), Cause.CONNECT_UNREACHABLE),
        (OSError(errno.ENETUNREACH, ""), Cause.NETWORK),
        (OSError(errno.EADDRNOTAVAIL, ""), Cause.NETWORK),
        (OSError(errno.EPERM, ""), Cause.NETWORK),
        (OSError(errno.EMFILE, ""), Cause.RESOURCES),
        (OSError(errno.ENFILE, ""), Cause.RESOURCES),
        (OSError(errno.ENOMEM, ""), Cause.RESOURCES),
        (OSError(errno.ECONNRESET, ""), Cause.DISCONNECTED),
        (OSError(errno.EPIPE, ""), Cause.DISCONNECTED),
        (ConnectionResetError("no number"), Cause.DISCONNECTED),
        (ssl.SSLCertVerificationError(1, "no"), Cause.TLS_CERTIFICATE),
        (ssl.SSLEOFError(8, "EOF"), Cause.DISCONNECTED),
        (ssl.SSLError(1, "wrong version number"), Cause.TLS_HANDSHAKE),
        (socket.gaierror(socket.EAI_NONAME, ""), Cause.DNS),
        (socket.gaierror(socket.EAI_NODATA, ""), Cause.DNS),
        (socket.gaierror(socket.EAI_AGAIN, ""), Cause.RESOLVER),
        (socket.gaierror(socket.EAI_FAIL, ""), Cause.RESOLVER),
        (socket.gaierror(socket.EAI_MEMORY, ""), Cause.RESOURCES),
    ],
)
def test_an_exception_means_one_cause(error: OSError, cause: Cause) -> None:
    failure = translate(error)
    assert failure is not None
    assert failure.cause is cause


@pytest.mark.parametrize("error", [TimeoutError(), ValueError("a bug"), OSError(errno.EBADF, "a bug")])
def test_deadlines_and_bugs_are_nobodys_failure(error: Exception) -> None:
    assert translate(error) is None


@pytest.mark.parametrize(
    ("phase", "cause"),
    [
        ("dns", Cause.RESOLVER),
        ("connect", Cause.CONNECT_TIMEOUT),
        ("tls", Cause.TIMEOUT),
        ("auth", Cause.TIMEOUT),
        (None, Cause.TIMEOUT),
    ],
)
def test_a_deadline_means_what_its_phase_says(phase: str | None, cause: Cause) -> None:
    assert cause_of_timeout(phase) is cause


async def test_a_closed_port_is_refused(run: Run) -> None:
    holder, port = closed_port()
    with holder:
        result = await run("imap", {"host": "127.0.0.1", "port": port})
    assert (result.cause, result.steps.failed) == (Cause.CONNECT_REFUSED, "connect")
    assert result.failure is not None
    assert result.failure.reply == os.strerror(errno.ECONNREFUSED)
    assert result.steps.evidence.address == "127.0.0.1"


async def test_a_later_address_serves_where_an_earlier_one_refuses(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    holder, port = closed_port()
    async with serving(POLITE.but()) as script:
        monkeypatch.setattr(socket, "getaddrinfo", answering(port, script.port))
        with holder:
            result = await run("pop3", {"host": "mail.example.org", "tls": "none"})
    assert result.failure is None


async def test_a_name_without_addresses_is_a_failure_of_dns(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering())
    result = await run("pop3", {"host": "mail.example.org"})
    assert result.cause is Cause.DNS


async def test_what_the_service_says_outweighs_what_this_machine_lacks(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lookup(*_: Any, **more: Any) -> Any:
        if more.get("flags"):
            raise socket.gaierror(socket.EAI_NONAME, "not an address")
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("255.255.255.255", 993)),  # no route for TCP
        ]

    holder, port = closed_port()
    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with holder:
        result = await run("imap", {"host": "mail.example.org"})
    assert result.cause is Cause.CONNECT_REFUSED


async def test_a_resolver_that_hangs_delays_nobody(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def lookup(*_: Any, **more: Any) -> Any:
        if more.get("flags"):
            raise socket.gaierror(socket.EAI_NONAME, "not an address")
        release.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    try:
        result = await run("imap", {"host": "mail.example.org"}, expire="dns")
    finally:
        release.set()
    assert result.timed_out
    assert result.steps.failed == "dns"


async def test_a_machine_out_of_descriptors_blames_itself(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> socket.socket:
        raise OSError(errno.EMFILE, "too many")

    with monkeypatch.context() as patched:  # the loop itself needs sockets at its end
        patched.setattr(socket, "socket", refuse)
        result = await run("imap", {"host": "127.0.0.1"})
    assert (result.cause, result.steps.failed) == (Cause.RESOURCES, "connect")
