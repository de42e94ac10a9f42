"""What dialogues in lines have in common: they arrive bounded, wait in a queue, and end with the connection."""

import asyncio
from collections import deque
from typing import cast

from probes import net
from probes.base import Steps
from probes.errors import ProbeFailureError
from probes.lines import LineBuffer


class LineProtocol(net.Prompt, asyncio.Protocol):
    """Subclasses take from `_buffer` what is a line of theirs; the bounds are those of `LineBuffer`."""

    def __init__(self, steps: Steps) -> None:
        self.transport: asyncio.Transport | None = None
        self._steps = steps
        self._buffer = LineBuffer()
        self._lines: deque[str] = deque()
        self._failure: ProbeFailureError | None = None
        self._more = asyncio.Event()

    @property
    def protocol(self) -> asyncio.Protocol:
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._failure:
            return
        try:
            self._buffer.push(data)
            while self._consumed():
                pass
        except ProbeFailureError as failure:
            self._fail(failure)
        self._more.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(net.lost(exc))

    def _consumed(self) -> bool:
        """Take the next piece of what has come; False where it is not whole yet."""
        line = self._buffer.line()
        if line is not None:
            self._lines.append(line.decode(errors="replace"))
        return line is not None

    @property
    def _unasked(self) -> bool:
        """Whether something has come that nobody waits for."""
        return bool(self._lines or self._buffer)

    def _send(self, line: str, shown: str) -> None:
        """Write a command, of which `shown` may be shown."""
        if self._failure:
            raise self._failure
        self._steps.said("C", shown)
        net.send(self.transport, line.encode() + b"\r\n")
        self.acknowledge()

    async def _line(self) -> str:
        """The next line; what came before the connection ended counts."""
        while not self._lines:
            if self._failure:
                raise self._failure
            self._more.clear()
            await self._more.wait()
        line = self._lines.popleft()
        self._steps.said("S", line)
        return line

    def _fail(self, failure: ProbeFailureError) -> None:
        self._failure = self._failure or failure
        self._more.set()
        if self.transport is not None:
            self.transport.abort()
