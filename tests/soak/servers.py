"""Run as a program: mail servers that follow a script, until standard input ends.

The script is JSON: of each server the stretches in which it is out of order, as [start, end, how] in seconds. It begins
at the instant of the wall clock that is read from standard input. The ports are printed on one line.
"""

import asyncio
import json
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from tests.lab.ports import HOST

HOW = ("hangs up", "hangs", "is busy")


@dataclass(frozen=True)
class Stretch:
    """Out of order from `start` to `end`, in seconds from the beginning."""

    start: float
    end: float
    how: str


def script(random: Random, seconds: float) -> list[Stretch]:
    """Outages of one server, each longer than a daemon takes to start, with quiet between them."""
    found: list[Stretch] = []
    now = random.uniform(2, 8)
    while (end := now + random.uniform(20, 40)) < seconds:
        found.append(Stretch(now, end, random.choice(HOW)))
        now = end + random.uniform(15, 30)
    return found


class Server:
    begin = float("inf")

    def __init__(self, stretches: list[Stretch]) -> None:
        self._stretches = stretches

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        now = time.time() - Server.begin
        how = next((one.how for one in self._stretches if one.start <= now < one.end), None)
        with suppress(OSError):
            if how == "hangs":
                await reader.read()  # until the client has had enough
            elif how == "is busy":
                writer.write(b"421 mail.example.org too busy\r\n")
            elif how is None:
                await self._talk(reader, writer)
        writer.transport.abort() if how == "hangs up" else writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        while line := await reader.readline():
            bye = line.strip().upper() == b"QUIT"
            writer.write(b"221 bye\r\n" if bye else b"250 mail.example.org\r\n")
            if bye:
                return


async def main(scripts: list[list[Stretch]]) -> None:
    servers = [await asyncio.start_server(Server(one).serve, HOST, 0) for one in scripts]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    if begin := await asyncio.to_thread(sys.stdin.readline):
        Server.begin = float(begin)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main([[Stretch(*one) for one in each] for each in json.loads(sys.argv[1])]))
