"""A real daemon over real servers while faults are injected without a pause worth mentioning: does it grow?

Faults come in an order that the seed decides, one after the other, with some seconds of health in between. After that
the daemon is stopped, and what it recorded must verify and replay to its own figures.
"""

import asyncio
import http.client
import json
import os
import resource
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.e2e.commands import mailuptime
from tests.endure.herd import Server, herd
from tests.endure.watched import Holding, holding
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon

TARGETS = 60
LASTS, RESTS = 20.0, 10.0
"""Seconds of a fault, and of health after it."""
LOOK = 5.0


@dataclass
class Look:
    """What the daemon held at a moment, in seconds since the beginning; `fault` is empty in health."""

    at: float
    fault: str
    held: Holding


@dataclass
class Hour:
    """`ailments` counts the faults by name, `problems` is what went wrong."""

    seconds: float
    looks: list[Look] = field(default_factory=list)
    ailments: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    metrics: str = ""
    problems: list[str] = field(default_factory=list)


class Scene:
    """The daemon, its servers, and the things that are done to both."""

    def __init__(self, place: Path, servers: Sequence[Server], daemon: Daemon, pid: int, random: Random) -> None:
        self.place = place
        self.servers = servers
        self.daemon = daemon
        self.pid = pid
        self.random = random

    @property
    def faults(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            "a third hangs": lambda: self._ill("hanging"),
            "a third refuses": lambda: self._ill("refusing"),
            "a third resets": lambda: self._ill("resetting"),
            "a third babbles": lambda: self._ill("babbling"),
            "SIGSTOP": self._suspended,
            "starved": self._starved,
            "descriptors short": self._descriptors,
            "ledger locked": self._locked,
            "scrapes": self._scraped,
            "silent clients": self._crowded,
            "reloads": self._reloaded,
        }

    async def _ill(self, mood: str) -> None:
        chosen = self.random.sample(list(self.servers), len(self.servers) // 3)
        for server in chosen:
            await server.become(mood)
        await asyncio.sleep(LASTS)
        for server in chosen:
            await server.become("well")

    async def _suspended(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)
        await asyncio.sleep(LASTS)
        os.kill(self.pid, signal.SIGCONT)

    async def _starved(self) -> None:
        """It runs a fifth of the time."""
        for _ in range(round(LASTS / 2)):
            os.kill(self.pid, signal.SIGSTOP)
            await asyncio.sleep(1.6)
            os.kill(self.pid, signal.SIGCONT)
            await asyncio.sleep(0.4)

    async def _descriptors(self) -> None:
        before = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (holding(self.pid).descriptors, before[1]))
        await asyncio.sleep(LASTS)
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, before)

    async def _locked(self) -> None:
        connection = sqlite3.connect(self.place / "ledger.db", isolation_level=None, timeout=30)
        connection.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(LASTS)
        connection.rollback()
        connection.close()

    async def _scraped(self) -> None:
        async def scrape() -> None:
            for _ in range(10):
                await asyncio.to_thread(metrics, self.daemon)
                await asyncio.sleep(LASTS / 20)

        await asyncio.gather(*(scrape() for _ in range(5)))

    async def _crowded(self) -> None:
        """Connections that never ask anything."""
        port = int(self.daemon.url.rpartition(":")[2])
        writers = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(200)]
        await asyncio.sleep(LASTS)
        for writer in writers:
            writer.transport.abort()

    async def _reloaded(self) -> None:
        """Another cadence, a file that cannot be read, and as it was: no rule changes, so that a replay agrees (R7)."""
        whole = self.daemon.configuration.read_text(encoding="utf-8")
        other = json.loads(whole)
        other["defaults"]["confirm"]["interval"] = "3s"
        for text in (json.dumps(other), whole[:-100], whole):
            self.daemon.configuration.write_text(text, encoding="utf-8")
            self.daemon.send(signal.SIGHUP)
            await asyncio.sleep(LASTS / 3)


