"""Gives the tests of probes a CA of their own and a way to run a check as the runner does."""

import asyncio
import gc
import logging
import ssl
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
import trustme

from probes import REGISTRY
from probes.base import Steps
from probes.errors import Cause, ProbeFailureError

PASSWORD = 'pa"ss\\wörd-0451'


class Secret:
    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def renew(self) -> None:
        """Nobody renews it."""


@dataclass(frozen=True)
class Authority:
    ca_file: Path
    good: ssl.SSLContext
    other_name: ssl.SSLContext


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    ca = trustme.CA()
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(ca_file))

    def serving(name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(name).configure_cert(context)
        return context

    return Authority(ca_file, serving("127.0.0.1"), serving("elsewhere.example"))


@dataclass(frozen=True)
class Result:
    """What the runner would see: no failure, or one, or the phase in which the deadline passed."""

    steps: Steps
    failure: ProbeFailureError | None
    timed_out: bool

    @property
    def cause(self) -> Cause | None:
        return self.failure.cause if self.failure else None

    @property
    def phases(self) -> list[str]:
        return [phase.name for phase in self.steps.phases]


class Watched(Steps):
    """Steps that let the deadline pass a moment after a phase has begun."""

    def __init__(self, expire: str | None) -> None:
        super().__init__(time.monotonic, transcript=True, wall=time.time)
        self._expire = expire
        self.limit = asyncio.timeout(None)

    def __call__(self, name: str) -> Self:
        if name == self._expire:
            self.limit.reschedule(asyncio.get_running_loop().time() + 0.05)
        return super().__call__(name)

    def aside(self) -> Steps:
        return Steps(time.monotonic, wall=time.time)


Run = Callable[..., Coroutine[Any, Any, Result]]


@pytest.fixture
def login() -> dict[str, Any]:
    return {"username": "probe@example.org", "password": Secret(PASSWORD)}


@pytest.fixture
def run(caplog: pytest.LogCaptureFixture) -> Run:
    """Run a check under a deadline, which `expire` lets pass within that phase and not before.

    Whatever comes of it, no task and no word of the password may be left.
    """

    async def check(
        kind: str, options: dict[str, Any], *, pulse: bool = False, expire: str | None = None, within: float = 10
    ) -> Result:
        caplog.set_level(logging.DEBUG)
        probe = REGISTRY[kind](REGISTRY[kind].Options(**options))
        steps, failure, timed_out = Watched(expire), None, False
        before = asyncio.all_tasks()
        complaints: list[dict[str, Any]] = []  # such as of an exception that nobody ever looked at
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        try:
            async with asyncio.timeout(within) as steps.limit:
                await (probe.pulse if pulse else probe.check)(steps)
        except ProbeFailureError as error:
            failure = error
        except TimeoutError:
            timed_out = True
        if left := asyncio.all_tasks() - before:  # a server's end with the connection
            _, pending = await asyncio.wait(left, timeout=5)
            assert not pending
        del probe
        gc.collect(1)
        assert not complaints
        assert "-0451" not in f"{failure!r} {failure} {steps.evidence!r} {caplog.text}"
        return Result(steps, failure, timed_out)

    return check
