"""Connections within bounds: how many, how long for a request's head, its body, and for an answer to be taken.

Between the sockets and aiohttp, which has no such bounds. When all places are taken, the connection that has waited
longest without a request makes room: who only holds connections open keeps nobody out.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

log = structlog.get_logger("web")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, and a number of connections."""

    connections: int = 128
    handshake: float = 10.0
    head: float = 10.0
    body: float = 10.0
    answer: float = 30.0  # until the client has taken all but what the kernel and one buffer hold
    idle: float = 90.0  # longer than the usual scrape interval


REST = 1.0
"""Seconds without accepting where descriptors are short."""
FAREWELL = 5.0
"""Seconds that a TLS connection's end may take."""

Context = Callable[[], ssl.SSLContext | None]
Admits = Callable[[asyncio.BaseTransport], bool]


class Guard(asyncio.Protocol):
    """One connection: aiohttp's protocol within, a deadline around whatever the client owes."""

    def __init__(self, within: asyncio.Protocol, limits: Limits, gone: Callable[["Guard"], None]) -> None:
        self._within = within
        self._limits = limits
        self._gone = gone
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._resting = False  # between requests: nothing of a next one has come
        self._lost = False
        self.busy = False
        self.handshake: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._within.connection_made(transport)
        self._arm(self._limits.head)

    def data_received(self, data: bytes) -> None:
        if self._resting:
            self._resting = False
            self._arm(self._limits.head)  # once: a byte now and then buys no more time
        self._within.data_received(data)

    def eof_received(self) -> bool | None:
        return self._within.eof_received()

    def pause_writing(self) -> None:
        self._within.pause_writing()

    def resume_writing(self) -> None:
        self._within.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._disarm()
        self._gone(self)
        self._within.connection_lost(exc)

    def began(self) -> None:
        """A request's head is complete."""
        self.busy = True
        self._disarm()

    def done(self) -> None:
        """The answer is taken, or there is none."""
        self.busy = False
        if not self._lost:
            self._resting = True
            self._arm(self._limits.idle)

    def cut(self) -> None:
        """End at once, whatever is still to be sent."""
        if self._transport is not None:
            self._transport.abort()
        elif self.handshake is not None:
            self.handshake.cancel()

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self.cut)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class Listener:
    """Accepts on a listening socket until it is closed; `context` is asked for each connection."""

    def __init__(
        self, listening: socket.socket, server: Callable[[], asyncio.Protocol], context: Context, limits: Limits
    ) -> None:
        self._listening = listening
        self._server = server
        self._context = context
        self._limits = limits
        self._open: dict[Guard, None] = {}  # in the order in which they may have to go
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listening)
            except OSError as error:
                log.error("web.not_accepting", reason=error.strerror)  # noqa: TRY400 - one line, no traceback
                await asyncio.sleep(REST)
                continue
            if not self._room():
                connection.close()
                continue
            guard = Guard(self._server(), self._limits, self._gone)
            self._open[guard] = None
            guard.handshake = asyncio.create_task(self._connect(connection, guard))
            self._tasks.add(guard.handshake)
            guard.handshake.add_done_callback(partial(self._connected, connection, guard))

    @property
    def open(self) -> int:
        """Connections that there are."""
        return len(self._open)

    async def close(self) -> None:
        """Connections that are open are left to aiohttp."""
        self._listening.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connect(self, connection: socket.socket, guard: Guard) -> None:
        context = self._context()
        more: dict[str, Any] = {}
        if context is not None:
            more = {"ssl_handshake_timeout": self._limits.handshake, "ssl_shutdown_timeout": FAREWELL}
        if connection.family in {socket.AF_INET, socket.AF_INET6}:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: guard, connection, ssl=context, **more)

    def _connected(self, connection: socket.socket, guard: Guard, task: asyncio.Task[None]) -> None:
        """A failed handshake and a closed connection are the client's affair."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or error is not None:
            self._gone(guard)
            connection.close()
        if error is not None and not isinstance(error, OSError):
            log.error("web.connection_failed", error=type(error).__name__)

    def _room(self) -> bool:
        """Whether there is a place, or one could be made."""
        if len(self._open) < self._limits.connections:
            return True
        waiting = next((guard for guard in self._open if not guard.busy), None)
        if waiting is None:
            return False
        self._gone(waiting)
        waiting.cut()
        return True

    def _gone(self, guard: Guard) -> None:
        self._open.pop(guard, None)


def bounded(limits: Limits) -> Middleware:
    """The outermost middleware: the body within its time, and the answer taken within its own."""

    @web.middleware
    async def within_bounds(request: web.Request, handler: Handler) -> web.StreamResponse:
        guard = request.transport.get_protocol() if request.transport is not None else None
        if not isinstance(guard, Guard):
            raise ConnectionResetError
        guard.began()
        try:
            response = await handler(request)
            async with asyncio.timeout(limits.answer):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            guard.cut()
            raise ConnectionResetError from None
        finally:
            guard.done()
        return response

    return within_bounds


def whole_body(limits: Limits) -> Middleware:
    """Behind authentication: what a request brings is read at once, within its time and size."""

    @web.middleware
    async def read_first(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            async with asyncio.timeout(limits.body):
                await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout(text=f"the body did not come within {limits.body:g} s") from None
        return await handler(request)

    return read_first
