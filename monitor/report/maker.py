"""Has reports made by a process of its own, one at a time, and killed at a deadline."""

import asyncio
import os
import sys
from contextlib import suppress

from monitor.report.gathering import UnknownServiceError
from monitor.report.process import UNKNOWN_SERVICE, Request
from probes.processes import own_path

DEADLINE = 600.0
"""Seconds for one report; a PDF of 320 agencies takes ten."""


class NotMadeError(Exception):
    """The report could not be made; the text is one line."""


class Maker:
    def __init__(self, deadline: float = DEADLINE) -> None:
        self._deadline = deadline
        self._turn = asyncio.Lock()

    async def make(self, request: Request) -> bytes:
        """Raises NotMadeError and UnknownServiceError; a caller that is cancelled leaves no process behind."""
        async with self._turn:
            return await self._made(request)

    async def _made(self, request: Request) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "monitor.report.process",
                env={**os.environ, "PYTHONPATH": own_path()},
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
        except OSError as error:
            raise NotMadeError(error.strerror or "no process") from None
        try:
            async with asyncio.timeout(self._deadline):
                made, said = await process.communicate(request.document())
        except TimeoutError:
            raise NotMadeError(f"not made within {self._deadline:.0f} s") from None
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if process.returncode or not made:
            lines = said.decode(errors="replace").strip().splitlines()
            if process.returncode == UNKNOWN_SERVICE and lines:
                raise UnknownServiceError(lines[-1])
            raise NotMadeError(lines[-1][:300] if lines else f"it ended with status {process.returncode}")
        return made
