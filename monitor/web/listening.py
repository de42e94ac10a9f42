"""Where the daemon answers: the public listener, and the socket of the commands."""

import asyncio
import os
import socket
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from aiohttp import web

from monitor.settings import Settings
from monitor.settings.fields import Address
from monitor.web.guard import Context, Limits, Listener
from monitor.web.server import Pages

BACKLOG = 128
LAST_ANSWERS = 5.0
"""Seconds that requests under way have at the daemon's end."""


class ListenError(Exception):
    """A listener cannot be opened; the text is one line for a person."""


async def listen(stack: AsyncExitStack, pages: Pages, settings: Settings, limits: Limits | None = None) -> None:
    """Listen until the stack is closed. Raises ListenError."""
    limits = limits or Limits()
    for listening in await opened("web.listen", settings.web.listen):
        await serve(stack, pages.public(limits), listening, pages.context, limits)
    await serve(stack, pages.control(limits), _control(settings.control.socket), lambda: None, limits)


async def serve(
    stack: AsyncExitStack, app: web.Application, listening: socket.socket, context: Context, limits: Limits
) -> Listener:
    """Serve on a socket that listens, until the stack is closed."""
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        keepalive_timeout=limits.idle,
        lingering_time=limits.body,
        shutdown_timeout=LAST_ANSWERS,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    assert runner.server is not None  # noqa: S101 - as setup has made one
    listener = Listener(listening, runner.server, context, limits)
    accepting = asyncio.create_task(listener.run(), name="accepting")
    stack.push_async_callback(_stop, listener, accepting)
    return listener


async def _stop(listener: Listener, accepting: asyncio.Task[None]) -> None:
    accepting.cancel()
    with suppress(asyncio.CancelledError):
        await accepting
    await listener.close()


async def opened(key: str, address: Address) -> list[socket.socket]:
    """A socket that listens for each address of the host. Raises ListenError, by the key of the configuration."""
    sockets: list[socket.socket] = []
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, _, _, _, place in dict.fromkeys(found):
            made = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(made)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind(place)
            _begin(made)
    except OSError as error:
        for one in sockets:
            one.close()
        raise ListenError(f"{key} {address}: {_plain(error)}") from error
    return sockets


def _control(path: Path) -> socket.socket:
    """The socket of the commands: its mode is set before it listens."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)  # one that a killed daemon left; the ledger's lock says that none runs
        made.bind(str(path))
        path.chmod(0o660)
        _begin(made)
    except OSError as error:
        made.close()
        raise ListenError(f"control.socket {path}: {_plain(error)}") from error
    return made


def _begin(made: socket.socket) -> None:
    made.setblocking(False)
    made.listen(BACKLOG)


def _plain(error: OSError) -> str:
    """The reason alone: a resolver's errors have numbers of their own."""
    if isinstance(error, socket.gaierror):
        return error.strerror or str(error)
    return os.strerror(error.errno) if error.errno else str(error)
