"""Decides what there is to show in these tests: scripted checks in a real book, told as the daemon tells it."""

import asyncio
import csv
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from monitor.assembly import rules_of
from monitor.clock import SystemClock
from monitor.closing import Closing
from monitor.core.book import Book
from monitor.core.check import Check, Outcome
from monitor.core.instants import DAY, HOUR, MINUTE, SECOND, Instant, parse_instant
from monitor.core.maintenance import Window
from monitor.core.timeline import Timeline
from monitor.live import Live
from monitor.photographer import Photographer
from monitor.runner import Result, Target
from monitor.settings import load
from monitor.settings.fields import Address
from monitor.snapshot import Snapshot
from monitor.statuspage.board import Board
from monitor.statuspage.observing import Observer
from monitor.statuspage.server import application
from monitor.statuspage.view import Message
from monitor.web.access import Terms
from monitor.web.gate import Gate
from monitor.web.guard import Limits
from monitor.web.listening import opened, serve
from probes.base import Evidence
from tests.shell.fleet import IdleProbe

ZONE = ZoneInfo("Asia/Bangkok")
HEAD = "3f" * 32
HOST = "imap-7.inside.example"
REPLY = "NO [UNAVAILABLE] backend store-3 is gone"
VOICE = 26 * HOUR


def at(text: str) -> Instant:
    return parse_instant(text if "T" in text else f"2026-11-26T{text}", ZONE)


NOW, BEGAN = at("14:30:05"), at("2025-10-20T08:00")
AGENCY = ("mailgothai", ("เมลกลางภาครัฐ", "MailGoThai"))


