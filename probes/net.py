"""How a probe reaches a server: resolve, connect, TLS, each a named phase."""

import asyncio
import ipaddress
import os
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import zip_longest
from typing import Literal, TypeVar, cast

from probes import tls
from probes.base import Evidence, Steps
from probes.errors import Cause, ProbeFailureError, translate, translating

_MAX_ADDRESSES = 8  # of one name; a longer list is somebody's mistake or malice
_STAGGER = 0.25  # seconds before the next address is tried beside the last one (RFC 8305 section 5)
_LOOKUPS = 64  # at once; lookups that nobody waits for any more keep their thread until the resolver gives up
_NO_LIMIT = 86_400.0  # the runner's deadline rules, not asyncio's 60 seconds

Family = Literal["any", "ipv4", "ipv6"]
_FAMILIES: dict[Family, socket.AddressFamily] = {
    "any": socket.AF_UNSPEC,
    "ipv4": socket.AF_INET,
    "ipv6": socket.AF_INET6,
}
Address = tuple[socket.AddressFamily, tuple[str | int, ...]]
P = TypeVar("P", bound=asyncio.BaseProtocol)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect to; `server_name` is what the certificate must be for."""

    host: str
    port: int
    server_name: str
    family: Family = "any"


@cache
def _resolver() -> ThreadPoolExecutor:
    # Of its own: a dead resolver must not block the default pool, which has six threads on two cores.
    return ThreadPoolExecutor(_LOOKUPS, "resolve")


def family_of(host: str) -> Family | None:
    """Of which family a literal address is; None for a name."""
    try:
        return "ipv6" if ipaddress.ip_address(host.partition("%")[0]).version == 6 else "ipv4"
    except ValueError:
        return None


async def resolve(host: str, port: int, family: Family = "any") -> list[Address]:
    """The addresses of a host in the order to try them; a literal address needs no resolver."""
    literal = None if "%" in host else _literal(host, port, family)  # what a zone means may change
    if literal is not None:
        return [literal]
    loop = asyncio.get_running_loop()
    with translating():
        found = await loop.run_in_executor(
            _resolver(), lambda: socket.getaddrinfo(host, port, family=_FAMILIES[family], type=socket.SOCK_STREAM)
        )
    listed: list[Address] = [(family, cast("tuple[str | int, ...]", address)) for family, _, _, _, address in found]
    return _interlaced(listed)[:_MAX_ADDRESSES]


@lru_cache(maxsize=16_384)
def _literal(host: str, port: int, family: Family) -> Address | None:
    """What a literal address stands for, which no resolver needs to be asked; None for a name."""
    wanted = _FAMILIES[family]
    try:
        found = socket.getaddrinfo(
            host, port, family=wanted, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )
    except socket.gaierror:
        return None
    return found[0][0], cast("tuple[str | int, ...]", found[0][4])


def _interlaced(addresses: list[Address]) -> list[Address]:
    """One address of each family in turn (RFC 8305 section 4): a family that is broken costs one attempt."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    return [one for pair in zip_longest(first, others) for one in pair if one is not None]


