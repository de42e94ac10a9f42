"""Between the book and the ledger: final events as facts, and a book as it was when the ledger was last written."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from monitor.core.book import Account, Book, Epochs, Rules
from monitor.core.declarations import KINDS, Declarations
from monitor.core.events import Blip, Event, Gap, Outage
from monitor.core.timeline import Timeline
from monitor.ledger.chain import Fact
from monitor.ledger.errors import LedgerDamagedError
from monitor.ledger.reader import Reader
from monitor.ledger.rows import State

_KINDS: dict[str, type[Outage | Blip | Gap]] = {"outage": Outage, "blip": Blip, "gap": Gap}
EVENT_KINDS = tuple(_KINDS)
RULES = "rules"
RECOVERED = "recovered"
"""The kind of the fact that ends a time in which the ledger could not be written."""


def event_fact(target: str, event: Event, now: int) -> Fact:
    """An event of a target's timeline as a fact, recorded at `now`."""
    kind = next(kind for kind, made in _KINDS.items() if isinstance(event, made))
    return Fact(now, kind, {"target": target, **asdict(event)})


def event_of(fact: Fact) -> tuple[str, Event]:
    """The inverse of `event_fact`."""
    body: dict[str, Any] = dict(fact.body)
    target = body.pop("target")
    return target, _KINDS[fact.kind](**body)


def state_of(target: str, account: Account) -> State | None:
    """What a target's timeline resumes from; None before its first check."""
    if account.first is None or account.newest is None:
        return None
    return State(target, account.first, account.newest, account.timeline.dump())


def epochs_of(facts: Iterable[Fact], otherwise: Rules) -> Epochs:
    """The recorded rules, the first from the beginning; where none is recorded, the ones given."""
    recorded = [(fact.at, Rules.of(fact.body)) for fact in facts if fact.kind == RULES]
    return Epochs.of(recorded[0][1], *recorded[1:]) if recorded else Epochs.of(otherwise)


def restored(ledger: Reader, rules: Rules) -> tuple[Book, Declarations]:
    """The book as of the last commit, and everything declared; `rules` hold where none are recorded yet.

    Raises LedgerDamagedError.
    """
    try:
        return _restored(ledger, rules)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        text = f"{ledger.path}: damaged: it cannot be restored from; mailuptime verify says what was changed"
        raise LedgerDamagedError(text) from error


def _restored(ledger: Reader, rules: Rules) -> tuple[Book, Declarations]:
    declarations = Declarations.of((one.fact.at, one.fact.kind, one.fact.body) for one in ledger.facts(KINDS))
    epochs = epochs_of((link.fact for link in ledger.facts((RULES,))), rules)
    book = Book(epochs, declarations.declared, declarations.excluded)
    for state in ledger.states():
        if state.target in book.accounts:
            account = book.accounts[state.target]
            account.first, account.newest = state.first, state.newest
            account.timeline = Timeline.restore(state.timeline)
    for link in ledger.facts(EVENT_KINDS):
        target, event = event_of(link.fact)
        if target in book.accounts:
            book.accounts[target].history.add([event])
    return book, declarations


def put_in_force(book: Book, ledger: Reader, rules: Rules, now: int) -> list[Fact]:
    """Let rules hold from now on where they differ from those in force (R7); the fact to record, if any."""
    if next(iter(ledger.facts((RULES,))), None) is None:
        return [Fact(now, RULES, rules.document())]
    return changed(book, rules, now)


def changed(book: Book, rules: Rules, now: int) -> list[Fact]:
    """The same where rules have been recorded before."""
    if rules.document() == book.rules.document():
        return []
    return [Fact(book.change_rules(now, rules), RULES, rules.document())]
