"""Between the book and the ledger: final events as facts, and a book as it was when the ledger was last written."""

from dataclasses import asdict
from typing import Any

from monitor.core.book import Account, Book, Rules
from monitor.core.timeline import Blip, Event, Gap, Outage, Timeline
from monitor.ledger.chain import Fact
from monitor.ledger.store import Ledger, State

_KINDS: dict[str, type[Outage | Blip | Gap]] = {"outage": Outage, "blip": Blip, "gap": Gap}
EVENT_KINDS = tuple(_KINDS)


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


def restored(rules: Rules, ledger: Ledger) -> Book:
    """The book as of the last commit, under the rules given. Targets that are not configured are left out."""
    book = Book(rules)
    for state in ledger.states():
        rule = rules.targets.get(state.target)
        if rule is None:
            continue
        account = book.accounts[state.target]
        account.first, account.newest = state.first, state.newest
        account.timeline = Timeline.restore({**state.timeline, "confirm": rule.confirm, "recover": rule.recover})
    for link in ledger.facts(EVENT_KINDS):
        target, event = event_of(link.fact)
        if target in book.accounts:
            book.accounts[target].history.add([event])
    return book
