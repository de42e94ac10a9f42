"""A server that says what its script says, true to its protocol or not, and remembers what it heard."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


class Peer:
    """The client, as the script sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.tag = ""  # of the command being answered, for protocols that have tags

    async def say(self, text: bytes) -> None:
        if self.writer.is_closing():  # else uvloop calls it a mistake of the program
            raise ConnectionResetError
        self.writer.write(text.replace(b"%T", self.tag.encode()))
        await self.writer.drain()

    async def hear(self) -> bytes:
        return await self.reader.readline()


Act = bytes | Callable[[Peer], Awaitable[None]]


async def close(peer: Peer) -> None:
    peer.writer.close()


async def reset(peer: Peer) -> None:
    """Close with an RST instead of a FIN."""
    sock = peer.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.writer.transport.abort()


async def half_close(peer: Peer) -> None:
    """Say no more, go on listening."""
    peer.writer.write_eof()
    await stall(peer)


async def stall(peer: Peer) -> None:
    """Answer nothing until the client has gone."""
    while await peer.reader.read(65536):
        pass


def flood(text: bytes) -> Act:
    """Say the same without end, until the client has gone."""

    async def act(peer: Peer) -> None:
        while True:
            await peer.say(text)

    return act


class Deluge:
    """Say the same until the client has gone or so many bytes are on their way; `accepted` is how many went."""

    def __init__(self, text: bytes, most: int) -> None:
        self._text = text
        self._most = most
        self.accepted = 0

    async def __call__(self, peer: Peer) -> None:
        while self.accepted < self._most:
            await peer.say(self._text)
            self.accepted += len(self._text)


def drip(text: bytes, seconds: float = 0.01) -> Act:
    """One byte at a time, again and again, never a line end."""

    async def act(peer: Peer) -> None:
        while True:
            for byte in text:
                await peer.say(bytes([byte]))
                await asyncio.sleep(seconds)

    return act


def then_close(text: bytes) -> Act:
    async def act(peer: Peer) -> None:
        await peer.say(text)
        await close(peer)

    return act


def in_turn(*acts: Act) -> Act:
    """Another answer each time, over all connections."""
    left = list(acts)

    async def act(peer: Peer) -> None:
        await perform(left.pop(0), peer)

    return act


def bytewise(text: bytes) -> Act:
    """The right answer in the smallest pieces."""

    async def act(peer: Peer) -> None:
        for byte in text.replace(b"%T", peer.tag.encode()):
            await peer.say(bytes([byte]))

    return act


def upgrade(answer: bytes, context: ssl.SSLContext) -> Act:
    """Answer, then do the server's side of the TLS handshake."""

    async def act(peer: Peer) -> None:
        await peer.say(answer)
        await peer.writer.start_tls(context)

    return act


@dataclass
class Script:
    """What to say first, and to each command by its verb; the verb "*" stands for all others."""

    greeting: Act
    replies: dict[str, Act]
    tagged: bool = False
    tls: ssl.SSLContext | None = None  # from the first byte
    port: int = 0
    heard: list[bytes] = field(default_factory=list)
    visits: int = 0

    def but(self, **changes: Act) -> "Script":
        """The same script with other answers; `greeting` stands for the greeting."""
        greeting = changes.pop("greeting", self.greeting)
        return Script(greeting, self.replies | changes, self.tagged, self.tls)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        peer = Peer(reader, writer)
        with contextlib.suppress(OSError, ValueError):  # the client has had enough
            await perform(self.greeting, peer)
            while not writer.is_closing() and (line := await peer.hear()):
                self.heard.append(line)
                words = line.decode(errors="replace").split()
                if self.tagged and words:
                    peer.tag = words.pop(0)
                verb = words[0].upper() if words else ""
                await perform(self.replies.get(verb, self.replies["*"]), peer)
        writer.transport.abort()
        with contextlib.suppress(OSError):  # seen here, lest the event loop complain of it
            await writer.wait_closed()


async def perform(act: Act, peer: Peer) -> None:
    if isinstance(act, bytes):
        await peer.say(act)
    else:
        await act(peer)


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[Script]:
    """Serve the script on loopback. Leaving waits until every client has gone: a leaked connection hangs here."""
    visitors: set[asyncio.Task[None]] = set()

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        visitors.add(task)
        await script.serve(reader, writer)

    server = await asyncio.start_server(visit, "127.0.0.1", 0, ssl=script.tls)
    script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()
        async with asyncio.timeout(5):
            await asyncio.gather(*visitors, return_exceptions=True)
