"""What a round trip remembers of the messages that it has sent, and what it asks of whoever keeps that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Token:
    """The mark of one message. `text` is 32 hexadecimal digits that nobody can guess; `issued` is aware of its zone."""

    text: str
    issued: datetime


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something in a mailbox that carries a token: a message of a round trip, or the report that one was returned.

    `place` is the same for the same copy in every session. `genuine`: the Message-ID, too, is one of ours.
    """

    token: str
    place: str
    bounce: bool = False
    junk: bool = False
    genuine: bool = False
    dated: datetime | None = None


class TokenStore(Protocol):
    """The tokens of one round trip. They outlive the process where the monitor has a ledger."""

    async def issue(self) -> Token:
        """A new token, remembered before this returns."""

    async def accepted(self, token: Token) -> None:
        """A server has taken over the responsibility for the message."""

    async def seen(self, sightings: Sequence[Sighting], awaited: Token) -> frozenset[str]:
        """Count what each sighting means; returns the places of those that may be deleted.

        `awaited` is the token whose check is still running: only that one can be delivered in time.
        """

    async def looked(self) -> None:
        """The mailbox has been looked through: what is overdue and was not seen is lost."""
