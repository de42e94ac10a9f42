"""A mailbox as a round trip sees it: what of it is ours, read and deleted, and nothing else touched.

How much is looked at is bounded: of many messages the oldest, which are to be swept, and the newest.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Protocol

from probes.errors import Cause, ProbeFailureError
from probes.message import may_be_report, returned, sighting
from probes.pop3 import MAX_LIST, Pop3Session
from probes.tokens import Sighting

OLDEST, NEWEST = 10, 25
"""How many messages are looked at in one look, of each end of a mailbox: a session may bring a MiB, in 5,000 lines."""
MAX_REPORTS = 5
_REPORT_LINES = 400


class Mailbox(Protocol):
    """A mailbox for one session, behind a log-in."""

    @property
    def examined(self) -> set[str]:
        """Places that need no second look: of a look that went well all, else what cannot be read."""

    async def look(self) -> list[Sighting]:
        """What is there, but for what was examined by sessions before."""

    async def read(self, place: str) -> None:
        """Fetch a message whole, as a mail program shows it."""

    async def delete(self, places: Sequence[str]) -> None:
        """Delete what lies in these places, and nothing else."""


def ends(items: Sequence[Any]) -> list[Any]:
    """The oldest and the newest, where there are too many; `items` are in the order of their arrival."""
    return [*items[:OLDEST], *items[-NEWEST:]] if len(items) > OLDEST + NEWEST else list(items)


class Pop3Mailbox:
    """RFC 1939 with UIDL and TOP, without which a message cannot be told from another. There is only an inbox."""

    def __init__(self, session: Pop3Session, known: AbstractSet[str], prefix: str = "") -> None:
        self._session = session
        self._prefix = prefix
        self._known = known
        self.examined: set[str] = set()
        self._numbers: dict[str, int] = {}  # by place

    async def look(self) -> list[Sighting]:
        self._numbers = await self._listed()
        found: list[Sighting] = []
        reports: list[str] = []
        for place in self._numbers:
            if place in self._known:
                continue
            header = await self._top(place, 0)
            one = sighting(header, place, junk=False)
            if one:
                found.append(one)
            elif may_be_report(header):
                reports.append(place)
        for place in reports[-MAX_REPORTS:]:
            report = returned(await self._top(place, _REPORT_LINES), place, junk=False)
            found += [report] if report else []
        self.examined = set(self._numbers)
        return found

    async def read(self, place: str) -> None:
        await self._listing(f"RETR {self._numbers[place]}")

    async def delete(self, places: Sequence[str]) -> None:
        for place in places:
            await self._session.command(f"DELE {self._numbers[place]}")

    async def _listed(self) -> dict[str, int]:
        """Message numbers by their unique ids, of both ends of the mailbox."""
        words = (await self._session.command("STAT")).split()
        if len(words) < 3 or not words[1].isdecimal() or len(words[1]) > 9:
            raise ProbeFailureError(Cause.PROTOCOL, f"not an answer to STAT: {' '.join(words)}")
        count = int(words[1])
        chosen = ends(range(1, count + 1))
        if count <= MAX_LIST:
            lines = await self._listing("UIDL") if count else []
        else:
            lines = [(await self._session.command(f"UIDL {number}")).removeprefix("+OK ") for number in chosen]
        pairs = [line.split() for line in lines]
        if any(len(pair) < 2 or not pair[0].isdecimal() for pair in pairs):
            raise ProbeFailureError(Cause.PROTOCOL, "not an answer to UIDL")
        wanted = {str(number) for number in chosen}
        return {self._prefix + pair[1][:70]: int(pair[0]) for pair in pairs if pair[0] in wanted}

    async def _listing(self, command: str) -> list[str]:
        await self._session.command(command)
        return await self._session.listing()

    async def _top(self, place: str, lines: int) -> bytes:
        try:
            text = "\n".join(await self._listing(f"TOP {self._numbers[place]} {lines}"))
        except ProbeFailureError as failure:
            if failure.cause is Cause.PROTOCOL:  # somebody's message, such as one with NUL bytes, is in the way
                self.examined = {place}
            raise
        return text.encode(errors="replace")
