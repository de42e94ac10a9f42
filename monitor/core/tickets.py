"""Incidents, service requests and complaints as a series of facts, and what they come to (SLA 1, 4.1, 4.2).

Nothing is edited: each step, each change and each correction is a fact of its own that names a ticket's id. What was
said before stays in the ledger, and a correction says why.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from monitor.core.instants import Instant

Kind = Literal["incident", "request", "complaint"]
Channel = Literal["telephone", "email", "web", "monitor"]
Step = Literal["responded", "resolved", "closed"]

OPENED, STEP, CHANGED, WITHDRAWN = "ticket_opened", "ticket_step", "ticket_changed", "ticket_withdrawn"
KINDS = (OPENED, STEP, CHANGED, WITHDRAWN)
TICKET_KINDS: tuple[Kind, ...] = get_args(Kind)
CHANNELS: tuple[Channel, ...] = get_args(Channel)
STEPS: tuple[Step, ...] = get_args(Step)
PRIORITIES: Mapping[Kind, tuple[str, ...]] = {
    "incident": ("P1", "P2", "P3", "P4"),
    "request": ("high", "medium", "low"),
    "complaint": (),
}
"""The most urgent first."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """`recorded` is when the clocks begin; instants that are not known are None.

    `proposed` is when the end of its outage proposes that it was resolved. `withdrawn` is why it is no ticket.
    `set_by_hand`: somebody chose its priority, and no rule changes it any more; `reopened`: somebody said that it was
    not resolved, and no end of an outage says it again.
    """

    id: str
    kind: Kind
    priority: str | None
    recorded: Instant
    channel: Channel
    agency: str | None
    by: str
    source: str
    outages: tuple[str, ...] = ()
    responded: Instant | None = None
    resolved: Instant | None = None
    closed: Instant | None = None
    closed_with: str | None = None
    not_reached: bool = False
    proposed: Instant | None = None
    withdrawn: str | None = None
    corrections: int = 0
    set_by_hand: bool = False
    reopened: bool = False

    @property
    def open(self) -> bool:
        """Whether it waits to be resolved."""
        return self.resolved is None and self.withdrawn is None

    @property
    def state(self) -> str:
        """`withdrawn`, `closed`, `resolved`, `proposed`, `responded` or `recorded`."""
        if self.withdrawn is not None:
            return "withdrawn"
        reached = {"closed": self.closed, "resolved": self.resolved, "proposed": self.proposed}
        reached["responded"] = self.responded
        return next((name for name, at in reached.items() if at is not None), "recorded")


class Tickets(Mapping[str, Ticket]):
    """Every ticket by its id, in the order in which they were recorded here."""

    def __init__(self, facts: Iterable[tuple[str, Mapping[str, Any]]] = ()) -> None:
        self._tickets: dict[str, Ticket] = {}
        self.version = 0
        """Differs whenever something was taken."""
        for kind, body in facts:
            self.take(kind, body)

    def __getitem__(self, identity: str) -> Ticket:
        return self._tickets[identity]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tickets)

    def __len__(self) -> int:
        return len(self._tickets)

    def take(self, kind: str, body: Mapping[str, Any]) -> None:
        """One more fact; other kinds change nothing, nor does one of a ticket that is not there."""
        if kind == OPENED:
            self._tickets.setdefault(body["id"], _opened(body))
            self.version += 1
        elif kind in KINDS and (before := self._tickets.get(body["id"])) is not None:
            self._tickets[before.id] = after(before, kind, body)
            self.version += 1


def after(ticket: Ticket, kind: str, body: Mapping[str, Any]) -> Ticket:
    """A ticket after one more fact about it."""
    corrections = ticket.corrections + (body["reason"] is not None and kind == STEP)
    if kind == WITHDRAWN:
        return replace(ticket, withdrawn=body["reason"])
    if kind == STEP:
        more = {"closed_with": body["with"], "not_reached": body["not_reached"]} if body["step"] == "closed" else {}
        more |= {"reopened": True, "proposed": None} if body["step"] == "resolved" and body["time"] is None else {}
        return replace(ticket, **{body["step"]: body["time"]}, **more, corrections=corrections)
    values = {**body["values"]}
    if "outages" in values:
        values["outages"] = tuple(values["outages"])
    by_hand = "priority" in values and body["source"] != "outage"
    return replace(
        ticket,
        **values,
        corrections=ticket.corrections + (body["source"] != "outage"),
        set_by_hand=ticket.set_by_hand or by_hand,
    )


def _opened(body: Mapping[str, Any]) -> Ticket:
    return Ticket(
        body["id"],
        body["kind"],
        body["priority"],
        body["recorded"],
        body["channel"],
        body["agency"],
        body["by"],
        body["source"],
        tuple(body["outages"]),
    )
