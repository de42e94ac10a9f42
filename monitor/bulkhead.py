"""How many checks are under way at once: more than anything normal asks for, no more than the system bears.

A host may take half of it. One that hangs, with however many targets, leaves the other half to the others.
"""

import asyncio
import resource

from monitor.metrics import Room

MOST = 8192
RESERVED = 200
"""Descriptors for listeners, clients, the ledger and what else is not a check."""
EACH = 2
"""Descriptors that a check takes: two addresses are tried side by side."""


def most() -> int:
    """What the process's limit of descriptors bears."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if limit == resource.RLIM_INFINITY else min(MOST, max((limit - RESERVED) // EACH, 8))


class Bulkhead:
    """Whoever finds no room waits for its turn: first for its host's, so that it takes nobody else's meanwhile."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._share = max(1, most // 2)
        self._taken = self._waiting = 0
        self._all = asyncio.Semaphore(most)
        self._hosts: dict[str, asyncio.Semaphore] = {}

    async def enter(self, host: str) -> None:
        """Wait for a turn; `leave` must follow."""
        own = self._hosts.get(host)
        if own is None:
            own = self._hosts[host] = asyncio.Semaphore(self._share)
        self._waiting += 1
        try:
            await own.acquire()
            try:
                await self._all.acquire()
            except BaseException:
                own.release()
                raise
        finally:
            self._waiting -= 1
        self._taken += 1

    def leave(self, host: str) -> None:
        self._taken -= 1
        self._all.release()
        self._hosts[host].release()

    @property
    def health(self) -> Room:
        return Room(self._taken, self._waiting, self._most)
