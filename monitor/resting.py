"""The ledger of a daemon that does not run, as commands use it: locked, restored, and written only by acts."""

import os
import pwd
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from monitor import closing, queries
from monitor.assembly import basis_of, rules_of
from monitor.clock import SystemClock
from monitor.core.book import Book
from monitor.core.instants import Instant
from monitor.desk import Desk
from monitor.figures import Document
from monitor.ledger import Batch, Fact, Ledger
from monitor.ledger.restore import restored
from monitor.settings import Settings


@dataclass(frozen=True, slots=True)
class Resting:
    """A restored book over a locked ledger, as of `now`."""

    settings: Settings
    ledger: Ledger
    book: Book
    desk: Desk
    now: Instant

    def closings(self) -> dict[str, closing.Closing]:
        return closing.closings_of(link.fact for link in self.ledger.facts((closing.KIND,)))

    def sla(self, month: str | None) -> Document:
        document = queries.sla(self.book, month, self.now, self.closings(), basis_of(self.settings))
        return self.desk.tickets.added(document, self.now)

    def outages(self, month: str | None) -> Document:
        return queries.outages(self.book, month, self.now)

    def act(self, name: str, request: Document) -> Document:
        """Carry out an act: record its facts, and close anew what it corrects."""
        answer = self.desk.handle(name, request, self.book.present(self.now), own_proof())
        if answer.preview is not None:
            deque(answer.preview.steps(), maxlen=0)
            answer.document["would_excuse"] = answer.preview.document
        self.ledger.commit(Batch(facts=list(answer.facts)))
        self.desk.accept(answer.facts)
        if answer.facts:
            self.ledger.commit(Batch(facts=self._revisions(name, request)))
        return answer.document

    def _revisions(self, name: str, request: Document) -> list[Fact]:
        reason = f"{name} {request.get('id', '')}".strip()
        after = self.settings.sla.close_after
        tickets = self.desk.tickets.register.closing
        return closing.due(
            self.book, self.closings(), self.now, after, head=self.ledger.head, reason=reason, tickets=tickets
        )


@contextmanager
def rest(settings: Settings) -> Iterator[Resting]:
    """Raises LedgerError where the ledger cannot be had."""
    with Ledger(settings.ledger.path, create=False) as ledger:
        book, declarations = restored(ledger, rules_of(settings))
        desk = Desk(settings, book, declarations)
        desk.open(ledger)
        yield Resting(settings, ledger, book, desk, SystemClock().now())


def own_proof() -> str:
    """The same of who runs this process."""
    return proof_of(os.getuid())


def proof_of(uid: int) -> str:
    """What the operating system says of who asks: the login's number and name."""
    try:
        return f"{uid} ({pwd.getpwuid(uid).pw_name})"
    except KeyError:
        return str(uid)
