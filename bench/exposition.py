"""How long a scrape of a large fleet takes, beside prometheus_client's registry: same pictures, same run, by turns.

The peer gets its best case: the registry's gauges hold the values already, and only its rendering is timed. Ours takes
a new snapshot for each round, a second later, with the checks that a second has. `make bench` adds to RESULTS.md.
"""

import asyncio
import platform
import threading
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from http.client import HTTPConnection
from importlib.metadata import version
from pathlib import Path
from statistics import median

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bench.fleet import MONTHS, NOW, SERVICES, TARGETS, Fleet, fleet
from monitor import __version__
from monitor.clock import SystemClock
from monitor.core.instants import MILLISECOND, SECOND
from monitor.metrics import Exposition, Health, Lateness, PhaseDurations, Scrape
from monitor.metrics.text import Format
from monitor.photographer import Photographer
from monitor.settings.fields import Address
from monitor.snapshot import Snapshot
from monitor.web.access import terms_of
from monitor.web.gate import Gate
from monitor.web.guard import Limits
from monitor.web.listening import opened, serve
from monitor.web.server import Pages

ROUNDS = 5
PER_SECOND = SERVICES * TARGETS // 60
RESULTS = Path(__file__).with_name("RESULTS.md")
HEADING = "# Benchmarks of the exposition"


class World:
    """The fleet as time goes on."""

    def __init__(self) -> None:
        self.fleet: Fleet = fleet()
        self.now = NOW
        self.photographer = Photographer(self.fleet.book, self.fleet.lives, MONTHS)
        self.exposition = Exposition()
        self.snapshot: Snapshot = self.picture()
        self._names = list(self.fleet.lives)
        self._next = 0

    def second(self) -> None:
        """A second goes by: as many targets as are due are checked."""
        self.now += SECOND
        for number in range(PER_SECOND):
            name = self._names[self._next % len(self._names)]
            self.fleet.check(name, self.now - SECOND + number * MILLISECOND)
            self._next += 1

    def picture(self) -> Snapshot:
        self.snapshot = self.photographer.take(self.now, self.now / SECOND)
        return self.snapshot

    def scrape(self) -> Scrape:
        health = Health(True, 0, self.now, 0, 0.0, 0, True, NOW)
        return Scrape(self.snapshot, health, (Lateness().read(), PhaseDurations().read()))

    def text(self) -> bytes:
        return self.exposition.body(self.scrape(), Format.TEXT)


def registry_of(text: bytes) -> CollectorRegistry:
    """The same content in prometheus_client's gauges and counters."""
    disable_created_metrics()
    registry = CollectorRegistry()
    for family in text_string_to_metric_families(text.decode()):
        samples = [one for one in family.samples if one.name.startswith("mailuptime_")]
        if not samples or family.type not in {"gauge", "counter"}:
            continue
        kind = Counter if family.type == "counter" else Gauge
        labels = list(samples[0].labels)
        made = kind(family.name, family.documentation, labels, registry=registry)
        for one in samples:
            child = made.labels(*one.labels.values()) if labels else made
            child.inc(one.value) if isinstance(child, Counter) else child.set(one.value)
    return registry


def timed(work: Callable[[], object]) -> float:
    """CPU seconds: what a busy neighbour does not change."""
    began = time.process_time()
    work()
    return time.process_time() - began


def rendered(world: World) -> list[str]:
    """Rows of the table: pictures and text."""
    first = timed(world.text)
    registry = registry_of(world.text())
    pictures, ours, unchanged, theirs = [], [], [], []
    for _ in range(ROUNDS):
        world.second()
        pictures.append(timed(world.picture))
        ours.append(timed(world.text))
        unchanged.append(timed(world.text))
        theirs.append(timed(lambda: generate_latest(registry)))
    fresh = Photographer(world.fleet.book, world.fleet.lives, MONTHS)
    made_anew = timed(lambda: fresh.take(world.now, world.now / SECOND))
    size, lines = len(world.text()), world.text().count(b"\n")
    peer = median(theirs)
    return [
        _row(f"text of {lines:,} lines, a second after the last", median(ours), peer, f"{size / 1e6:.1f} MB"),
        _row("the same once more, nothing changed", median(unchanged), peer, ""),
        _row("the first text", first, peer, f"theirs {len(generate_latest(registry)) / 1e6:.1f} MB"),
        _row("a snapshot, a second after the last", median(pictures), None, f"{PER_SECOND} checks recorded"),
        _row("a snapshot made from nothing", made_anew, None, f"{MONTHS} months evaluated"),
    ]


