"""What a canary does: asks the resolvers, knocks at the gateway, connects. Unprivileged, each within `LIMIT`.

A gateway is knocked at by an ICMP echo, where the system lets anybody send one, and by a TCP connection; any answer
counts, a refusal too. Many a gateway answers neither. Of one that has never answered, or has been silent for longer
than the kernel believes in a neighbour, the kernel's ARP table decides: knocking makes it look.
"""

import asyncio
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.message
import dns.resolver

from monitor.clock import Clock
from monitor.selftest import Canary
from monitor.settings.fields import Address, SelfTest
from probes import net
from probes.base import Evidence
from probes.errors import ProbeFailureError

LIMIT = 2.5
"""Seconds for one canary: two retransmissions of a packet fit in."""
ATTEMPTS = 3
BELIEVED = 60.0
"""Seconds of silence after which the kernel has asked a neighbour anew, and forgotten one that is gone."""
DNS_PORT = 53
PROC_NET = Path("/proc/self/net")  # /proc/net is this, but for a sandbox that hides all but processes
RESOLV_CONF = "/etc/resolv.conf"

_UP, _GATEWAY, _REJECT = 0x1, 0x2, 0x200  # route(8), linux/route.h
_COMPLETE = 0x2  # linux/if_arp.h: ATF_COM


@dataclass(frozen=True, slots=True)
class Hop:
    """The way out of one address family; without an address the link itself is the way."""

    family: socket.AddressFamily
    address: str | None
    device: str
    metric: int


def canaries(clock: Clock, tests: Iterable[SelfTest]) -> Mapping[str, Canary]:
    """What `self_test` names, ready to be run."""
    return {test.name: _canary(clock, test) for test in tests}


def _canary(clock: Clock, test: SelfTest) -> Canary:
    if test.address is not None:
        return Connection(test.address)
    return Gateway(clock) if test.name == "gateway" else resolver


async def resolver() -> str | None:
    """Whether a name server of /etc/resolv.conf answers; any answer counts, a refusal and SERVFAIL too."""
    try:
        servers = await asyncio.to_thread(lambda: dns.resolver.Resolver(RESOLV_CONF).nameservers)
    except dns.exception.DNSException:
        servers = ["127.0.0.1"]  # resolv.conf(5): where none is named
    asked = [asyncio.create_task(_asked(str(server))) for server in servers]
    return None if await _any(asked) else f"no answer from {', '.join(map(str, servers))}"


async def _asked(server: str) -> bool:
    for _ in range(ATTEMPTS):
        query = dns.message.make_query(".", "NS")
        with suppress(OSError, dns.exception.DNSException):
            await dns.asyncquery.udp(query, server, timeout=LIMIT / ATTEMPTS, port=DNS_PORT)
            return True
    return False


@dataclass(frozen=True, slots=True)
class Connection:
    """Whether a TCP connection comes about."""

    address: Address

    async def __call__(self) -> str | None:
        try:
            async with asyncio.timeout(LIMIT):
                found = await net.resolve(*self.address)
                (await net.connect(found, Evidence())).close()
        except ProbeFailureError as failure:
            return str(failure)
        except TimeoutError:
            return f"no answer within {LIMIT:g} s"
        return None


class Gateway:
    """Whether there is a default route, and somebody at its next hop: for each family that has one."""

    def __init__(self, clock: Clock, proc: Path = PROC_NET) -> None:
        self._clock = clock
        self._proc = proc
        self._answered: dict[Hop, float] = {}  # when it answered last, of those that do

    async def __call__(self) -> str | None:
        hops = await asyncio.to_thread(lambda: list(_hops(self._proc)))
        if not hops:
            return "no default route"
        problems = await asyncio.gather(*(self._problem(hop) for hop in hops))
        return next((problem for problem in problems if problem), None)

    async def _problem(self, hop: Hop) -> str | None:
        if hop.address is None:
            return None
        began = self._clock.monotonic()
        if await _any([asyncio.create_task(knock(hop)) for knock in (_echo, _connect)]):
            self._answered[hop] = self._clock.monotonic()
            return None
        if began - self._answered.get(hop, began - BELIEVED) < BELIEVED:
            return f"{hop.address} does not answer any more"
        self._answered.pop(hop, None)
        known = await asyncio.to_thread(_neighbour, self._proc, hop)
        return None if known else f"{hop.address} is not there"


