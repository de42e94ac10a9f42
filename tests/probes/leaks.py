"""Decides what counts as left behind by a check."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """No descriptor and no task more than before."""
    await _settled()
    before, tasks = _descriptors(), asyncio.all_tasks()
    yield
    await _settled()
    assert _descriptors() == before
    assert asyncio.all_tasks() == tasks


async def _settled() -> None:
    """The loop closes what was aborted in one of its next turns."""
    for _ in range(3):
        await asyncio.sleep(0)


def _descriptors() -> int:
    """How many are open, but for the one that uvloop keeps in reserve once it has had a connection."""
    return sum(1 for one in Path("/proc/self/fd").iterdir() if os.path.realpath(one) != os.devnull)
