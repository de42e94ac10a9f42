"""Decides what counts as left behind by a check."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """No descriptor and no task more than before."""
    before, tasks = _descriptors(), asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    assert _descriptors() == before
    assert asyncio.all_tasks() == tasks


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
