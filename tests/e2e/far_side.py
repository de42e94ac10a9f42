"""What stands behind the gateway: a mail server and a name server, as small as can be, until killed."""

import asyncio
import sys
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

NAME = "mx.lab.test."


async def smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mx.lab.test ESMTP\r\n")
    while line := await reader.readline():
        if line.upper().startswith(b"EHLO"):
            writer.write(b"250-mx.lab.test\r\n250 8BITMIME\r\n")
        elif line.upper().startswith(b"QUIT"):
            writer.write(b"221 bye\r\n")
            break
        else:
            writer.write(b"250 OK\r\n")
        await writer.drain()
    writer.close()


class NameServer(asyncio.DatagramProtocol):
    def __init__(self, address: str) -> None:
        self._address = address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query, recursion_available=True)
        question = query.question[0]
        if question.name.to_text() != NAME:
            answer.set_rcode(dns.rcode.REFUSED)
        elif question.rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(NAME, 1, "IN", "A", self._address))
        self._transport.sendto(answer.to_wire(), addr)


async def main(server: str, resolver: str) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: NameServer(server), local_addr=(resolver, 53))
    async with await asyncio.start_server(smtp, server, 25) as listening:
        print("ready", flush=True)
        await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
