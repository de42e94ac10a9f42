"""Real servers on loopback that are well or ill as they are told, for as long as they are told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.probes.scripted import Peer, Script, reset, stall

POLITE = {
    "smtp": Script(b"220 mx\r\n", {"EHLO": b"250-mx\r\n250 HELP\r\n", "QUIT": b"221 bye\r\n", "*": b"250 ok\r\n"}),
    "pop3": Script(b"+OK hi\r\n", {"CAPA": b"+OK\r\nUIDL\r\n.\r\n", "QUIT": b"+OK bye\r\n", "*": b"-ERR\r\n"}),
}
KINDS = tuple(POLITE)


async def babble(peer: Peer) -> None:
    await peer.say(b"\xff\x00 what?\r\n" * 40)
    await stall(peer)


ILL = {"hanging": stall, "resetting": reset, "babbling": babble}


class Server:
    """One port; `mood` is well, refusing or one of the ill ones."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.port = 0
        self._mood = "well"
        self._server: asyncio.Server | None = None
        self._visits: set[asyncio.Task[None]] = set()

    async def become(self, mood: str) -> None:
        before, self._mood = self._mood, mood
        if mood == "refusing":
            await self.close()
        elif before == "refusing":
            await self.open()
        elif mood == "well":
            self._hang_up()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._visit, "127.0.0.1", self.port, backlog=64)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._hang_up()

    def target(self, name: str) -> dict[str, Any]:
        return {"name": name, "type": self.kind, "host": "127.0.0.1", "port": self.port, "tls": "none"}

    def _hang_up(self) -> None:
        for visit in self._visits:
            visit.cancel()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._visits.add(task)
        polite = POLITE[self.kind]
        ill = ILL.get(self._mood)
        try:
            await Script(ill or polite.greeting, polite.replies).serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._visits.discard(task)


@asynccontextmanager
async def herd(number: int) -> AsyncIterator[Sequence[Server]]:
    servers = [Server(KINDS[place % len(KINDS)]) for place in range(number)]
    try:
        for server in servers:
            await server.open()
        yield servers
    finally:
        for server in servers:
            await server.close()
