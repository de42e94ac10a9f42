"""Which tickets somebody asks for."""

from dataclasses import dataclass

from monitor.core.tickets import Ticket

STATES = ("any", "open", "recorded", "responded", "proposed", "resolved", "closed", "withdrawn")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which tickets: those recorded in a month, or without one in the running month and all that are open."""

    month: str | None = None
    kind: str | None = None
    state: str = "any"
    id: str | None = None

    def includes(self, ticket: Ticket) -> bool:
        """By kind and state."""
        in_state = self.state in {"any", ticket.state} or (self.state == "open" and ticket.open)
        return in_state and self.kind in {None, ticket.kind}
