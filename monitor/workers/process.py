"""A probe process: `python -m monitor.workers.process DESCRIPTOR` tries what it is asked to, until the daemon is gone.

It has no schedule, no ledger and no opinion: it says what was seen. It ends when its end of the socket does, and takes
no signal for it: a stop of the whole service reaches it too, while the daemon still has to end in order.
"""

import asyncio
import os
import resource
import signal
import socket
import sys
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import structlog

from monitor import loops, memory
from monitor.attempt import Attempts
from monitor.clock import Clock, SystemClock
from monitor.lag import Lag
from monitor.logs import configure, levels
from monitor.workers.wire import Assignment, Beat, LogLevel, Reply, Request, heard, packed
from probes.base import Probe, Steps
from probes.errors import Cause, ProbeFailureError

log = structlog.get_logger("workers")

BEAT = 1.0
"""Seconds between signs of life."""


class _Gone:
    """In the place of a probe that a reload removed while a request for it was on its way."""

    async def check(self, _steps: Steps, /) -> None:
        raise ProbeFailureError(Cause.WORKER, "a reload has removed the target")

    pulse = check


class Worker:
    """Answers one daemon."""

    def __init__(self, clock: Clock, reader: StreamReader, writer: StreamWriter) -> None:
        self._clock = clock
        self._reader = reader
        self._writer = writer
        self._lag = Lag(clock)
        self._attempts = Attempts(clock, self._lag)
        self._probes: Mapping[str, Probe] = {}

    async def run(self) -> None:
        """Serve until the daemon closes the connection."""
        async with asyncio.TaskGroup() as group:
            lag, beats = group.create_task(self._lag.run()), group.create_task(self._beat())
            tries: set[asyncio.Task[None]] = set()
            with suppress(IncompleteReadError, ConnectionError):
                while True:
                    match await heard(self._reader):
                        case Request() as request:
                            task = group.create_task(self._answer(request, self._probes.get(request.target, _Gone())))
                            tries.add(task)
                            task.add_done_callback(tries.discard)
                        case Assignment(targets, logs):
                            if self._probes:
                                levels.change(logs)
                            else:
                                configure(logs)
                            self._probes = {name: kind(options) for name, (kind, options) in targets.items()}
                        case LogLevel(subsystem, level):
                            levels.set(subsystem, level)
                            log.info("log.level_changed", of=subsystem, to=level, process=os.getpid())
            for running in (lag, beats, *tries):
                running.cancel()

    async def _answer(self, request: Request, probe: Probe) -> None:
        seen = await self._attempts.make(request.target, probe, request.limit, pulse=request.pulse)
        self._writer.write(packed(Reply(request.number, seen)))

    async def _beat(self) -> None:
        while True:
            self._writer.write(packed(Beat(self._lag.last, *_used())))
            await self._clock.sleep(BEAT)


def _used() -> tuple[float, int]:
    """CPU time of this process in seconds, and the bytes that it holds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return used.ru_utime + used.ru_stime, pages * os.sysconf("SC_PAGE_SIZE")


async def _serve(connection: socket.socket) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    await Worker(SystemClock(), reader, writer).run()


def main() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    memory.lean()
    memory.settle()
    loops.run(_serve(socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    main()
