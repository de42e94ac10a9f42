"""The facts of a mail domain: what its zone publishes, and whether its mail exchangers agree with that."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from probes.errors import ProbeFailureError
from probes.posture import records
from probes.posture.facts import Fact, Verdict, bad, good, unknown, worst
from probes.posture.lookup import Lookup, LookupFailedError

MOST_EXCHANGERS = 5  # that are looked at closer
_LISTED = ip_network("127.0.0.0/8")
_REFUSED = ip_network("127.255.255.0/24")  # how lists answer those whom they do not serve

FACTS = ("mx", "spf", "dmarc", "mta_sts", "tlsa", "dnsbl")

Chain = Callable[[str], Awaitable[Sequence[bytes]]]
"""The certificates that an exchanger presents on port 25, in DER, its own first. Raises ProbeFailureError."""
Policy = Callable[[str], Awaitable[str]]
"""The MTA-STS policy of a domain. Raises ProbeFailureError."""


@dataclass(frozen=True, slots=True)
class Domain:
    """`lists` are DNS block lists; without `policy` an MTA-STS policy is not fetched."""

    name: str
    lookup: Lookup
    lists: Sequence[str]
    tlsa: Callable[[str, Lookup], Awaitable[Fact]]
    policy: Policy | None

    async def facts(self) -> list[Fact]:
        """All of them, in the order of `FACTS`; `dnsbl` only where there are lists."""
        exchangers, mx = await self._exchangers()
        near = exchangers[:MOST_EXCHANGERS]
        asked = [
            self._asked("spf", self._spf()),
            self._asked("dmarc", self._dmarc()),
            self._asked("mta_sts", self._mta_sts(exchangers)),
            self._asked("tlsa", self._tlsa(near)),
        ]
        if self.lists:
            asked.append(self._asked("dnsbl", self._dnsbl(near)))
        return [mx, *await asyncio.gather(*asked)]

    @staticmethod
    async def _asked(name: str, question: Awaitable[Fact]) -> Fact:
        try:
            return await question
        except (LookupFailedError, ProbeFailureError) as error:
            return unknown(name, str(error))

    async def _exchangers(self) -> tuple[list[str], Fact]:
        """The hosts by preference, and whether each has an address (RFC 5321 section 5.1, RFC 7505)."""
        try:
            found = sorted((await self.lookup.ask(self.name, "MX")).records, key=lambda one: int(one.preference))
            hosts = [str(one.exchange).rstrip(".").lower() for one in found]
            if not hosts:
                return [], bad("mx", "no MX record")
            if hosts == [""]:
                return [], bad("mx", "a null MX: the domain takes no mail")
            for host in hosts:
                if not await self.lookup.addresses(host):
                    return hosts, bad("mx", f"{host} has no address")
        except LookupFailedError as error:
            return [], unknown("mx", str(error))
        return hosts, good("mx", ", ".join(hosts))

    async def _spf(self) -> Fact:
        return records.spf((await self.lookup.ask(self.name, "TXT")).texts)

    async def _dmarc(self) -> Fact:
        """The domain's own record, else that of the nearest parent that has one."""
        labels = self.name.split(".")
        for depth in range(len(labels) - 1):
            texts = (await self.lookup.ask(".".join(["_dmarc", *labels[depth:]]), "TXT")).texts
            fact = records.dmarc(texts, inherited=depth > 0)
            if fact is not None:
                return fact
        return bad("dmarc", "no DMARC record")

    async def _mta_sts(self, exchangers: Sequence[str]) -> Fact:
        fact = records.mta_sts((await self.lookup.ask(f"_mta-sts.{self.name}", "TXT")).texts)
        if fact.verdict is not Verdict.GOOD or self.policy is None:
            return fact
        return records.mta_sts_policy(await self.policy(self.name), exchangers)

    async def _tlsa(self, exchangers: Sequence[str]) -> Fact:
        facts = await asyncio.gather(*(self.tlsa(host, self.lookup) for host in exchangers))
        return worst("tlsa", facts, unknown("tlsa", "no mail exchanger to ask about"))

    async def _dnsbl(self, exchangers: Sequence[str]) -> Fact:
        addresses = [address for host in exchangers for address in await self.lookup.addresses(host)]
        facts = await asyncio.gather(*(self._listed(a, one) for a in dict.fromkeys(addresses) for one in self.lists))
        return worst("dnsbl", facts, unknown("dnsbl", "no address of a mail exchanger to ask about"))

    async def _listed(self, address: str, block_list: str) -> Fact:
        """RFC 5782: an A record inside 127.0.0.0/8 means listed."""
        reverse = re.sub(r"\.(in-addr|ip6)\.arpa$", "", ip_address(address).reverse_pointer)
        answer = await self.lookup.ask(f"{reverse}.{block_list}", "A")
        codes = [ip_address(str(one)) for one in answer.records]
        if any(code in _REFUSED for code in codes):
            return unknown("dnsbl", f"{block_list} does not answer this resolver")
        if any(code in _LISTED for code in codes):
            return bad("dnsbl", f"{address} is listed by {block_list}")
        return good("dnsbl", "not listed")