async def connect(addresses: list[Address], evidence: Evidence) -> socket.socket:
    """The first connection that comes about; else the failure that says most about the service.

    Attempts are staggered (RFC 8305 section 5): the next begins when one has failed, or after 250 ms beside those
    under way. Whatever comes of it, no other socket and no task is left.
    """
    evidence.addresses = tuple(str(address[0]) for _, address in addresses)
    if len(addresses) == 1:
        evidence.address = evidence.addresses[0]
        return await _connect(*addresses[0])
    waiting, failures = deque(addresses), []
    attempts: dict[asyncio.Task[socket.socket], Address] = {}
    try:
        while waiting or attempts:
            if waiting:
                family, address = waiting.popleft()
                evidence.address = str(address[0])
                attempts[asyncio.create_task(_connect(family, address))] = (family, address)
            done, _ = await asyncio.wait(
                attempts, timeout=_STAGGER if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                evidence.address = str(attempts[task][1][0])
                if not isinstance(failure := task.exception(), ProbeFailureError):
                    sock = task.result()  # or raises what is no failure of the service
                    del attempts[task]
                    return sock
                failures.append(failure)
                del attempts[task]
    finally:
        await _give_up(attempts)
    if not failures:
        raise ProbeFailureError(Cause.DNS, "the name has no address")
    raise next((f for f in failures if f.cause is not Cause.NETWORK), failures[-1])


async def _give_up(attempts: Iterable[asyncio.Task[socket.socket]]) -> None:
    for task in attempts:
        task.cancel()
    for sock in await asyncio.gather(*attempts, return_exceptions=True):
        if isinstance(sock, socket.socket):  # a second one in the same moment
            sock.close()


async def _connect(family: socket.AddressFamily, address: tuple[str | int, ...]) -> socket.socket:
    with translating():
        sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        with translating():
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await _established(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


async def _established(sock: socket.socket, address: tuple[str | int, ...]) -> None:
    """As the loop's own `sock_connect`, at half the price where the loop is uvloop. Raises OSError."""
    with suppress(BlockingIOError):
        sock.connect(address)
        return
    loop, number = asyncio.get_running_loop(), sock.fileno()
    writable = loop.create_future()
    loop.add_writer(number, _done, writable)
    try:
        await writable
    finally:
        loop.remove_writer(number)
    error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


def _done(waited_for: asyncio.Future[None]) -> None:
    if not waited_for.done():  # the socket stays writable until the loop is told to look no more
        waited_for.set_result(None)


async def open_connection(
    steps: Steps, factory: Callable[[], P], endpoint: Endpoint, context: ssl.SSLContext | None
) -> tuple[asyncio.Transport, P]:
    """Resolve, connect and, with a context, do the TLS handshake: the phases dns, connect and tls.

    The caller owns the transport and must abort it in the end.
    """
    with steps("dns"):
        found = await resolve(endpoint.host, endpoint.port, endpoint.family)
        addresses = [one for one in found if steps.admitted(str(one[1][0]))]
        if found and not addresses:
            raise ProbeFailureError(Cause.NETWORK, "no address that may be connected to")
    with steps("connect"):
        sock = await connect(addresses, steps.evidence)
    if context is None:
        transport, protocol = await _transport(factory, sock)
    else:
        with steps("tls"):
            transport, protocol = await _transport(factory, sock, context, endpoint.server_name)
            secured(transport, steps)
            quick_ack(sock)
    if isinstance(protocol, Prompt):
        protocol.sock = sock
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
    if isinstance(protocol, Prompt):
        protocol.acknowledge()
    return upgraded


def secured(transport: asyncio.BaseTransport, steps: Steps) -> None:
    """Note what TLS was agreed upon and which certificates were shown."""
    session, evidence = transport.get_extra_info("ssl_object"), steps.evidence
    evidence.tls_version = session.version()
    cipher = session.cipher()
    evidence.tls_cipher = cipher[0] if cipher else None
    evidence.certificate = tls.shown(session, steps.now)


def is_secure(transport: asyncio.BaseTransport | None) -> bool:
    return transport is not None and transport.get_extra_info("ssl_object") is not None


def quick_ack(sock: socket.socket) -> None:
    """Acknowledge at once what comes next.

    Else this machine's delayed ACK of the TLS tickets holds back a server that waits for it (Nagle): 45 ms
    that would stand in the measured latency. The kernel forgets the wish: it is repeated after each command.
    """
    with suppress(OSError):  # where it is closed
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


class Prompt:
    """A protocol that acknowledges at once what a server answers; `sock` is set by `open_connection`.

    The transport would make a duplicate of the socket each time that it is asked for it.
    """

    sock: socket.socket | None = None

    def acknowledge(self) -> None:
        if self.sock is not None:
            quick_ack(self.sock)


def send(transport: asyncio.Transport | None, data: bytes) -> None:
    """Write a command; raises `ProbeFailureError` where nobody is there to read it."""
    if transport is None or transport.is_closing():
        raise lost(None)
    transport.write(data)


def lost(error: Exception | None) -> ProbeFailureError:
    """Why a connection ended that nobody here ended."""
    failure = translate(error) if error else None
    return failure or ProbeFailureError(Cause.DISCONNECTED, "the server closed the connection")
