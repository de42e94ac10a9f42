"""A TCP proxy that spoils what a real server says: late, cut off, reset, drop by drop, garbled, or not at all."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.lab.ports import HOST


@dataclass(frozen=True)
class Spoiled:
    """What happens to the server's bytes; those of the client go through as they are.

    `delay`: seconds before each piece; `piece`: bytes that go at a time. After `intact` bytes comes the `end`:
    cut (a FIN), reset (an RST), black-hole (nothing more, for ever) or garbage.
    """

    delay: float = 0.0
    piece: int = 1 << 16
    intact: int | None = None
    end: str = "cut"


@asynccontextmanager
async def spoiling(port: int, how: Spoiled) -> AsyncIterator[int]:
    """The port of a proxy in front of a server's. Leaving waits until every client has gone."""
    visitors: set[asyncio.Task[None]] = set()

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        visitors.add(task)
        with contextlib.suppress(OSError):
            await _relay(port, how, reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(visit, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        async with asyncio.timeout(10):
            await asyncio.gather(*visitors)


async def _relay(port: int, how: Spoiled, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    theirs, to_them = await asyncio.open_connection(HOST, port)
    spoil = asyncio.create_task(_spoil(theirs, writer, how))
    try:
        while data := await reader.read(65536):
            to_them.write(data)
            await to_them.drain()
    finally:
        spoil.cancel()
        await asyncio.wait([spoil])
        to_them.transport.abort()


async def _spoil(source: asyncio.StreamReader, writer: asyncio.StreamWriter, how: Spoiled) -> None:
    left = how.intact
    with contextlib.suppress(OSError):
        while left is None or left > 0:
            data = await source.read(how.piece if left is None else min(how.piece, left))
            if not data:
                writer.write_eof()
                return
            await asyncio.sleep(how.delay)
            writer.write(data)
            await writer.drain()
            left = None if left is None else left - len(data)
        await _end(how.end, writer)


async def _end(end: str, writer: asyncio.StreamWriter) -> None:
    if end == "cut":
        writer.close()
    elif end == "reset":
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    elif end == "garbage":
        writer.write(bytes(range(0x80, 0x100)) + b"\r\n")
    else:
        assert end == "black-hole"
