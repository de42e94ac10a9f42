"""What views ask of the daemon; what may take long is asked in a thread, beside the event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from monitor import proof
from monitor.clock import Clock
from monitor.console.visit import MissingError, Person, Visit
from monitor.core.calendar import Month
from monitor.core.instants import Instant
from monitor.core.outages import start_of
from monitor.figures import Document
from monitor.incidents.asked import Asked
from monitor.ledger import Link, Reader
from monitor.report.maker import Maker, NotMadeError
from monitor.report.process import Request
from monitor.report.rendering import Format
from monitor.settings import Settings
from monitor.snapshot import Snapshot
from monitor.texts import Language

MOST_ASKED = 4
"""Reports that are made, or wait for their turn."""

Act = Callable[[str, Document, str], Awaitable[Document]]


class Source(Protocol):
    """As the daemon's application answers."""

    @property
    def snapshot(self) -> Snapshot: ...

    def services(self) -> list[str]: ...

    def declarations(self) -> Document: ...

    async def tickets_in_turns(self, asked: Asked) -> Document: ...

    def ticket_figures(self, month: Month) -> Document: ...

    async def outages_in_turns(self, month: str | None, service: str | None = None) -> Document: ...


class Backend:
    def __init__(self, clock: Clock, source: Source, act: Act, settings: Callable[[], Settings]) -> None:
        self.source = source
        self._clock = clock
        self._act = act
        self._settings = settings
        self._maker = Maker()
        self._asked = 0

    @property
    def zone(self) -> ZoneInfo:
        return self._settings().zone

    @property
    def now(self) -> Instant:
        return self._clock.now()

    def scopes(self) -> list[str]:
        """What a scope may name."""
        return list(self._settings().names().known)

    async def act(self, name: str, person: Person, request: Document, *, dry: bool = False) -> Document:
        """Carry out an act in a person's name, or only see what would come of it. Raises what the daemon raises."""
        more = {"dry_run": True} if dry else {}
        return await self._act(name, {**request, "by": person.name, **more}, person.proof)

    async def outage(self, visit: Visit, identity: str) -> Document:
        """Raises MissingError."""
        found, month = start_of(identity), proof.month_of(identity, self.zone)
        if found is not None and month is not None and found[0] in self.source.services():
            for outage in (await self.source.outages_in_turns(month, found[0]))["outages"]:
                if outage["id"] == identity:
                    return dict(outage)
        raise MissingError(visit.text("missing.outage", id=identity))

    async def evidence(self, outage: Document) -> list[Document]:
        """What was seen in it, of each of its targets. Raises LedgerError."""
        return await asyncio.to_thread(self._evidence, outage)

    def _evidence(self, outage: Document) -> list[Document]:
        with Reader.beside(self._settings().ledger.path) as reader:
            return proof.gathered(reader, outage, self.zone)

    @property
    def reports(self) -> Path | None:
        """Where reports are written."""
        return self._settings().report.directory

    async def report(self, month: str, language: Language, format_: Format, service: str | None) -> bytes:
        """A month's report as it is reckoned now. Raises NotMadeError, also where several are being made already."""
        if self._asked >= MOST_ASKED:
            raise NotMadeError("others are being made; try again")
        self._asked += 1
        try:
            path = str(self._settings().path.absolute())
            return await self._maker.make(Request(path, month, language, format_, self._clock.now(), service))
        finally:
            self._asked -= 1

    async def facts(self, kinds: Sequence[str], before: int, most: int) -> list[Link]:
        """The newest facts of some kinds before a number, newest first. Raises LedgerError."""
        return await asyncio.to_thread(self._facts, kinds, before, most)

    def _facts(self, kinds: Sequence[str], before: int, most: int) -> list[Link]:
        with Reader.beside(self._settings().ledger.path) as reader:
            return reader.newest_facts(kinds, before, most)
