"""Clients that hold on to connections, as raw sockets; the limits are short, and what is waited for is the end."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from monitor.settings.fields import Address
from monitor.web.guard import Limits, Listener, bounded, whole_body
from monitor.web.listening import _control, opened, serve

SHORT = Limits(connections=4, handshake=0.3, head=0.3, body=0.3, answer=0.3, idle=0.3)
PATIENT = Limits(connections=4)
LARGE = 32 * 1024 * 1024
PATIENCE_S = 30.0


@dataclass
class Clients:
    listener: Listener
    family: int
    place: Any

    def __call__(self) -> socket.socket:
        """A new connection."""
        made = socket.socket(self.family)
        made.connect(self.place)
        made.setblocking(False)
        return made

    async def until_gone(self) -> None:
        """Until the listener has no connection left."""
        async with asyncio.timeout(PATIENCE_S):
            while self.listener.open:  # noqa: ASYNC110 - it says nothing when one goes
                await asyncio.sleep(0.01)


async def _answer(request: web.Request) -> web.Response:
    return web.Response(body=b"x" * LARGE if request.path == "/large" else request.path.encode())


async def _hold(request: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


@asynccontextmanager
async def listening(
    limits: Limits, directory: Path, *, unix: bool = False, context: ssl.SSLContext | None = None
) -> AsyncIterator[Clients]:
    """Either listener over a few pages; yields what connects to it."""
    app = web.Application(middlewares=[bounded(limits), whole_body(limits)], client_max_size=1024)
    app.add_routes([web.get("/hold", _hold), web.get("/{page}", _answer), web.post("/{page}", _answer)])
    async with AsyncExitStack() as stack:
        (own,) = [_control(directory / "socket")] if unix else await opened("web.listen", Address("127.0.0.1", 0))
        place = own.getsockname()
        yield Clients(await serve(stack, app, own, lambda: context, limits), own.family, place)


async def until_cut(client: socket.socket) -> bytes:
    """All that comes until the other side ends it; hangs, and so fails, where it does not."""
    loop, said = asyncio.get_running_loop(), b""
    async with asyncio.timeout(PATIENCE_S):
        with suppress(ConnectionResetError):
            while part := await loop.sock_recv(client, 65536):
                said += part
    client.close()
    return said


async def asked(client: socket.socket, path: str = "/page") -> bytes:
    """The head of an answer; the connection stays open."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    async with asyncio.timeout(PATIENCE_S):
        return await loop.sock_recv(client, 65536)


unix_or_tcp = pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])


@unix_or_tcp
async def test_who_never_ends_the_head_of_a_request_is_cut_though_bytes_keep_coming(unix: bool, tmp_path: Path) -> None:
    async with listening(SHORT, tmp_path, unix=unix) as connect:
        client, silent = connect(), connect()

        async def drip() -> None:
            await asyncio.get_running_loop().sock_sendall(client, b"GET /page HTTP/1.1\r\n")
            while True:
                await asyncio.get_running_loop().sock_sendall(client, b"X-Drip: 1\r\n")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert await until_cut(client) == b""
        dripping.cancel()
        with suppress(asyncio.CancelledError, OSError):
            await dripping
        assert await until_cut(silent) == b""


@unix_or_tcp
async def test_who_never_ends_a_body_is_told_and_cut(unix: bool, tmp_path: Path) -> None:
    async with listening(SHORT, tmp_path, unix=unix) as connect:
        client = connect()
        head = b"POST /page HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nbegun"
        await asyncio.get_running_loop().sock_sendall(client, head)
        assert (await until_cut(client)).startswith(b"HTTP/1.1 408")


@unix_or_tcp
async def test_who_does_not_take_a_large_answer_is_cut(unix: bool, tmp_path: Path) -> None:
    async with listening(SHORT, tmp_path, unix=unix) as connect:
        slow = connect()
        assert (await asked(slow, "/large")).startswith(b"HTTP/1.1 200")
        await connect.until_gone()
        assert len(await until_cut(slow)) < LARGE  # what the kernel holds still comes


@unix_or_tcp
async def test_who_asks_nothing_more_is_cut_in_the_end(unix: bool, tmp_path: Path) -> None:
    async with listening(SHORT, tmp_path, unix=unix) as connect:
        client = connect()
        assert b"/page" in await asked(client)
        assert await until_cut(client) == b""


@unix_or_tcp
async def test_heads_and_bodies_beyond_their_size_are_refused(unix: bool, tmp_path: Path) -> None:
    refused = {
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n": b"400",
        b"GET /page HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n": b"400",
        b"GET /page HTTP/1.1\r\n" + b"X: a\r\n" * 500 + b"\r\n": b"400",
        b"POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n" + b"a" * 5000: b"413",
    }
    async with listening(PATIENT, tmp_path, unix=unix) as connect:
        for request, status in refused.items():
            client = connect()
            await asyncio.get_running_loop().sock_sendall(client, request)
            async with asyncio.timeout(PATIENCE_S):
                assert (await asyncio.get_running_loop().sock_recv(client, 4096)).split(b" ")[1] == status
            client.close()


@unix_or_tcp
async def test_who_only_holds_connections_keeps_nobody_out(unix: bool, tmp_path: Path) -> None:
    async with listening(PATIENT, tmp_path, unix=unix) as connect:
        kept = connect()
        assert b"/page" in await asked(kept)
        holding = [connect() for _ in range(20)]
        late = connect()
        assert b"/page" in await asked(late)
        for one in holding[:16]:
            assert await until_cut(one) == b""
        for one in (*holding, late, kept):
            one.close()


@unix_or_tcp
async def test_beyond_the_bound_of_requests_under_way_nobody_more_comes_in(unix: bool, tmp_path: Path) -> None:
    async with listening(PATIENT, tmp_path, unix=unix) as connect:
        busy = [connect() for _ in range(PATIENT.connections)]
        for one in busy:
            await asyncio.get_running_loop().sock_sendall(one, b"GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.sleep(0)
        late = connect()
        assert await until_cut(late) == b""
        for one in busy:
            one.close()


async def test_a_handshake_that_never_ends_is_cut(tmp_path: Path) -> None:
    async with listening(SHORT, tmp_path, context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as connect:
        silent, odd = connect(), connect()
        await asyncio.get_running_loop().sock_sendall(odd, b"\x16\x03\x01")
        assert await until_cut(silent) == b""
        assert await until_cut(odd) == b""
