"""The tokens of all round trips, durable where there is a ledger, and how many messages came to which end.

A token is committed before its message is sent, and what was seen of it before the message is deleted. A ledger that
cannot be written, or is slow, holds no check up: what is not written then is written with what comes next.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from monitor.clock import Clock
from monitor.core.delivery import RESULTS, Sent, Tally
from monitor.core.instants import DAY, SECOND, Duration
from monitor.ledger import Batch, LedgerUnavailableError, Reader
from probes.tokens import Sighting, Token

PATIENCE = 2.0
"""Seconds that a check waits for a commit."""
RETENTION: Duration = 32 * DAY
"""How long the token of a round trip that is not configured any more is remembered."""

Commit = Callable[[Batch], Awaitable[None]]


class Deliveries:
    """`commit` makes a batch durable, and raises LedgerUnavailableError; without it nothing outlives the process."""

    def __init__(self, clock: Clock, commit: Commit | None = None) -> None:
        self._clock = clock
        self._commit = commit
        self._sent: dict[str, Sent] = {}
        self._of: dict[str, dict[str, Sent]] = {}  # the same by target
        self.tallies: dict[str, Counter[str]] = {}
        """How many messages of each round trip came to which end; its counter is one for good."""
        self._pending = Batch()
        self._writing = asyncio.Lock()

    def load(self, ledger: Reader) -> None:
        """Take up what the ledger holds; called once, before anything is sent."""
        now = self._clock.now()
        for sent in ledger.sent():
            if now - sent.issued > RETENTION:
                self._pending.forgotten.add(sent.token)
            else:
                self._remember(sent)
        for target, result, count in ledger.tallies():
            self._tally(target)[result] = count

    def store(self, target: str, give_up: Duration) -> "Tokens":
        """The tokens of one round trip."""
        self._tally(target)
        return Tokens(self, target, give_up)

    async def flush(self) -> None:
        """Write what waits; for the daemon's end."""
        await self._keep()

    async def issue(self, target: str) -> Token:
        now = self._clock.now()
        sent = Sent(secrets.token_hex(16), target, now)
        self._remember(sent)
        self._changed(sent)
        await self._keep()
        return Token(sent.token, datetime.fromtimestamp(now // SECOND, UTC))

    async def accepted(self, token: str) -> None:
        sent = self._sent[token]
        if sent.state == "issued":
            sent.state = "accepted"
            self._changed(sent)
            await self._keep()

    async def seen(self, target: str, sightings: Sequence[Sighting], awaited: str, give_up: Duration) -> frozenset[str]:
        """As `TokenStore.seen`; messages before reports, since what arrived has arrived."""
        done = set()
        for one in sorted(sightings, key=lambda sighting: sighting.bounce):
            sent = self._sent.get(one.token)
            if sent is not None and sent.target == target:
                self._count(target, sent.seen(one.place, bounce=one.bounce, awaited=one.token == awaited))
                self._changed(sent)
                done.add(one.place)
            elif self._abandoned(one, sent, give_up):
                done.add(one.place)
        await self._keep()
        return frozenset(done)

    async def looked(self, target: str, give_up: Duration) -> None:
        """What is overdue and was not there is lost; what has been settled for long is forgotten."""
        now = self._clock.now()
        for sent in list(self._of.get(target, {}).values()):
            if sent.open and sent.overdue(now, give_up):
                self._count(target, sent.give_up())
                self._changed(sent)
            elif sent.overdue(now, 2 * give_up):
                self._forget(sent)
        await self._keep()

    def _abandoned(self, sighting: Sighting, sent: Sent | None, give_up: Duration) -> bool:
        """Whether a message of another round trip, or of another monitor, is so old that nobody waits for it."""
        now = self._clock.now()
        if sent is not None:  # of a round trip that may still look for it
            return sent.overdue(now, 2 * give_up)
        if not sighting.genuine or sighting.dated is None:
            return False
        return now - round(sighting.dated.timestamp()) * SECOND >= give_up

    def _tally(self, target: str) -> Counter[str]:
        return self.tallies.setdefault(target, Counter(dict.fromkeys(RESULTS, 0)))

    def _remember(self, sent: Sent) -> None:
        self._sent[sent.token] = self._of.setdefault(sent.target, {})[sent.token] = sent

    def _forget(self, sent: Sent) -> None:
        del self._sent[sent.token], self._of[sent.target][sent.token]
        self._pending.sent.pop(sent.token, None)
        self._pending.forgotten.add(sent.token)

    def _changed(self, sent: Sent) -> None:
        self._pending.sent[sent.token] = replace(sent, places=list(sent.places))  # another thread writes it

    def _count(self, target: str, result: Tally | None) -> None:
        if result is not None:
            tally = self._tally(target)
            tally[result] += 1
            self._pending.tallies[target, result] = tally[result]

    async def _keep(self) -> None:
        if self._commit is None:
            self._pending = Batch()
            return
        try:
            async with asyncio.timeout(PATIENCE), self._writing:
                await self._write(self._commit)
        except (TimeoutError, LedgerUnavailableError):
            return

    async def _write(self, commit: Commit) -> None:
        batch, self._pending = self._pending, Batch()
        if not batch:
            return
        try:
            await commit(batch)
        except BaseException:  # perhaps it was written all the same; writing it again changes nothing
            self._pending.sent = batch.sent | self._pending.sent
            self._pending.forgotten |= batch.forgotten
            self._pending.tallies = batch.tallies | self._pending.tallies
            raise


class Tokens:
    """One round trip's view: a `TokenStore`."""

    def __init__(self, deliveries: Deliveries, target: str, give_up: Duration) -> None:
        self._deliveries = deliveries
        self._target = target
        self._give_up = give_up

    async def issue(self) -> Token:
        return await self._deliveries.issue(self._target)

    async def accepted(self, token: Token) -> None:
        await self._deliveries.accepted(token.text)

    async def seen(self, sightings: Sequence[Sighting], awaited: Token) -> frozenset[str]:
        return await self._deliveries.seen(self._target, sightings, awaited.text, self._give_up)

    async def looked(self) -> None:
        await self._deliveries.looked(self._target, self._give_up)