class StillClock(SystemClock):
    """The wall clock stands at NOW; what is waited for comes at once."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.wall = NOW

    def now(self) -> Instant:
        return self.wall

    def monotonic(self) -> float:
        return 1000.0 + self.passed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass
class Outage:
    """Of a target, `service/target`; one without an end goes on."""

    target: str
    start: Instant
    end: Instant | None = None
    cause: str = "connect_refused"


@dataclass
class Scene:
    """Services by name with their titles; every one has `imap` and `smtp` and was first seen at `since`."""

    titles: Mapping[str, tuple[str, str]] = field(default_factory=lambda: dict([AGENCY]))
    outages: list[Outage] = field(default_factory=list)
    silent: list[tuple[str, Instant, Instant]] = field(default_factory=list)
    """Targets that nobody checked for a time."""
    windows: list[Window] = field(default_factory=list)
    since: Instant = BEGAN
    status: dict[str, Any] = field(default_factory=dict)
    months: int = 13
    closings: dict[str, Closing] = field(default_factory=dict)

    async def board(self, directory: Path) -> Board:
        """A board that has been told everything."""
        board = Board(StillClock())
        for message in await self.messages(directory):
            board.take(message)
        return board

    async def messages(self, directory: Path) -> list[Message]:
        """What an observer says of it in its first second."""
        said: list[Message] = []
        observer, _ = self.observed(directory, said)
        await once(observer)
        return said

    def observed(self, directory: Path, said: list[Message]) -> tuple[Observer, Book]:
        """An observer that writes down what it says, and the book that it looks at."""
        settings = load(self.written(directory))
        book = Book(rules_of(settings), windows=self.windows)
        lives = {name: _live(name, book) for name in book.accounts}
        for live in lives.values():
            for check in self._checks(live.target.name):
                book.record(live.target.name, check)
                live.take(_result(live.target, check))
        clock, photographer = StillClock(), Photographer(book, lives, self.months)

        @cache
        def taken(now: Instant) -> Snapshot:
            return photographer.take(now, now / SECOND)

        observer = Observer(
            clock,
            book,
            lambda: taken(clock.now()),
            lambda: HEAD,
            lambda: self.closings,
            said.append,
        )
        observer.change(settings)
        return observer, book

    def written(self, directory: Path) -> Path:
        file = directory / "mailuptime.yaml"
        services = [
            {
                "name": name,
                "title": {"th": thai, "en": english},
                "targets": [
                    {"name": kind, "type": kind, "host": HOST, "port": 143, "tls": "none"} for kind in ("imap", "smtp")
                ],
            }
            for name, (thai, english) in self.titles.items()
        ]
        status = {"listen": "127.0.0.1:0", **self.status}
        file.write_text(json.dumps({"status": status, "services": services}), "utf-8")
        return file

    def _checks(self, target: str) -> list[Check]:
        """One a day, and those that begin and end outages."""
        own = [one for one in self.outages if one.target == target]
        hushed = [(start, end) for name, start, end in self.silent if name == target]
        found = {}
        for moment in (*range(self.since, NOW, DAY), NOW - 30 * SECOND):
            if not any(one.start <= moment < (one.end or NOW) for one in own):
                found[moment] = Check(moment, Outcome.UP, 0, VOICE)
        for one in own:
            found[one.start - MINUTE] = Check(one.start - MINUTE, Outcome.UP, 0, VOICE)
            last = NOW - 10 * SECOND if one.end is None else one.end - 15 * SECOND
            for moment in (one.start, one.start + 5 * SECOND, one.start + 10 * SECOND, last):
                found[moment] = Check(moment, Outcome.DOWN, SECOND, VOICE, cause=one.cause)
            for moment in () if one.end is None else (one.end, one.end + 5 * SECOND):
                found[moment] = Check(moment, Outcome.UP, SECOND, VOICE)
        spoken = [check for moment, check in sorted(found.items()) if not any(s <= moment < e for s, e in hushed)]
        return [_hushed(check, hushed) for check in spoken]


def _hushed(check: Check, silent: list[tuple[Instant, Instant]]) -> Check:
    """A check whose voice ends where nobody looked any more."""
    for start, end in silent:
        if check.at < start < check.at + check.voice and check.at < end:
            return Check(check.at, check.outcome, check.duration, start - check.at, cause=check.cause)
    return check


def _live(name: str, book: Book) -> Live:
    target = Target(name, name.partition("/")[2], IdleProbe(), 15 * SECOND, VOICE)
    rule = book.rules.targets[name]
    return Live(target, Timeline(rule.confirm, rule.recover))


def _result(target: Target, check: Check) -> Result:
    reply = REPLY if check.outcome is Outcome.DOWN else ""
    return Result(target, check, check.at / SECOND, (), None, Evidence(), reply, pulse=False)


async def once(observer: Observer) -> None:
    await observer._look()
    for picture in list(observer._due()):
        await observer._recall(picture)


STORY = Scene(
    outages=[
        Outage("mailgothai/imap", at("2026-11-10T10:01"), at("2026-11-10T10:17:45")),
        Outage("mailgothai/smtp", at("2026-09-02T03:00"), at("2026-09-02T03:40"), "timeout"),
        Outage("mailgothai/imap", at("2026-10-15T02:10"), at("2026-10-15T02:30"), "disconnected"),
    ],
    silent=[("mailgothai/imap", at("2026-10-20T01:00"), at("2026-10-20T04:00"))],
    windows=[
        Window(
            "CHG-7",
            (),
            at("2026-10-15T02:00"),
            at("2026-10-15T04:00"),
            "storage upgrade",
            "ops",
            declared=at("2026-10-10T09:00"),
        ),
        Window(
            "CHG-8",
            ("mailgothai",),
            at("2026-12-05T01:00"),
            at("2026-12-05T03:00"),
            "ปรับปรุงระบบจัดเก็บข้อมูล",
            "ops",
            declared=at("2026-11-20T09:00"),
        ),
    ],
)
"""A year of one service: outages, one of them excused, time that nobody looked at, maintenance to come."""

BROKEN = replace(STORY, outages=[*STORY.outages, Outage("mailgothai/imap", at("13:02:31"), cause="timeout")])
"""The same with an outage that goes on."""

MAINTAINED = replace(
    BROKEN,
    windows=[
        *STORY.windows,
        Window("CHG-9", (), at("13:00"), at("16:00"), "new disks", "ops", declared=at("2026-11-20T09:00")),
    ],
)
"""The same inside a declared window."""


def fleet() -> Scene:
    """The agencies of the example's list, two of them down."""
    with Path("config/agencies.csv").open(encoding="utf-8") as file:
        titles = {row["agency"]: (row["title_th"], row["title_en"]) for row in csv.DictReader(file)}
    outages = [
        Outage("agency-017/imap", at("13:51:10")),
        Outage("agency-200/smtp", at("14:20")),
        Outage("agency-003/imap", at("2026-11-02T10:00"), at("2026-11-02T13:00")),
    ]
    return Scene(titles, outages, since=at("2026-11-01T08:00"), months=2)


@dataclass
class Site:
    """A page that is served on the loopback."""

    url: str
    board: Board
    clock: StillClock


@asynccontextmanager
async def served(scene: Scene, directory: Path, terms: Terms | None = None) -> AsyncIterator[Site]:
    board = await scene.board(directory)
    async with AsyncExitStack() as stack:
        gate = Gate(SystemClock(), terms or Terms())
        stack.callback(gate.close)
        (own,) = await opened("status.listen", Address("127.0.0.1", 0))
        await serve(stack, application(board, gate, Limits()), own, gate.context, Limits())
        host, port = own.getsockname()
        clock = board._clock
        assert isinstance(clock, StillClock)
        yield Site(f"http://{host}:{port}", board, clock)
