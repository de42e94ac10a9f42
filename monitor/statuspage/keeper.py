"""The daemon's side: opens the listener, keeps the page's process running, and tells it what there is to show."""

import asyncio
import os
import socket
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import structlog

from monitor.clock import Clock
from monitor.closing import Closing
from monitor.core.book import Book
from monitor.settings import Settings
from monitor.snapshot import Snapshot
from monitor.statuspage.observing import Observer
from monitor.statuspage.view import Message, Past, Present
from monitor.statuspage.wire import packed
from monitor.web.listening import opened

SILENCE = 30.0
"""Seconds without a sign of life after which the process is killed, and another one started."""
FAREWELL = 2.0
LONGEST_PAUSE = 30.0
STEADY = 60.0
"""Seconds that a process must have lived for the next one to be started at once."""
INHERITED = ("LANG", "LC_ALL", "PATH", "PYTHONPATH", "TZ")
"""What of the environment the process gets: no `{env: NAME}` secret and no directory of credentials is in it."""

log = structlog.get_logger("web")


class StatusPage:
    """`snapshot`, `head` and `closings` are asked for what they are at the moment."""

    def __init__(
        self,
        clock: Clock,
        book: Book,
        snapshot: Callable[[], Snapshot],
        head: Callable[[], str],
        closings: Callable[[], Mapping[str, Closing]],
    ) -> None:
        self._clock = clock
        self._observer = Observer(clock, book, snapshot, head, closings, self._say)
        self._told: dict[tuple[type, str], bytes] = {}  # the newest of each, for a process that starts
        self._writer: StreamWriter | None = None
        self._listening: list[socket.socket] = []

    async def open(self, stack: AsyncExitStack, settings: Settings) -> None:
        """Listen until the stack is closed, if the configuration says where. Raises ListenError."""
        if settings.status.listen is not None:
            self._listening = await opened("status.listen", settings.status.listen)
            for one in self._listening:
                stack.callback(one.close)
        self.change(settings)

    def change(self, settings: Settings) -> None:
        if self._listening:
            self._observer.change(settings)

    async def run(self) -> None:
        """Keep a process running that shows the page, until cancelled."""
        if not self._listening:
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._observer.watch())
            group.create_task(self._observer.remember())
            await self._processes()

    async def _processes(self) -> None:
        pause = 0.0
        while True:
            began = self._clock.monotonic()
            try:
                how = await self._life()
            except OSError as error:
                how = f"it could not be started: {error.strerror or error}"
            steady = self._clock.monotonic() - began >= STEADY
            pause = 0.0 if steady else min(LONGEST_PAUSE, 2 * pause or 0.5)
            log.error("status_page.ended", how=how, again_in_s=pause)
            await self._clock.sleep(pause)

    async def _life(self) -> str:
        """One process from its start to its end; returns how it ended."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = await self._started(theirs)
            except BaseException:
                ours.close()
                raise
        try:
            reader, writer = await asyncio.open_unix_connection(sock=ours)
            try:
                for message in self._told.values():
                    writer.write(message)
                self._writer = writer
                await self._listen(reader)
            finally:
                self._writer = None
                writer.transport.abort()
            with suppress(TimeoutError):  # one that has closed its end is about to end, and says how
                async with asyncio.timeout(FAREWELL):
                    await process.wait()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            status = await process.wait()
        return f"signal {-status}" if status < 0 else f"status {status}"

    async def _started(self, theirs: socket.socket) -> asyncio.subprocess.Process:
        descriptors = [theirs.fileno(), *(one.fileno() for one in self._listening)]
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        paths = (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        return await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "monitor.statuspage.process", *map(str, descriptors),
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=descriptors,
        )  # fmt: skip

    async def _listen(self, reader: StreamReader) -> None:
        """Until the process ends, or is silent for too long."""
        with suppress(ConnectionError):
            while True:
                try:
                    async with asyncio.timeout(SILENCE):
                        if not await reader.read(64):
                            return
                except TimeoutError:
                    log.error("status_page.silent", seconds=SILENCE)  # noqa: TRY400 - one line, no traceback
                    return

    def _say(self, message: Message) -> None:
        made = packed(message)
        key = (type(message), message.name if isinstance(message, Present | Past) else "")
        self._told.pop(key, None)
        self._told[key] = made  # the newest last: of a process that starts, the sign of life tells that it knows all
        if self._writer is not None:
            self._writer.write(made)
