"""What `/probe` may connect to: names, names with a port, everything below a domain, and networks (pure).

A name that a rule lists may have any address. What no rule lists by name may still lie in a listed network; then
each address that the name has is judged, and only those inside may be connected to.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Rule:
    """A `name` (`*.` in front: everything below it), with a port or with any; or a network."""

    name: str = ""
    port: int | None = None
    network: Network | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError for what is none of the forms."""
        if "/" in text:
            return cls(network=ip_network(text))
        host, port = split(text)
        bare = host.removeprefix("*.")
        if "*" in bare or not bare.strip("."):
            raise ValueError(f'"{text}" is neither a host, nor host:port, nor *.domain, nor a network')
        return cls(("*." if host.startswith("*.") else "") + plain(bare), port)

    def names(self, host: str, port: int | None) -> bool:
        if not self.name or (self.port is not None and self.port != port):
            return False
        if self.name.startswith("*."):
            return host.endswith(self.name[1:])
        return host == self.name


@dataclass(frozen=True, slots=True)
class Admission:
    rules: tuple[Rule, ...]

    @classmethod
    def of_hosts(cls, hosts: Iterable[str]) -> Self:
        """These names with any port, and nothing else."""
        return cls(tuple(Rule(plain(host)) for host in hosts))

    def by_name(self, host: str, port: int | None) -> bool:
        return any(rule.names(plain(host), port) for rule in self.rules)

    @property
    def has_networks(self) -> bool:
        """Whether a name that no rule lists can be admitted by its addresses at all."""
        return any(rule.network is not None for rule in self.rules)

    def by_address(self, text: str) -> bool:
        """Whether an address, as a socket shows it, lies in a listed network."""
        address = ip_address(text.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(rule.network is not None and address in rule.network for rule in self.rules)


def plain(host: str) -> str:
    """A host as rules compare it: of two ways to write a name or an address, one."""
    try:
        return str(ip_address(host))
    except ValueError:
        return host.rstrip(".").lower()


def split(text: str) -> tuple[str, int | None]:
    """`host`, `host:port`, `[::1]:port` or a bare IPv6 address. Raises ValueError."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f'"{text}" is not host:port')
        return str(IPv6Address(host)), _port(rest[1:], text) if rest else None
    if text.count(":") > 1:
        return str(IPv6Address(text)), None
    host, colon, port = text.partition(":")
    if not host:
        raise ValueError(f'"{text}" names no host')
    return host, _port(port, text) if colon else None


def _port(digits: str, text: str) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 5 and 1 <= int(digits) <= 65535):
        raise ValueError(f'"{text}" has no port between 1 and 65535')
    return int(digits)
