"""What became of the messages of round trips: each ends in exactly one way, however often and late it is seen.

A message is `delivered` where its own check saw it in time, `late` where a check after it did (also after a restart),
`bounced` where a report says that it was returned, `lost` where the mailbox was looked through after `give_up` and it
was not there. A copy beyond the first is a `duplicate`, which is counted beside that.
"""

from dataclasses import dataclass, field
from typing import Literal

from monitor.core.instants import Duration, Instant

State = Literal["issued", "accepted", "delivered", "late", "lost", "bounced"]
Tally = Literal["delivered", "late", "lost", "bounced", "duplicate"]
RESULTS: tuple[Tally, ...] = ("delivered", "late", "lost", "bounced", "duplicate")
MAX_PLACES = 100  # of one message; copies beyond are deleted and not told apart any more


@dataclass(slots=True)
class Sent:
    """A message that was to be sent; `issued` until a server has accepted it. `places` are where it was seen."""

    token: str
    target: str
    issued: Instant
    state: State = "issued"
    places: list[str] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return self.state in {"issued", "accepted"}

    def seen(self, place: str, *, bounce: bool, awaited: bool) -> Tally | None:
        """A copy, or a report of its return, was seen; what is to be counted, None where that has been."""
        if place in self.places:
            return None
        if len(self.places) < MAX_PLACES:
            self.places.append(place)
        if self.open:
            self.state = "bounced" if bounce else "delivered" if awaited else "late"
            return self.state
        return "duplicate" if self.state in {"delivered", "late"} and not bounce else None

    def overdue(self, now: Instant, give_up: Duration) -> bool:
        return now - self.issued >= give_up

    def give_up(self) -> Tally | None:
        """It will not come any more. What no server accepted was never sent, so it cannot be lost."""
        accepted, self.state = self.state == "accepted", "lost"
        return "lost" if accepted else None
