"""How a probe reaches a server: resolve, connect, TLS, each a named phase."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TypeVar, cast

from probes import tls
from probes.base import Evidence, Steps
from probes.errors import Cause, ProbeFailureError, translate, translating

_MAX_ADDRESSES = 8  # of one name; a longer list is somebody's mistake or malice
_LOOKUPS = 64  # at once; lookups that nobody waits for any more keep their thread until the resolver gives up
_NO_LIMIT = 86_400.0  # the runner's deadline rules, not asyncio's 60 seconds

Address = tuple[socket.AddressFamily, tuple[str | int, ...]]
P = TypeVar("P", bound=asyncio.BaseProtocol)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect to; `server_name` is what the certificate must be for."""

    host: str
    port: int
    server_name: str


@cache
def _resolver() -> ThreadPoolExecutor:
    # Of its own: a dead resolver must not block the default pool, which has six threads on two cores.
    return ThreadPoolExecutor(_LOOKUPS, "resolve")


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host in the order to try them; a literal address needs no resolver."""
    with translating():
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(
                _resolver(), lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
    return [(family, cast("tuple[str | int, ...]", address)) for family, _, _, _, address in found[:_MAX_ADDRESSES]]


async def connect(addresses: list[Address], evidence: Evidence) -> socket.socket:
    """The first connection that comes about; else the failure that says most about the service."""
    failures = []
    for family, address in addresses:
        evidence.address = str(address[0])
        try:
            with translating():
                return await _connect(family, address)
        except ProbeFailureError as failure:
            failures.append(failure)
    if not failures:
        raise ProbeFailureError(Cause.DNS, "the name has no address")
    raise next((f for f in failures if f.cause is not Cause.NETWORK), failures[-1])


async def _connect(family: socket.AddressFamily, address: tuple[str | int, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


async def open_connection(
    steps: Steps, factory: Callable[[], P], endpoint: Endpoint, context: ssl.SSLContext | None
) -> tuple[asyncio.Transport, P]:
    """Resolve, connect and, with a context, do the TLS handshake: the phases dns, connect and tls.

    The caller owns the transport and must abort it in the end.
    """
    async with steps("dns"):
        addresses = await resolve(endpoint.host, endpoint.port)
    async with steps("connect"):
        sock = await connect(addresses, steps.evidence)
    if context is None:
        return await _transport(factory, sock)
    async with steps("tls"):
        transport, protocol = await _transport(factory, sock, context, endpoint.server_name)
        secured(transport, steps.evidence)
    return transport, protocol


async def _transport(
    factory: Callable[[], P],
    sock: socket.socket,
    context: ssl.SSLContext | None = None,
    name: str | None = None,
) -> tuple[asyncio.Transport, P]:
    loop = asyncio.get_running_loop()
    handshake = _NO_LIMIT if context else None
    with translating():  # the transport owns the socket from here on, also where this fails
        return await loop.create_connection(
            factory, sock=sock, ssl=context, server_hostname=name, ssl_handshake_timeout=handshake
        )


async def start_tls(
    transport: asyncio.Transport, protocol: asyncio.BaseProtocol, context: ssl.SSLContext, server_name: str
) -> asyncio.Transport:
    """The handshake behind STARTTLS or STLS; the caller has made sure that no plaintext is left unread."""
    loop = asyncio.get_running_loop()
    with translating():
        upgraded = await loop.start_tls(
            transport, protocol, context, server_hostname=server_name, ssl_handshake_timeout=_NO_LIMIT
        )
    if upgraded is None:
        raise ProbeFailureError(Cause.DISCONNECTED, "the server closed the connection within TLS")
    return upgraded


def secured(transport: asyncio.BaseTransport, evidence: Evidence) -> None:
    """Note what TLS was agreed upon and which certificate was shown."""
    session = transport.get_extra_info("ssl_object")
    evidence.tls_version = session.version()
    cipher = session.cipher()
    evidence.tls_cipher = cipher[0] if cipher else None
    der = session.getpeercert(binary_form=True)
    evidence.certificate = tls.facts(der) if der else None
    quick_ack(transport)


def quick_ack(transport: asyncio.BaseTransport) -> None:
    """Acknowledge at once what comes next.

    Else this machine's delayed ACK of the TLS tickets holds back a server that waits for it (Nagle): 45 ms
    that would stand in the measured latency. The kernel forgets the wish: it is repeated after each command.
    """
    sock = transport.get_extra_info("socket")
    if sock is not None and not transport.is_closing():
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def send(transport: asyncio.Transport | None, data: bytes) -> None:
    """Write a command; raises `ProbeFailureError` where nobody is there to read it."""
    if transport is None or transport.is_closing():
        raise lost(None)
    transport.write(data)
    quick_ack(transport)


def lost(error: Exception | None) -> ProbeFailureError:
    """Why a connection ended that nobody here ended."""
    failure = translate(error) if error else None
    return failure or ProbeFailureError(Cause.DISCONNECTED, "the server closed the connection")
