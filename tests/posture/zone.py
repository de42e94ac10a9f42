"""Decides what the DNS says in these tests: a name server of their own on loopback."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.lab.ports import HOST

SILENT = "silent"
BROKEN = "broken"
GARBAGE = "garbage"

Records = Mapping[tuple[str, str], Sequence[str] | str]
"""Records by name and type; in their place how the server misbehaves: it is silent, broken (SERVFAIL) or garbles."""


class _Server(asyncio.DatagramProtocol):
    def __init__(self, records: Records, *, authentic: bool) -> None:
        self._records = {(name.rstrip(".").lower(), kind): found for (name, kind), found in records.items()}
        self._names = {name for name, _ in self._records}
        self._authentic = authentic
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:
        query = dns.message.from_wire(data)
        answer = self._answer(query)
        assert self._transport is not None
        if answer is not None:
            self._transport.sendto(answer, addr)

    def _answer(self, query: dns.message.Message) -> bytes | None:
        question = query.question[0]
        name, kind = str(question.name).rstrip(".").lower(), dns.rdatatype.to_text(question.rdtype)
        found = self._records.get((name, kind), ())
        if found == SILENT:
            return None
        response = dns.message.make_response(query, recursion_available=True)
        if found == GARBAGE:
            return response.to_wire()[:2] + b"\xff" * 40
        if found == BROKEN:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif found:
            response.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, list(found)))
        elif name not in self._names:
            response.set_rcode(dns.rcode.NXDOMAIN)
        if self._authentic:
            response.flags |= dns.flags.AD
        return response.to_wire()


@asynccontextmanager
async def serving(records: Records, *, authentic: bool = False) -> AsyncIterator[tuple[str, int]]:
    """Serve the records; yields host and port. `authentic`: as a resolver that has validated everything."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Server(records, authentic=authentic), local_addr=(HOST, 0)
    )
    try:
        yield transport.get_extra_info("sockname")
    finally:
        transport.close()
