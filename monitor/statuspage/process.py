"""The page's process: `python -m monitor.statuspage.process DAEMON LISTENER...`, all of them descriptors.

It knows what the daemon tells it, and nothing else: no ledger, no password, no configuration but the page's own. It
ends when the daemon is gone, and takes no signal for it: a stop of the whole service reaches it too.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from contextlib import AsyncExitStack, suppress

import structlog
from aiohttp import web_response

from monitor import loops, memory
from monitor.clock import Clock, SystemClock
from monitor.logs import configure, levels
from monitor.settings.problems import ConfigurationError
from monitor.statuspage.board import Board
from monitor.statuspage.server import application
from monitor.statuspage.view import Beat, Site
from monitor.statuspage.wire import ALIVE, heard
from monitor.web.access import terms_of
from monitor.web.gate import Gate
from monitor.web.guard import Limits
from monitor.web.listening import serve

log = structlog.get_logger("web")

KINDNESS = 10
"""How far readers stand back behind checks where both want the processor."""
BEAT = 1.0
LIMITS = Limits(connections=1024, idle=20.0)
"""A crowd comes when there is an outage; each of it is soon answered."""


async def _run(clock: Clock, daemon: socket.socket, listening: list[socket.socket]) -> None:
    """Show what is told, from when there is something to show until the daemon is gone."""
    reader, writer = await asyncio.open_unix_connection(sock=daemon)
    board = Board(clock)
    beats = asyncio.create_task(_beat(clock, writer))
    async with AsyncExitStack() as stack:
        stack.callback(beats.cancel)
        with suppress(IncompleteReadError, ConnectionError):
            gate = await _until_told(clock, reader, board)
            stack.callback(gate.close)
            app = application(board, gate, LIMITS)
            for number, one in enumerate(listening):
                await serve(stack, app if not number else application(board, gate, LIMITS), one, gate.context, LIMITS)
            while True:
                message = await heard(reader)
                board.take(message)
                if isinstance(message, Site):
                    _change(gate, message)


async def _until_told(clock: Clock, reader: StreamReader, board: Board) -> Gate:
    """Take messages up to the first sign of life: then everything was said once."""
    gate = None
    while True:
        message = await heard(reader)
        board.take(message)
        if isinstance(message, Site):
            configure(message.log)
            logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # it has a word for every scan of the port
            gate = Gate(clock, terms_of(message.config_file))
        elif isinstance(message, Beat) and gate is not None:
            return gate


def _change(gate: Gate, site: Site) -> None:
    """The daemon has read the web configuration before it said so; who changes it at that moment is told."""
    levels.change(site.log)
    try:
        gate.change(terms_of(site.config_file))
    except ConfigurationError as error:
        log.error("web_configuration.refused", problem=str(error))  # noqa: TRY400 - the line is all of it


async def _beat(clock: Clock, writer: StreamWriter) -> None:
    while True:
        writer.write(ALIVE)
        await clock.sleep(BEAT)


def main() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):  # where a sandbox does not let it, all have the same share
        os.nice(KINDNESS)
    vars(web_response)["SERVER_SOFTWARE"] = "mailuptime"  # no versions either where what came is no HTTP at all
    memory.lean()
    memory.settle()
    daemon, *listening = (socket.socket(fileno=int(number)) for number in sys.argv[1:])
    for one in listening:
        one.setblocking(False)
    try:
        loops.run(_run(SystemClock(), daemon, listening))
    except ConfigurationError as error:  # a web configuration that was changed just now; the next process tries again
        log.error("web_configuration.refused", problem=str(error))  # noqa: TRY400 - the line is all of it


if __name__ == "__main__":
    main()
