"""At a month's closing, and at each correction: the reports are written into a directory, and a webhook is told.

Which were written and told is on record (`reported`, `report_told`), so that each revision is written and told once,
also after a restart. Whatever fails is tried again, after a minute at first and after an hour at most.
"""

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from monitor.bookkeeper import Bookkeeper, NotDurableError
from monitor.clock import Clock
from monitor.closing import Closing
from monitor.ledger import Fact, Reader
from monitor.report.gathering import UnknownServiceError
from monitor.report.maker import Maker, NotMadeError
from monitor.report.process import Request
from monitor.report.webhook import Tell, tell
from monitor.settings import Settings
from monitor.settings.secrets import SecretError

log = structlog.get_logger("report")

REPORTED, TOLD = "reported", "report_told"
EVERY = 5.0
"""Seconds between two looks for a closing."""
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
Key = tuple[str, int]
"""Month and revision."""


@dataclass(slots=True)
class _Trouble:
    """What failed last of one revision, and when it is tried again, on the monotonic clock."""

    problem: str = ""
    pause: float = 0.0
    until: float = 0.0

    def failed(self, problem: str, now: float) -> bool:
        """Note it; whether that is something new to say."""
        news, self.problem = problem != self.problem, problem
        self.pause = min(max(2 * self.pause, FIRST_PAUSE), LONGEST_PAUSE)
        self.until = now + self.pause
        return news


@dataclass(slots=True)
class _Known:
    """What is on record: files by their digests of each revision written, and those that somebody was told of."""

    files: dict[Key, dict[str, str]] = field(default_factory=dict)
    untold: set[Key] = field(default_factory=set)

    def take(self, kind: str, body: dict[str, Any]) -> None:
        key = body["month"], body["revision"]
        if kind == TOLD:
            self.untold.discard(key)
            return
        self.files[key] = body["files"]
        if body["to_be_told"]:
            self.untold.add(key)


class Keeper:
    """`settings` are those in force; `ledger` is read once, for what was written before."""

    def __init__(
        self,
        clock: Clock,
        settings: Callable[[], Settings],
        bookkeeper: Bookkeeper,
        ledger: Reader,
        *,
        teller: Tell = tell,
        maker: Maker | None = None,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._bookkeeper = bookkeeper
        self._tell = teller
        self.maker = maker or Maker()
        self._known = _Known()
        self._troubles: dict[Key, _Trouble] = {}
        for link in ledger.facts((REPORTED, TOLD)):
            self._known.take(link.fact.kind, link.fact.body)

    @property
    def waiting(self) -> int | None:
        """Closed months whose newest revision is not written, or not told; None where none is to be."""
        if self._settings().report.directory is None:
            return None
        newest = [(month, closing.revision) for month, closing in self._bookkeeper.closings.items()]
        return sum(key not in self._known.files or key in self._known.untold for key in newest)

    async def run(self) -> None:
        while True:
            await self.look()
            await self._clock.sleep(EVERY)

    async def look(self) -> None:
        """Do what is due of every closed month's newest revision."""
        for month, closing in sorted(self._bookkeeper.closings.items()):
            await self._keep(month, closing)

    async def _keep(self, month: str, closing: Closing) -> None:
        """Write and tell what was not yet, unless it failed a short while ago."""
        key = month, closing.revision
        trouble = self._troubles.setdefault(key, _Trouble())
        directory = self._settings().report.directory
        if directory is None or self._clock.monotonic() < trouble.until:
            return
        try:
            if key not in self._known.files:
                await self._write(key, closing, directory)
            if key in self._known.untold:
                await self._report(key, closing)
        except (NotMadeError, UnknownServiceError, OSError) as error:
            problem = error.strerror or str(error) if isinstance(error, OSError) else str(error)
            if trouble.failed(problem, self._clock.monotonic()):
                log.error("report.not_done", month=month, revision=closing.revision, problem=problem)  # noqa: TRY400

    async def _write(self, key: Key, closing: Closing, directory: Path) -> None:
        section = self._settings().report
        files = {name: await self.maker.make(request) for name, request in self._requests(key)}
        await asyncio.to_thread(_put, directory, files)
        digests = {name: hashlib.sha256(made).hexdigest() for name, made in files.items()}
        body = {"files": digests, "digest": closing.digest, "to_be_told": section.webhook is not None}
        await self._record(REPORTED, key, body)
        log.info("report.written", month=key[0], revision=key[1], directory=str(directory), files=list(files))

    def _requests(self, key: Key) -> Iterator[tuple[str, Request]]:
        """What to make of a revision, by the names of the files."""
        settings = self._settings()
        section, path = settings.report, str(settings.path.absolute())
        for service in section.services or (None,):
            for language in section.languages:
                for format_ in section.formats:
                    of = "" if service is None else f"{service}-"
                    name = f"report-{of}{key[0]}-r{key[1]}-{language}.{format_}"
                    yield name, Request(path, key[0], language, format_, self._clock.now(), service, key[1])

    async def _report(self, key: Key, closing: Closing) -> None:
        """Raises NotMadeError where the webhook does not take it."""
        webhook = self._settings().report.webhook
        if webhook is None:
            return
        try:
            problem = await self._tell(webhook.reveal(), self._message(key, closing))
        except SecretError as error:
            problem = str(error)
        if problem is not None:
            raise NotMadeError(f"the webhook was not told: {problem}")
        await self._record(TOLD, key, {})
        log.info("report.told", month=key[0], revision=key[1])

    def _message(self, key: Key, closing: Closing) -> dict[str, Any]:
        verdicts = [one["verdict"] for one in closing.services.values()]
        return {
            "event": "report",
            "month": key[0],
            "revision": key[1],
            "digest": closing.digest,
            "verdicts": {verdict: verdicts.count(verdict) for verdict in ("met", "missed", "undetermined")},
            "files": [{"name": name, "sha256": digest} for name, digest in self._known.files[key].items()],
        }

    async def _record(self, kind: str, key: Key, body: dict[str, Any]) -> None:
        whole = {"month": key[0], "revision": key[1], **body}
        self._known.take(kind, whole)  # at once: what waits for the ledger is not done once more
        try:
            await self._bookkeeper.record([Fact(self._clock.now(), kind, whole)])
        except NotDurableError as error:
            log.error("report.waits", problem=str(error))  # noqa: TRY400 - one line, no traceback


def _put(directory: Path, files: dict[str, bytes]) -> None:
    """Write every file, each whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, made in files.items():
        part = directory / f".{name}.part"
        with part.open("wb") as out:
            out.write(made)
            out.flush()
            os.fsync(out.fileno())
        part.replace(directory / name)
