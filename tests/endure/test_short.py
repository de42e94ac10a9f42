"""A real daemon that is short of descriptors or memory, or stopped for a while: nothing of it is the servers' fault."""

import asyncio
import json
import os
import re
import resource
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from http import HTTPStatus
from pathlib import Path

from tests.endure import hour
from tests.endure.herd import herd
from tests.endure.watched import holding, mapped
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon, states
from tests.lab.processes import wait_until

NAMES = ("mail/t0", "mail/t1", "mail/t2")


def hasty(file: Path) -> Path:
    """The same configuration, every second."""
    document = json.loads(file.read_text(encoding="utf-8"))
    document["defaults"] = {"interval": "1s", "timeout": "900ms", "pulse": "off"}
    document["defaults"] |= {"confirm": {"interval": "500ms"}, "recover": {"interval": "1s"}}
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


@asynccontextmanager
async def watching(place: Path) -> AsyncIterator[tuple[Daemon, int]]:
    """A daemon that has found three servers up, and its process."""
    async with herd(len(NAMES)) as servers:
        port = free_port()
        file = hasty(hour.configuration(place, servers, port))
        daemon = Daemon(file, port)
        await asyncio.to_thread(daemon.start)
        try:
            await up(daemon)
            yield daemon, vars(daemon)["_process"].pid
        finally:
            await asyncio.to_thread(daemon.stop)


async def up(daemon: Daemon) -> None:
    await asyncio.to_thread(
        wait_until, lambda: set(states(daemon).values()) == {"up"}, "every target to be up", seconds=60
    )


def counted(metrics: str, label: str) -> float:
    """Over all targets."""
    return sum(float(one) for one in re.findall(rf"^mailuptime_check\w+{{.*{label}.*}} (\S+)$", metrics, re.MULTILINE))


def said(daemon: Daemon) -> str:
    return daemon.log.read_text(encoding="utf-8")


async def test_without_descriptors_checks_are_unknown_and_the_listener_comes_back(tmp_path: Path) -> None:
    async with watching(tmp_path) as (daemon, pid):
        address = ("127.0.0.1", int(daemon.url.rpartition(":")[2]))
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        with ExitStack() as clients:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (holding(pid).descriptors, before[1]))
            for _ in range(8):
                clients.enter_context(socket.create_connection(address))
            await asyncio.to_thread(
                wait_until, lambda: "web.not_accepting" in said(daemon), "a client to be kept waiting", seconds=60
            )
            await asyncio.sleep(3)  # for so long it lasts
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        await up(daemon)
        metrics = daemon.get("/metrics")[1]
        assert counted(metrics, 'cause="resources"') > 0
        assert counted(metrics, 'outcome="down"') == 0
        assert said(daemon).count("\n") < 100, "it tried again and again"
    assert hour.accounts(tmp_path, daemon.configuration) == []


async def test_without_memory_it_blames_nobody_and_goes_on_when_there_is_some_again(tmp_path: Path) -> None:
    """Whatever would make the process larger fails: the thread that renders metrics, at the latest."""
    async with watching(tmp_path) as (daemon, pid):
        before = resource.prlimit(pid, resource.RLIMIT_AS)
        resource.prlimit(pid, resource.RLIMIT_AS, (mapped(pid), before[1]))
        status = (await asyncio.to_thread(daemon.get, "/metrics"))[0]
        await asyncio.sleep(4)  # for so long it lasts
        resource.prlimit(pid, resource.RLIMIT_AS, before)
        await up(daemon)
        assert status == HTTPStatus.INTERNAL_SERVER_ERROR
        assert counted(daemon.get("/metrics")[1], 'outcome="down"') == 0
    assert hour.accounts(tmp_path, daemon.configuration) == []


async def test_stopped_for_a_while_it_says_what_it_missed_and_blames_nobody(tmp_path: Path) -> None:
    async with watching(tmp_path) as (daemon, pid):
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(6)  # for so long it lasts
        os.kill(pid, signal.SIGCONT)
        await up(daemon)
        metrics = daemon.get("/metrics")[1]
        assert counted(metrics, 'cause="missed"') >= len(NAMES)
        assert counted(metrics, 'outcome="down"') == 0
    assert hour.accounts(tmp_path, daemon.configuration) == []