def metrics(daemon: Daemon) -> str:
    """A scrape; empty where the daemon does not answer now."""
    try:
        return daemon.get("/metrics")[1]
    except (OSError, http.client.HTTPException):
        return ""


async def endure(place: Path, seconds: float, seed: str) -> Hour:
    """Run the daemon for so long; the configuration, ledger and log stay in the place."""
    hour = Hour(seconds)
    async with herd(TARGETS) as servers:
        port = free_port()
        daemon = Daemon(configuration(place, servers, port), port)
        await asyncio.to_thread(daemon.start)
        pid = vars(daemon)["_process"].pid
        scene = Scene(place, servers, daemon, pid, Random(seed))
        try:
            await _play(scene, hour)
            hour.metrics = await asyncio.to_thread(metrics, daemon)
        finally:
            os.kill(pid, signal.SIGCONT)
            status = await asyncio.to_thread(daemon.stop)
    if status:
        hour.problems.append(f"the daemon ended with status {status}")
    hour.problems += accounts(place, daemon.configuration)
    return hour


async def _play(scene: Scene, hour: Hour) -> None:
    began, present = time.monotonic(), ""

    async def look() -> None:
        while True:
            hour.looks.append(Look(time.monotonic() - began, present, holding(scene.pid)))
            await asyncio.sleep(LOOK)

    looking = asyncio.create_task(look())
    await asyncio.sleep(LASTS)
    order: list[str] = []
    while time.monotonic() - began < hour.seconds - LASTS - RESTS:
        order = order or scene.random.sample(list(scene.faults), len(scene.faults))
        present = order.pop()
        hour.ailments[present] = hour.ailments.get(present, 0) + 1
        await scene.faults[present]()
        present = ""
        await asyncio.sleep(RESTS)
    await asyncio.sleep(RESTS)
    looking.cancel()


def accounts(place: Path, configuration: Path) -> list[str]:
    """What is wrong with what was recorded."""
    verified = mailuptime("verify", "-c", configuration)
    problems = [] if verified.status == 0 else [f"verify: {verified.out}{verified.err}"]
    figures = mailuptime("sla", "-c", configuration, "--format", "json").document
    month, (own,) = figures["month"], figures["services"]
    exported = mailuptime("export", "checks", "-c", configuration, "--month", month)
    (place / "checks.jsonl").write_text(exported.out, encoding="utf-8")
    replayed = mailuptime(
        "replay", place / "checks.jsonl", "-c", configuration, "--month", month, "--until", own["until"],
        "--format", "json",
    )  # fmt: skip
    if replayed.status or replayed.document["services"] != [own]:
        problems.append(f"replay differs: {replayed.err}{replayed.out[:2000]}")
    parts: list[float] = [own[f"{name}_seconds"] for name in ("up", "downtime", "excused", "unknown")]
    if round(sum(parts) * 1e6) != round(own["elapsed_seconds"] * 1e6):
        problems.append(f"the parts add up to {sum(parts)} of {own['elapsed_seconds']} s")
    return problems


def configuration(place: Path, servers: Sequence[Server], port: int) -> Path:
    document: dict[str, Any] = {
        "sla": {"timezone": "Asia/Bangkok", "availability": "99.5%", "downtime_budget": "216m"},
        "ledger": {"path": str(place / "ledger.db")},
        "control": {"socket": str(place / "control.sock")},
        "web": {"listen": f"127.0.0.1:{port}"},
        "defaults": {
            "interval": "10s", "timeout": "3s", "pulse": "5s",
            "confirm": {"failures": 3, "interval": "2s"}, "recover": {"successes": 2, "interval": "4s"},
        },
        "services": [
            {"name": "mail", "targets": [server.target(f"t{place}") for place, server in enumerate(servers)]}
        ],
    }  # fmt: skip
    file = place / "mailuptime.yaml"
    file.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return file
