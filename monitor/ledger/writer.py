"""The ledger's one writer: a thread of its own, so that a slow disk never holds the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from monitor.ledger.store import Batch, Ledger

T = TypeVar("T")


class Writer:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")

    @property
    def head(self) -> str:
        """The digest of the newest committed fact."""
        return self._ledger.head

    async def commit(self, batch: Batch) -> None:
        """Make a batch durable. Raises LedgerUnavailableError, with nothing of it written.

        A commit that has begun is finished even where the caller is cancelled.
        """
        await self.call(lambda ledger: ledger.commit(batch))

    async def call(self, work: Callable[[Ledger], T]) -> T:
        """Do something with the ledger in its thread."""
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._thread, work, self._ledger))

    def close(self) -> None:
        """Wait for a commit that is under way, then close the ledger."""
        self._thread.shutdown(wait=True)
        self._ledger.close()
