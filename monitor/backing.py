"""Backups that a running daemon makes, one at a time."""

import asyncio
from pathlib import Path
from threading import Event

import structlog

from monitor.figures import Document
from monitor.ledger import LedgerUnavailableError
from monitor.ledger.backups import back_up

log = structlog.get_logger("backing")


class Backing:
    """Over connections of its own that only read: the ledger's writer goes on meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._under_way = asyncio.Lock()

    async def make(self, request: Document, proof: str) -> Document:
        """Back up to where a request says. Raises what `back_up` raises."""
        destination, overwrite = request.get("destination"), request.get("overwrite") is True
        if not isinstance(destination, str) or not Path(destination).is_absolute():
            raise ValueError("destination: an absolute path is expected")
        if self._under_way.locked():
            raise LedgerUnavailableError("a backup is under way; wait for its end")
        async with self._under_way:
            stopped = Event()
            try:
                made = await asyncio.to_thread(
                    back_up, self._path, Path(destination), overwrite=overwrite, stopped=stopped.is_set
                )
            finally:
                stopped.set()  # the daemon's end does not wait for it
        log.info("ledger.backed_up", **made.document(), proof=proof)
        return made.document()
