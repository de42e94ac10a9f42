"""What is recorded beside checks: declarations as they are made, months as they close, seals on what was recorded."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from monitor import closing, packing, sealing
from monitor.clock import Clock
from monitor.core.book import Book
from monitor.core.instants import Duration, Instant
from monitor.desk import Desk
from monitor.figures import Document
from monitor.incidents.desk import PREFIX
from monitor.incidents.watch import OutageWatch
from monitor.ledger import Batch, Fact, Ledger, LedgerError
from monitor.ledger.writer import Writer
from monitor.recorder import Arrival, Recorder
from monitor.settings import Settings
from monitor.settings.sections import LedgerSettings
from monitor.snapshot import Snapshot

log = structlog.get_logger("bookkeeper")

ACT_TIMEOUT = 10.0
"""Seconds that an act waits for its commit."""

BETWEEN_LOOKS = 1.0
"""Seconds between two looks at which outages go on."""

BETWEEN_STEPS = 0.5
"""Seconds between two steps of packing, in which the writer is free."""


class NotDurableError(Exception):
    """The ledger cannot be written now; the text is one line."""


class Bookkeeper:
    def __init__(
        self, clock: Clock, book: Book, desk: Desk, recorder: Recorder, writer: Writer, close_after: Duration
    ) -> None:
        self._clock = clock
        self._book = book
        self.desk = desk
        self._recorder = recorder
        self._writer = writer
        self._close_after = close_after
        self._sealed = 0
        self._compacting, self._sealing, self._closing = asyncio.Lock(), asyncio.Lock(), asyncio.Lock()
        self._acting = asyncio.Lock()
        self.closings: dict[str, closing.Closing] = {}

    @property
    def _present(self) -> Instant:
        """When a declaration is made: a clock that was set back declares nothing before what is recorded already."""
        return self._book.present(self._clock.now())

    def open(self, ledger: Ledger) -> None:
        """Take up what the ledger holds; called once, before anything is written."""
        self.closings = closing.closings_of(link.fact for link in ledger.facts((closing.KIND,)))
        self._sealed = sealing.sealed_up_to(ledger.facts((sealing.KIND,)))
        self.desk.open(ledger)
        self.desk.prepare(self._clock.now())

    async def act(self, name: str, request: Document, proof: str) -> Document:
        """Carry out an act and return its answer once it is durable.

        Raises what the desk raises, and NotDurableError where the ledger cannot be written.
        """
        if not self._recorder.writable:
            raise NotDurableError("the ledger cannot be written now; nothing was recorded")
        async with self._acting:  # what was sent twice is decided on twice, the second time by what the first did
            answer = self.desk.handle(name, request, self._present, proof)
            if answer.facts:
                await self.record(answer.facts)
                log.info("declaration.recorded", act=name, id=answer.document.get("id"), proof=proof)
                reason = f"{name} {answer.document.get('id', '')}".strip()
                await self.close_months(reason, tickets_only=name.startswith(PREFIX))
        if answer.preview is not None:
            for _ in answer.preview.steps():
                await asyncio.sleep(0)
            answer.document["would_excuse"] = answer.preview.document
        return answer.document

    async def reconcile(self, settings: Settings) -> None:
        """Record what the configuration declares, and what it no longer does; the daemon goes on without a ledger."""
        async with self._acting:
            facts, refused = self.desk.reconcile(settings, self._present)
            for line in refused:
                log.error("declaration.refused", problem=line)
            if facts:
                try:
                    await self.record(facts)
                except NotDurableError as error:
                    log.error("declaration.waits", problem=str(error))  # noqa: TRY400 - one line, no traceback

    async def record(self, facts: Sequence[Fact]) -> None:
        """Record facts and let them take effect. Raises NotDurableError where that is not done in time."""
        durable = asyncio.get_running_loop().create_future()
        self._recorder.put(Arrival(None, facts=tuple(facts), taken=self.desk.accept, durable=durable))
        try:
            async with asyncio.timeout(ACT_TIMEOUT):
                await durable
        except TimeoutError:
            raise NotDurableError("the ledger cannot be written now; it is recorded as soon as it can be") from None

    async def watch(self, snapshot: Callable[[], Snapshot]) -> None:
        """Open and end the incidents of outages, for ever."""
        watch = OutageWatch(self._book, self.desk.tickets.register, lambda: self.desk.tickets.from_outages)
        while True:
            await self._clock.sleep(BETWEEN_LOOKS)
            if self._recorder.writable and self._recorder.durable:
                async with self._acting:
                    await self._record_seen(watch.look(snapshot()))

    async def _record_seen(self, facts: Sequence[Fact]) -> None:
        if not facts:
            return
        try:
            await self.record(facts)
        except NotDurableError as error:
            log.error("incident.waits", problem=str(error))  # noqa: TRY400 - one line, no traceback
        for fact in facts:
            log.info(fact.kind.replace("ticket_", "incident."), id=fact.body["id"], source=fact.body["source"])

    async def close_months(self, reason: str = "", *, tickets_only: bool = False) -> None:
        """Close the months that are due, and those that a correction has changed, anew (R16).

        With `tickets_only` no service is evaluated: a ticket changes none.
        """
        tickets = self.desk.tickets.register.closing
        async with self._closing:
            now, head = self._clock.now(), self._writer.head
            facts = []
            after = None if tickets_only else self._close_after
            for fact in closing.steps(self._book, self.closings, now, after, head=head, reason=reason, tickets=tickets):
                if fact is not None:
                    facts.append(fact)
                await asyncio.sleep(0)  # checks go on in between
            self.closings |= closing.closings_of(facts)  # at once: what waits for the ledger is not closed once more
        if facts:
            await self.record(facts)
            for fact in facts:
                body = fact.body
                log.info("month.closed", month=body["month"], revision=body["revision"], reason=body["reason"])

    async def keep(self) -> None:
        """Close what is due and seal what was recorded; what the ledger does not allow now waits for the next time."""
        try:
            async with self._acting:  # a month is closed by what was declared before, and by nothing in between
                await self.close_months()
            await self.seal()
        except (LedgerError, NotDurableError) as error:
            log.error("books.wait", problem=str(error))  # noqa: TRY400 - one line, no traceback

    async def compact(self, settings: LedgerSettings) -> None:
        """Pack what is old and drop what is older, in steps between which commits go on."""
        if self._compacting.locked():
            return
        async with self._compacting:
            try:
                await self._steps("ledger.packed", partial(packing.pack, sealed=self._sealed, now=self._clock.now()))
                await self._steps("ledger.pruned", self._pruning(settings.keep_checks))
                await self._steps("ledger.evidence_pruned", self._dropping(settings.keep_evidence))
            except LedgerError as error:
                log.error("ledger.not_compacted", problem=str(error))  # noqa: TRY400 - one line, no traceback

    def _pruning(self, keep: Duration) -> Callable[[Ledger], int]:
        now, rules = self._clock.now(), self._book.rules
        pruning: list[packing.Pruning] = []

        def step(ledger: Ledger) -> int:
            oldest = ledger.oldest_pack()
            if oldest is None or oldest.end >= now - keep:
                return 0
            if not pruning:
                pruning.append(packing.Pruning(ledger, rules))
            return pruning[0].step(now - keep, now)

        return step

    def _dropping(self, keep: Duration) -> Callable[[Ledger], int]:
        now = self._clock.now()
        return partial(packing.drop_evidence, before=now - keep, now=now)

    async def _steps(self, event: str, step: Callable[[Ledger], int]) -> None:
        """One step after another in the writer's thread, until one has nothing to do."""
        total = 0
        while self._recorder.writable and (count := await self._writer.call(step)):
            total += count
            await self._clock.sleep(BETWEEN_STEPS)
        if total:
            log.info(event, checks=total)

    async def end(self) -> None:
        """Seal everything; for the daemon's end, when the recorder no longer runs."""
        try:
            await self._seal_rest()
        except LedgerError as error:
            log.error("books.wait", problem=str(error))  # noqa: TRY400 - one line, no traceback

    async def _seal_rest(self) -> None:
        while self._recorder.writable:
            fact = await self._writer.call(partial(sealing.seal, after=self._sealed, now=self._clock.now()))
            if fact is None:
                return
            self._sealed = fact.body["last"]
            await self._writer.commit(Batch(facts=[fact]))

    async def seal(self) -> None:
        """Seal the checks that are recorded and not sealed yet."""
        async with self._sealing:  # at a start about the hour two may want to: each check has one seal
            while True:
                after, now = self._sealed, self._clock.now()
                fact = await self._writer.call(partial(sealing.seal, after=after, now=now))
                if fact is None:
                    return
                self._sealed = fact.body["last"]
                await self.record([fact])
