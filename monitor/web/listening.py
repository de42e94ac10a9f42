"""Where the daemon answers: the public listener, and the socket of the commands."""

import os
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import web

from monitor.settings import Settings
from monitor.web.server import Pages


class ListenError(Exception):
    """A listener cannot be opened; the text is one line for a person."""


async def listen(stack: AsyncExitStack, pages: Pages, settings: Settings) -> None:
    """Listen until the stack is closed. Raises ListenError."""
    public = web.AppRunner(pages.public(), access_log=None, handle_signals=False)
    control = web.AppRunner(pages.control(), access_log=None, handle_signals=False)
    for runner in (public, control):
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
    host, port = settings.web.listen
    try:
        await web.TCPSite(runner=public, host=host, port=port).start()
    except OSError as error:
        raise ListenError(f"web.listen {host}:{port}: {_plain(error)}") from error
    path = settings.control.socket
    try:
        _remove(path)
        await web.UnixSite(control, str(path)).start()
        os.chmod(path, 0o660)  # noqa: PTH101 - at start, nothing is kept waiting
    except OSError as error:
        raise ListenError(f"control.socket {path}: {_plain(error)}") from error


def _remove(path: Path) -> None:
    """A socket that a killed daemon left; the ledger's lock says that none runs."""
    path.unlink(missing_ok=True)


def _plain(error: OSError) -> str:
    """The reason alone: asyncio wraps it in a sentence of its own."""
    return os.strerror(error.errno) if error.errno else str(error)
