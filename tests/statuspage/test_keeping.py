"""The daemon's side of the page's process, with processes in its place that do what they should not."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from monitor.assembly import rules_of
from monitor.clock import SystemClock
from monitor.core.book import Book
from monitor.photographer import Photographer
from monitor.settings import Settings, load
from monitor.statuspage import keeper
from monitor.statuspage.keeper import StatusPage
from tests.statuspage.scenes import HEAD, NOW, STORY

POISON = """
import os, pickle, socket, sys
class Poison:
    def __reduce__(self):
        return os.mkdir, (sys.argv[2],)
sock = socket.socket(fileno=int(sys.argv[1]))
body = pickle.dumps(Poison())
sock.sendall((len(body).to_bytes(4) + body) * 1000)
"""
SILENT = "import sys, time; open(sys.argv[2], 'w').close(); time.sleep(600)"


class Impostor(StatusPage):
    """Runs a program of these tests in place of the page; `argument` is a path for its use."""

    program = ""
    argument = ""

    async def _started(self, theirs: socket.socket) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", self.program, str(theirs.fileno()), self.argument, pass_fds=[theirs.fileno()]
        )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(STORY.written(tmp_path))


@pytest.fixture
async def page(settings: Settings) -> AsyncIterator[Impostor]:
    book = Book(rules_of(settings))
    snapshot = Photographer(book, {}, 1).take(NOW, 0.0)
    made = Impostor(SystemClock(), book, lambda: snapshot, head=lambda: HEAD, closings=dict)
    async with AsyncExitStack() as stack:
        await made.open(stack, settings)
        yield made


async def test_nothing_that_the_process_says_is_more_than_a_sign_of_life(page: Impostor, tmp_path: Path) -> None:
    page.program, page.argument = POISON, str(tmp_path / "owned")
    assert await page._life() == "status 0"
    assert not (tmp_path / "owned").exists()


async def test_a_process_that_falls_silent_is_killed(
    page: Impostor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "SILENCE", 0.2)
    page.program, page.argument = SILENT, str(tmp_path / "ran")
    assert await page._life() == "signal 9"


async def test_one_that_ends_at_once_is_started_again_after_ever_longer_pauses(
    page: Impostor, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.program = "raise SystemExit(3)"
    pauses: list[float] = []

    class Clock(SystemClock):
        async def sleep(self, seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                raise asyncio.CancelledError

    monkeypatch.setattr(page, "_clock", Clock())
    with pytest.raises(asyncio.CancelledError):
        await page._processes()
    assert pauses == [0.5, 1.0, 2.0]


async def test_without_a_listener_nothing_is_run(settings: Settings) -> None:
    def never() -> None:
        raise AssertionError

    page = StatusPage(SystemClock(), Book(rules_of(settings)), never, head=never, closings=never)  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        await page.run()
