"""Proves that TLS which fails, at its beginning or in the midst of a dialogue, is named for it on every protocol."""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from probes.errors import Cause
from tests.probes.conftest import Authority, Run
from tests.probes.leaks import nothing_left
from tests.probes.scripted import Act, Peer, Script, close, serving, stall
from tests.probes.test_webmail import LOGIN_FORM
from tests.probes.turns import VERBS, http, reach

EVERY = pytest.mark.parametrize("protocol", ["imap", "pop3", "submission", "sieve", "webmail"])
STARTTLS = {"imap": "STARTTLS", "pop3": "STLS", "submission": "STARTTLS", "sieve": "STARTTLS"}
GO = {"imap": b"%T OK\r\n", "pop3": b"+OK\r\n", "submission": b"220 go\r\n", "sieve": b"OK\r\n"}
MIDST = {
    "imap": ("CAPABILITY", "capability"),
    "pop3": ("CAPA", "capability"),
    "submission": ("EHLO", "ehlo"),
    "sieve": ("CAPABILITY", "capability"),
    "webmail": ("GET", "page"),
}
# Level and description (RFC 8446 section 6)
ALERTS = {
    "handshake failure": b"\x02\x28",
    "bad certificate": b"\x02\x2a",
    "certificate unknown": b"\x02\x2e",
    "protocol version": b"\x02\x46",
    "internal error": b"\x02\x50",
    "unrecognized name": b"\x02\x70",
    "no such alert": b"\x02\xff",
}


def alert(what: bytes, first: bytes = b"") -> Act:
    """Hear the ClientHello, and answer it with an alert in clear."""

    async def act(peer: Peer) -> None:
        if first:
            await peer.say(first)
        await peer.reader.read(65536)
        await peer.say(b"\x15\x03\x03\x00\x02" + what)
        await stall(peer)

    return act


@contextlib.contextmanager
def beneath(peer: Peer) -> Iterator[socket.socket]:
    """The connection under TLS, whatever the event loop."""
    with socket.socket(fileno=os.dup(peer.writer.get_extra_info("socket").fileno())) as one:
        yield one


def say_beneath(peer: Peer, data: bytes) -> None:
    with beneath(peer) as connection:
        connection.send(data)


async def alert_in_clear(peer: Peer) -> None:
    say_beneath(peer, b"\x15\x03\x03\x00\x02\x02\x50")
    await stall(peer)


async def noise_in_clear(peer: Peer) -> None:
    say_beneath(peer, bytes(range(0x80, 0x100)) * 4)
    await stall(peer)


async def forged_record(peer: Peer) -> None:
    """A record of the right form, which no key fits."""
    say_beneath(peer, b"\x17\x03\x03\x00\x40" + bytes(64))
    await stall(peer)


async def cut(peer: Peer) -> None:
    """A FIN without TLS's own farewell: nobody can tell whether somebody cut the connection."""
    with beneath(peer) as connection:
        connection.shutdown(socket.SHUT_WR)


def polite(protocol: str, context: ssl.SSLContext | None = None, **changes: Act) -> Script:
    if protocol == "webmail":
        return Script(b"", {"GET": http(LOGIN_FORM), "*": b"", **changes}, tls=context)
    script = VERBS[protocol][0].but(**changes)
    script.tls = context
    return script


def options(protocol: str, mode: str, port: int, authority: Authority, login: dict[str, Any]) -> dict[str, Any]:
    way = reach(protocol, port, login) | {"tls": {"mode": mode, "ca_file": authority.ca_file}}
    return way | ({"url": f"https://127.0.0.1:{port}/"} if protocol == "webmail" else {})


@EVERY
@pytest.mark.parametrize("what", ALERTS.values(), ids=ALERTS)
async def test_an_alert_in_place_of_a_handshake_is_named(
    what: bytes, protocol: str, run: Run, login: dict[str, Any], authority: Authority
) -> None:
    script = Script(alert(what), {"*": b""})
    async with nothing_left(), serving(script) as server:
        result = await run(protocol, options(protocol, "implicit", server.port, authority, login))
    assert (result.cause, result.steps.failed) == (Cause.TLS_HANDSHAKE, "tls")


@pytest.mark.parametrize("protocol", STARTTLS)
@pytest.mark.parametrize("what", ALERTS.values(), ids=ALERTS)
async def test_an_alert_behind_starttls_is_named(
    what: bytes, protocol: str, run: Run, login: dict[str, Any], authority: Authority
) -> None:
    changes: dict[str, Act] = {STARTTLS[protocol]: alert(what, GO[protocol])}
    if protocol == "imap":
        changes["CAPABILITY"] = b"* CAPABILITY IMAP4rev1 STARTTLS\r\n%T OK\r\n"
    async with nothing_left(), serving(polite(protocol, None, **changes)) as server:
        result = await run(protocol, options(protocol, "starttls", server.port, authority, login))
    assert (result.cause, result.steps.failed) == (Cause.TLS_HANDSHAKE, "starttls")


MIDWAY: dict[str, tuple[Act, Cause]] = {
    "an alert in clear": (alert_in_clear, Cause.TLS_HANDSHAKE),
    "noise in clear": (noise_in_clear, Cause.TLS_HANDSHAKE),
    "a forged record": (forged_record, Cause.TLS_HANDSHAKE),
    "an end without farewell": (cut, Cause.DISCONNECTED),
    "an end with farewell": (close, Cause.DISCONNECTED),
}


@EVERY
@pytest.mark.parametrize(("act", "cause"), MIDWAY.values(), ids=MIDWAY)
async def test_tls_that_ends_in_the_midst_of_a_dialogue_is_named(
    act: Act, cause: Cause, protocol: str, run: Run, login: dict[str, Any], authority: Authority
) -> None:
    verb, phase = MIDST[protocol]
    async with nothing_left(), serving(polite(protocol, authority.good, **{verb: act})) as server:
        result = await run(protocol, options(protocol, "implicit", server.port, authority, login))
    assert (result.cause, result.steps.failed) == (cause, phase)


def demanding(listener: socket.socket, version: ssl.TLSVersion) -> None:
    """Serve one client that has no certificate to show: OpenSSL itself says why, which asyncio's servers do not."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = version
    client, _ = listener.accept()
    with client, contextlib.suppress(OSError):
        connection = context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        with connection:
            with contextlib.suppress(ssl.SSLError):
                connection.do_handshake()
            while socket.socket.recv(connection, 4096):
                pass


@EVERY
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["TLS 1.2", "TLS 1.3"])
async def test_a_server_that_wants_a_certificate_of_ours_is_named(
    version: ssl.TLSVersion, protocol: str, run: Run, login: dict[str, Any], authority: Authority
) -> None:
    """By TLS 1.3 its refusal comes after what is, to the client, a finished handshake."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = asyncio.get_running_loop().run_in_executor(None, demanding, listener, version)
        way = options(protocol, "implicit", listener.getsockname()[1], authority, login)
        result = await run(protocol, way | {"tls": {"mode": "implicit", "verify": False}})
        await server
    late = "page" if protocol == "webmail" else "greeting"
    assert result.cause is Cause.TLS_HANDSHAKE
    assert result.steps.failed == ("tls" if version is ssl.TLSVersion.TLSv1_2 else late)