async def scraped(world: World) -> list[str]:
    """Rows of the table: over HTTP, and how long timers of the event loop waited meanwhile."""
    rows = []
    async with AsyncExitStack() as stack:
        host, port = await _served(stack, world)
        for encoding in ("identity", "gzip"):
            took, stalls = [], []
            for _ in range(ROUNDS):
                world.second()
                world.picture()
                spent, size, stall = await _once(host, port, encoding)
                took.append(spent)
                stalls.append(stall)
            note = f"{size / 1e6:.1f} MB; the loop's longest wait {median(stalls) * 1e3:.0f} ms (of five, the median)"
            rows.append(_row(f"a scrape over HTTP, {encoding}", median(took), None, note))
    return rows


async def _served(stack: AsyncExitStack, world: World) -> tuple[str, int]:
    class Service:
        def exposition(self, accept: str, accept_encoding: str) -> Callable[[], object]:
            scrape = world.scrape()
            return lambda: world.exposition.answer(scrape, accept, accept_encoding)

    gate, limits = Gate(SystemClock(), terms_of(None)), Limits()
    pages = Pages(Service(), _nothing, _nothing, _nothing, _nothing, gate, _nothing)  # type: ignore[arg-type] # metrics alone
    (listening,) = await opened("bench", Address("127.0.0.1", 0))
    await serve(stack, pages.public(limits), listening, pages.context, limits)
    return listening.getsockname()


async def _nothing(*_: object) -> web.Response:
    raise web.HTTPNotFound


async def _once(host: str, port: int, encoding: str) -> tuple[float, int, float]:
    """Seconds of one scrape as its reader sees it, its bytes, and the longest that a timer of the loop was late."""
    done = threading.Event()
    outcome: list[tuple[float, int]] = []

    def read() -> None:
        connection = HTTPConnection(host, port, timeout=60)
        began = time.perf_counter()
        connection.request("GET", "/metrics", headers={"Accept-Encoding": encoding})
        size = len(connection.getresponse().read())
        outcome.append((time.perf_counter() - began, size))
        connection.close()
        done.set()

    reader = threading.Thread(target=read)
    reader.start()
    worst = 0.0
    while not done.is_set():
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        worst = max(worst, time.perf_counter() - began - 0.001)
    reader.join()
    return *outcome[0], worst


def _row(what: str, seconds: float, peer: float | None, note: str) -> str:
    theirs = "" if peer is None else f"{peer * 1e3:,.0f} ms"
    ratio = "" if peer is None else f"1 : {peer / seconds:.1f}"
    return f"| {what} | {seconds * 1e3:,.1f} ms | {theirs} | {ratio} | {note} |"


def processor() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{names[0].partition(':')[2].strip()}, {len(names)} threads" if names else platform.processor()


def written(rows: list[str]) -> str:
    made = (
        f"Made {datetime.now(UTC):%Y-%m-%d} with mailuptime {__version__}, Python {platform.python_version()}, "
        f"prometheus_client {version('prometheus-client')}, aiohttp {version('aiohttp')}, "
        f"{platform.system()} {platform.release()}, {processor()}."
    )
    return "\n".join(
        [
            HEADING,
            "",
            f"{SERVICES} services × {TARGETS} targets × {MONTHS} months, by `make bench`: medians of five, ours and",
            "prometheus_client's `generate_latest` by turns in one run, over the same content; CPU time, but for the",
            "scrapes over HTTP, which are timed by their reader. How it is done: the text of a target, of a service",
            "and of the months that are over is kept, and made anew only where its picture is another; pictures that",
            "nothing happened to are the very same objects; a service that is up gets its time by an addition.",
            "",
            made,
            "",
            "| what | mailuptime | prometheus_client | ratio | |",
            "|---|---:|---:|---:|---|",
            *rows,
        ]
    )


def main() -> None:
    world = World()
    rows = rendered(world)
    rows += asyncio.run(scraped(world))
    print(*rows, sep="\n")
    kept = RESULTS.read_text(encoding="utf-8").partition(HEADING)[0].rstrip() if RESULTS.exists() else ""
    RESULTS.write_text(f"{kept}\n\n{written(rows)}\n".lstrip(), encoding="utf-8")


if __name__ == "__main__":
    main()
