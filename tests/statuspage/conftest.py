"""Gives the tests one page of each scene: nobody changes what it shows."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.statuspage.scenes import BROKEN, Site, served


@pytest.fixture
async def broken(tmp_path: Path) -> AsyncIterator[Site]:
    async with served(BROKEN, tmp_path) as site:
        yield site


@pytest.fixture
async def visitor() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session
