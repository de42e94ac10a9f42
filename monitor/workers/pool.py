"""The daemon's side of its probe processes: starts them, hands out what is to be tried, and starts them again.

A target belongs to one process, by its name, so that a server which brings its process down takes few others along;
while that one is not up, the next that is helps out. What a process was trying when it ended is `unknown`: nobody saw
how it would have gone on.
"""

import asyncio
import os
import socket
import sys
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any
from zlib import crc32

import structlog

from monitor.attempt import Attempt
from monitor.clock import Clock
from monitor.core.instants import SECOND, Duration
from monitor.logs import levels
from monitor.metrics import WorkerHealth
from monitor.runner import Target
from monitor.settings.sections import LogSettings
from monitor.workers.wire import Assignment, Beat, LogLevel, Reply, Request, heard, packed
from probes.base import Evidence
from probes.errors import Cause
from probes.processes import own_path

SILENCE = 10
"""Seconds without a sign of life, as the daemon counts them while it is awake itself, after which one is killed."""
GRACE = 30.0
"""Seconds beyond a try's own deadline after which its answer is not waited for any longer."""
PATIENCE = 10.0
"""Seconds that the first checks wait for the processes to start."""
LONGEST_PAUSE = 30.0
STEADY = 60.0
"""Seconds that a process must have lived for the next one to be started at once."""

log = structlog.get_logger("workers")


class WorkerGoneError(Exception):
    """A process ended, or does not answer; the text says how."""


class Seat:
    """The place of one process, which may end and be followed by another."""

    def __init__(self, clock: Clock, name: str, came_up: asyncio.Condition) -> None:
        self._clock = clock
        self.name = name
        self._came_up = came_up
        self._writer: StreamWriter | None = None
        self._assignment = b""
        self._levels: dict[str, bytes] = {}
        self._waiting: dict[int, asyncio.Future[Attempt]] = {}
        self._numbers = count()
        self._heard = False
        self._restarts = 0
        self._beat = Beat(0.0, 0.0, 0)

    @property
    def up(self) -> bool:
        return self._writer is not None

    @property
    def health(self) -> WorkerHealth:
        beat = self._beat
        return WorkerHealth(self.name, self.up, self._restarts, len(self._waiting), beat.lag, beat.cpu, beat.resident)

    @property
    def _orders(self) -> bytes:
        """All that a process has to be told before it may try anything."""
        return self._assignment + b"".join(self._levels.values())

    def assign(self, assignment: bytes) -> None:
        self._assignment, self._levels = assignment, {}
        if self._writer is not None:
            self._writer.write(assignment)

    def set_level(self, subsystem: str, order: bytes) -> None:
        self._levels[subsystem] = order
        if self._writer is not None:
            self._writer.write(order)

    async def make(self, target: str, limit: Duration, *, pulse: bool) -> Attempt:
        """Have the process try. Raises WorkerGoneError."""
        if self._writer is None:
            raise WorkerGoneError("it is not up")
        number = next(self._numbers)
        answer: asyncio.Future[Attempt] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(packed(Request(number, target, limit, pulse)))
            async with asyncio.timeout(limit / SECOND + GRACE):
                return await answer
        except TimeoutError:
            raise WorkerGoneError("it did not answer") from None
        finally:
            self._waiting.pop(number, None)

    async def run(self) -> None:
        """Keep a process running until cancelled."""
        pause = 0.0
        while True:
            began = self._clock.monotonic()
            how = await self._life()
            failed = len(self._waiting)
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(WorkerGoneError(how))
            steady = self._clock.monotonic() - began >= STEADY
            pause = 0.0 if steady else min(LONGEST_PAUSE, 2 * pause or 0.5)
            self._restarts += 1
            log.error("worker.ended", worker=self.name, how=how, checks_lost=failed, again_in_s=pause)
            await self._clock.sleep(pause)

    async def _life(self) -> str:
        """One process from its start to its end; returns how it ended."""
        try:
            async with _process() as (process, reader, writer):
                try:
                    told = self._orders
                    writer.write(told)
                    await self._listen(reader, writer, told)
                finally:
                    self._writer = None
                    writer.close()
                return await _ending(process)
        except OSError as error:
            return f"it could not be started: {error.strerror or error}"

    async def _listen(self, reader: StreamReader, writer: StreamWriter, told: bytes) -> None:
        """Take what the process says, until it has ended or is silent for too long; `told` is what it knows."""
        watch = asyncio.create_task(self._watch(writer))
        try:
            while True:
                message = await heard(reader)
                self._heard = True
                if self._writer is None:  # its first word: it has been told its targets, and tries from now on
                    self._writer = writer
                    if self._orders != told:  # a reload while it started
                        writer.write(self._orders)
                    async with self._came_up:
                        self._came_up.notify_all()
                match message:
                    case Reply(number, attempt):
                        answer = self._waiting.get(number)
                        if answer is not None and not answer.done():
                            answer.set_result(attempt)
                    case Beat():
                        self._beat = message
        except (IncompleteReadError, ConnectionError):
            return
        finally:
            watch.cancel()

    async def _watch(self, writer: StreamWriter) -> None:
        silent = 0
        while silent < SILENCE:
            self._heard = False
            await self._clock.sleep(1.0)
            silent = 0 if self._heard else silent + 1
        log.error("worker.silent", worker=self.name, seconds=SILENCE)
        writer.transport.abort()