async def _any(tasks: list[asyncio.Task[bool]]) -> bool:
    """Whether one of them comes true within the limit; the others are ended."""
    try:
        async with asyncio.timeout(LIMIT):
            for done in asyncio.as_completed(tasks):
                if await done:
                    return True
    except TimeoutError:
        return False
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return False


async def _connect(hop: Hop) -> bool:
    with socket.socket(hop.family, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        with suppress(OSError):
            try:
                await asyncio.get_running_loop().sock_connect(sock, _address(hop, DNS_PORT))
            except ConnectionRefusedError:
                return True
            return True
    return False


async def _echo(hop: Hop) -> bool:
    """RFC 792, RFC 4443: the kernel fills in checksum and identifier, and lets through only what answers it."""
    ipv6 = hop.family is socket.AF_INET6
    kind, protocol = (128, socket.IPPROTO_ICMPV6) if ipv6 else (8, socket.IPPROTO_ICMP)
    packet = struct.pack("!BBHHH", kind, 0, 0, 0, 0)
    try:
        with socket.socket(hop.family, socket.SOCK_DGRAM, protocol) as sock:
            sock.setblocking(False)
            sock.connect(_address(hop, 0))
            sock.send(packet)
            return len(await asyncio.get_running_loop().sock_recv(sock, 1500)) > 0
    except OSError:  # also where net.ipv4.ping_group_range forbids it
        return False


def _address(hop: Hop, port: int) -> tuple[str | int, ...]:
    if hop.family is socket.AF_INET:
        return (str(hop.address), port)
    return (str(hop.address), port, 0, socket.if_nametoindex(hop.device))


def _hops(proc: Path) -> Iterator[Hop]:
    """Of each family the default route that the kernel prefers."""
    for name, read in (("route", _ipv4), ("ipv6_route", _ipv6)):
        with suppress(OSError):
            routes = [hop for line in (proc / name).read_text("ascii").splitlines() if (hop := read(line.split()))]
            if routes:
                yield min(routes, key=lambda hop: hop.metric)


def _ipv4(fields: list[str]) -> Hop | None:
    """A line of /proc/net/route: addresses in the machine's byte order."""
    if len(fields) < 8 or fields[1] != "00000000" or fields[7] != "00000000":
        return None
    flags = int(fields[3], 16)
    if not flags & _UP or flags & _REJECT:
        return None
    hop = socket.inet_ntoa(struct.pack("=L", int(fields[2], 16))) if flags & _GATEWAY else None
    return Hop(socket.AF_INET, hop, fields[0], int(fields[6]))


def _ipv6(fields: list[str]) -> Hop | None:
    """A line of /proc/net/ipv6_route."""
    if len(fields) < 10 or fields[0] != "0" * 32 or fields[1] != "00" or fields[9] == "lo":
        return None
    flags = int(fields[8], 16)
    if not flags & _UP or flags & _REJECT:
        return None
    hop = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(fields[4])) if flags & _GATEWAY else None
    return Hop(socket.AF_INET6, hop, fields[9], int(fields[5], 16))


def _neighbour(proc: Path, hop: Hop) -> bool:
    """Whether the kernel knows the next hop's link address; where it keeps none, it has to be believed.

    Links without ARP have none, and those of IPv6 are said to netlink alone, which the unit's sandbox forbids.
    """
    if hop.family is not socket.AF_INET:
        return True
    with suppress(OSError):
        for line in (proc / "arp").read_text("ascii").splitlines()[1:]:
            fields = line.split()
            if fields[0] == hop.address and fields[5] == hop.device:
                return bool(int(fields[2], 16) & _COMPLETE)
    return True
