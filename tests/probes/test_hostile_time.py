"""Proves on virtual time that one byte a second, in whichever turn, ends exactly at the deadline."""

import asyncio
import contextlib
import socket
from typing import Any

import pytest

from probes import REGISTRY, net
from probes.base import Steps
from tests.probes.conftest import Secret
from tests.probes.scripted import Script, drip
from tests.probes.turns import TURNS, Turn
from tests.shell import virtual

DEADLINE = 15.0
BEGUN = {"imap": b"* OK ", "pop3": b"+OK ", "submission": b"220-", "sieve": b'"A', "webmail": b"HTTP/1.1 200 OK "}


def connected(script: Script, monkeypatch: pytest.MonkeyPatch) -> list[asyncio.Task[None]]:
    """A network without any time of its own: each connection is a pair of sockets with the script behind it."""
    visits: list[asyncio.Task[None]] = []

    async def connect(*_: Any, **__: Any) -> socket.socket:
        near, far = socket.socketpair()
        near.setblocking(False)
        visits.append(asyncio.create_task(script.serve(*await asyncio.open_connection(sock=far))))
        return near

    monkeypatch.setattr(net, "connect", connect)
    return visits


@pytest.mark.parametrize("turn", TURNS, ids=str)
def test_one_byte_a_second_ends_exactly_at_the_deadline(turn: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
    script = turn.play(drip(BEGUN[turn.protocol], seconds=1.0))
    script.port = 9  # never connected to
    login = {"username": "probe@example.org", "password": Secret("secret-0451")}

    async def scenario(clock: virtual.VirtualClock) -> Steps:
        visits = connected(script, monkeypatch)
        probe = REGISTRY[turn.protocol](REGISTRY[turn.protocol].Options(**turn.options(script, login)))
        steps = Steps(clock.monotonic)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE):
                await probe.check(steps)
        await asyncio.wait(visits)
        return steps

    steps = virtual.run(scenario)
    assert steps.failed == turn.phase
    assert sum(phase.seconds for phase in steps.phases) == DEADLINE