class Pool:
    """`size` processes; `run` keeps them going until cancelled."""

    def __init__(self, clock: Clock, size: int) -> None:
        self._clock = clock
        self._came_up = asyncio.Condition()
        self._suspect: set[str] = set()  # targets whose try is under way, or took its process along
        self._seats = [Seat(clock, str(number), self._came_up) for number in range(size)]

    @property
    def health(self) -> tuple[WorkerHealth, ...]:
        return tuple(seat.health for seat in self._seats)

    def assign(self, targets: Iterable[Target], logs: LogSettings) -> None:
        """From now on these may be tried; what is under way goes on as it was."""
        probes: dict[str, Any] = {target.name: target.probe for target in targets if self.takes(target)}
        made = {name: (type(probe), probe.options) for name, probe in probes.items()}
        assignment = packed(Assignment(made, logs))
        for seat in self._seats:
            seat.assign(assignment)

    def set_level(self, subsystem: str, level: str) -> None:
        """How much is logged, here and in the processes, until the next reload. Raises ValueError as `levels` does."""
        levels.set(subsystem, level)
        for seat in self._seats:
            seat.set_level(subsystem, packed(LogLevel(subsystem, level)))

    def takes(self, target: Target) -> bool:
        """Whether a target is tried out there. A round trip is not: its tokens stand in the ledger."""
        return bool(self._seats) and not target.borrows

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for seat in self._seats:
                group.create_task(seat.run())

    async def came_up(self) -> None:
        """Wait until every process is up, or for as long as one may take to start."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE), self._came_up:
                await self._came_up.wait_for(lambda: all(seat.up for seat in self._seats))

    async def make(self, target: Target, limit: Duration, *, pulse: bool) -> Attempt:
        """Have a target tried once; where the process is lost meanwhile, an attempt that says so."""
        at, began = self._clock.now(), self._clock.monotonic()
        try:
            seat = await self._seat_of(target.name, limit)
            self._suspect.add(target.name)
            seen = await seat.make(target.name, limit, pulse=pulse)
        except TimeoutError:
            how = "no probe process is up"
        except WorkerGoneError as error:
            how = f"the probe process that tried it: {error}"
        else:
            self._suspect.discard(target.name)
            return seen
        duration = round((self._clock.monotonic() - began) * SECOND)
        return Attempt(at, began, duration, Cause.WORKER, how, (), None, Evidence(), 0, 0.0)

    async def _seat_of(self, name: str, limit: Duration) -> Seat:
        """Its own where that is up, else the next one that is. Raises TimeoutError.

        What its own did not survive trying last is lent to none.
        """
        own = crc32(name.encode()) % len(self._seats)
        if self._seats[own].up:
            return self._seats[own]
        turns = [self._seats[own]] if name in self._suspect else [*self._seats[own:], *self._seats[:own]]
        async with asyncio.timeout(limit / SECOND), self._came_up:
            await self._came_up.wait_for(lambda: any(seat.up for seat in turns))
        return next(seat for seat in turns if seat.up)


@asynccontextmanager
async def _process() -> AsyncIterator[tuple[Process, StreamReader, StreamWriter]]:
    """A probe process and the connection to it; afterwards neither is left."""
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "monitor.workers.process", str(theirs.fileno()),
                env={**os.environ, "PYTHONPATH": own_path()},
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )  # fmt: skip
        except BaseException:
            ours.close()
            raise
    try:
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        yield process, reader, writer
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _ending(process: Process) -> str:
    """How a process that has closed its connection, or was cut off, ends."""
    with suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            status = await process.wait()
            return f"it was ended by signal {-status}" if status < 0 else f"it ended with status {status}"
    return "it did not answer any more, and was killed"
