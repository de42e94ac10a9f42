"""A ledger that no daemon has open: fed by hand as a daemon feeds it, and commands on it at a time that a test sets."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from monitor import resting, sealing, verification
from monitor.assembly import rules_of
from monitor.cli import main
from monitor.core.check import Check, Outcome
from monitor.core.instants import HOUR, SECOND, Instant
from monitor.desk import Desk
from monitor.ledger import Batch, CheckRow, Fact, Ledger, Link, Reader
from monitor.ledger.restore import event_fact, put_in_force, restored, state_of
from monitor.ledger.schema import APPLICATION_ID
from monitor.settings import load
from monitor.verification import Verified
from tests.core.worked import at
from tests.e2e.commands import Done
from tests.e2e.written import smtp, written
from tests.lab.configuration import free_port

TARGET = "mail/smtp"
VOICE = 2 * HOUR
BEGIN = at("2026-11-01T00:00")
DOWN, BACK = at("10:00"), at("12:00")
"""The outage of the book that `opened` feeds: two hours on 10 November."""


def up(*instants: Instant) -> list[Check]:
    return [Check(instant, Outcome.UP, 0, VOICE) for instant in instants]


def down(*instants: Instant) -> list[Check]:
    return [Check(instant, Outcome.DOWN, 0, VOICE, cause="timeout") for instant in instants]


def hourly(start: Instant, end: Instant) -> list[Check]:
    """`up` in `[start, end)`."""
    return up(*range(start, end, HOUR))


def outage(start: Instant, end: Instant) -> list[Check]:
    """Down from the first of three failures to the first of two successes; not longer than a voice."""
    failures = (start, start + 5 * SECOND, start + 10 * SECOND)
    return [*down(*failures), *up(end, end + 5 * SECOND)]


class Office:
    """`now` is what the commands take for the present."""

    def __init__(
        self,
        place: Path,
        capture: pytest.CaptureFixture[str] | None,
        smtp_port: int = 25,
        defaults: Any = None,
        **sections: Any,
    ) -> None:
        self.place = place
        self.port = free_port()
        self._smtp_port = smtp_port
        self._defaults = defaults or {}
        self.now = at("12:30")
        self._capture = capture
        self.write(**sections)

    def write(self, **sections: Any) -> None:
        """The configuration with these sections beside, or in place of, what all have in common."""
        self.configuration = written(self.place, smtp(self._smtp_port), port=self.port, **self._defaults)
        document = json.loads(self.configuration.read_text(encoding="utf-8"))
        document.update(sections)
        self.configuration.write_text(json.dumps(document, indent=2), encoding="utf-8")

    @property
    def ledger(self) -> Path:
        return self.place / "ledger.db"

    def run(self, *arguments: str) -> Done:
        """A command of this configuration, in this process."""
        assert self._capture is not None, "an office without one has no commands"
        self._capture.readouterr()
        try:
            status = main([*arguments, "-c", str(self.configuration)])
        except SystemExit as error:  # the parser's own
            status = int(error.code or 0)
        said = self._capture.readouterr()
        return Done(status, said.out, said.err)

    def act(self, *arguments: str) -> Any:
        """An act that is carried out, and the document that it prints."""
        done = self.run(*arguments, "--format", "json")
        assert (done.status, done.err) == (0, ""), done
        return done.document

    def figures(self, month: str = "2026-11") -> Any:
        """Of the only service, with revision and digest where the month is closed."""
        done = self.run("sla", "--month", month, "--format", "json")
        assert done.err == ""
        document = done.document
        (service,) = document.pop("services")
        return {**document, **service}

    def downtime(self, month: str = "2026-11") -> int:
        seconds: int = self.figures(month)["downtime_seconds"]
        return seconds

    def feed(self, checks: Iterable[Check]) -> None:
        """Record checks as a daemon does that runs by the configuration as it stands."""
        given = list(checks)
        with Ledger(self.ledger) as ledger:
            rules = rules_of(load(self.configuration))
            book, _ = restored(ledger, rules)
            facts = put_in_force(book, ledger, rules, given[0].at)
            for check in given:
                facts += [event_fact(TARGET, event, check.at) for event in book.record(TARGET, check)]
            state = state_of(TARGET, book.accounts[TARGET])
            assert state is not None
            ledger.commit(Batch([CheckRow(TARGET, check) for check in given], facts, {TARGET: state}))

    def seal(self) -> None:
        with Ledger(self.ledger) as ledger:
            fact = sealing.seal(ledger, sealing.sealed_up_to(ledger.facts()), self.now)
            assert fact is not None
            ledger.commit(Batch(facts=[fact]))

    def reload(self) -> list[str]:
        """What a daemon does with the declarations of the file at its start; the refusals."""
        settings = load(self.configuration)
        with Ledger(self.ledger) as ledger:
            book, declarations = restored(ledger, rules_of(settings))
            desk = Desk(settings, book, declarations)
            desk.open(ledger)
            facts, refused = desk.reconcile(settings, self.now)
            ledger.commit(Batch(facts=facts))
        return refused

    def facts(self, *kinds: str) -> list[Link]:
        """Also beside a running daemon."""
        with Reader.beside(self.ledger) as reader:
            return list(reader.facts(kinds))

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        return [link.fact.body for link in self.facts(kind)]

    def append(self, fact: Fact) -> None:
        with Ledger(self.ledger) as ledger:
            ledger.commit(Batch(facts=[fact]))

    def verified(self, head: str | None = None) -> Verified:
        with Ledger(self.ledger) as ledger:
            return verification.verify(ledger, rules_of(load(self.configuration)), head)

    @contextmanager
    def tampering(self) -> Iterator[sqlite3.Connection]:
        """The file as somebody has it who owns it: without the triggers that stop accidents."""
        connection = sqlite3.connect(self.ledger)
        assert connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        try:
            yield connection
            connection.commit()
        finally:
            connection.close()


class OfficeClock:
    """In place of the system's, for commands."""

    office: Office

    def now(self) -> Instant:
        return self.office.now


def opened(office: Office, monkeypatch: pytest.MonkeyPatch, ledgers: dict[str, bytes]) -> Office:
    """With the book of a November in which mail was down from 10:00 to 12:00 on the 10th."""
    clock = OfficeClock()
    clock.office = office
    monkeypatch.setattr(resting, "SystemClock", lambda: clock)
    once(office, ledgers, "one outage", lambda: office.feed([*hourly(BEGIN, DOWN), *outage(DOWN, BACK)]))
    return office


def once(office: Office, ledgers: dict[str, bytes], name: str, fill: Callable[[], None]) -> None:
    """Fill the ledger, or copy the one that was filled so before."""
    if name in ledgers:
        office.ledger.write_bytes(ledgers[name])
    else:
        fill()
        ledgers[name] = office.ledger.read_bytes()  # whole: the log is folded into it when it is closed
