"""DNS questions with a deadline; every answer is a stranger's and bounded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.nameserver
import dns.resolver

LIFETIME = 5.0  # seconds for one question, all name servers and retries included
MOST = 50  # records of an answer that are looked at


class LookupFailedError(Exception):
    """Nobody gave an answer; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Records, none where the name or the type does not exist; `authentic` where the resolver validated them."""

    records: tuple[Any, ...]  # dnspython's records of the type that was asked for
    authentic: bool

    @property
    def texts(self) -> list[str]:
        """The strings of TXT records, each record's joined (RFC 7208 section 3.3)."""
        return [b"".join(one.strings).decode("utf-8", "replace") for one in self.records if hasattr(one, "strings")]


class Lookup:
    """Questions to the system's resolvers, or to those given as `address` or `address:port`."""

    def __init__(self, nameservers: Sequence[tuple[str, int]] = ()) -> None:
        self._resolver = dns.asyncresolver.Resolver(configure=not nameservers)
        if nameservers:
            self._resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in nameservers]
        self._resolver.timeout = LIFETIME / 2
        # AD in a question asks for AD in the answer (RFC 6840 section 5.7)
        self._resolver.set_flags(dns.flags.RD | dns.flags.AD)

    async def ask(self, name: str, kind: str) -> Answer:
        """Raises LookupFailedError where no answer is to be had."""
        try:
            found = await self._resolver.resolve(name, kind, search=False, raise_on_no_answer=False, lifetime=LIFETIME)
        except dns.resolver.NXDOMAIN:
            return Answer((), authentic=False)
        except dns.resolver.LifetimeTimeout:
            raise LookupFailedError(f"no answer about {name} {kind} within {LIFETIME:g} s") from None
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise LookupFailedError(f"{name} {kind}: {_plain(error)}") from None
        authentic = bool(found.response.flags & dns.flags.AD)
        return Answer(tuple(found.rrset or ())[:MOST], authentic)

    async def addresses(self, host: str) -> list[str]:
        """IPv4 and IPv6 addresses. Raises LookupFailedError."""
        return [str(record) for kind in ("A", "AAAA") for record in (await self.ask(host, kind)).records]


def _plain(error: Exception) -> str:
    return "no name server could answer" if isinstance(error, dns.resolver.NoNameservers) else type(error).__name__
