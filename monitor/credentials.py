"""Which credentials have ever been accepted (`auth` is the service's fault only where that very one has worked).

Kept as facts: 16 bits of a salted scrypt of user and password. Enough to notice that the password in the
monitor's own file was changed, too few to confirm a guess at it.
"""

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Iterable

from monitor.ledger import Fact

KIND = "credential"


class Credentials:
    """Of each target, the mark of the credential that was accepted last."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._marks: dict[str, tuple[bytes, str]] = {}
        self._checked: dict[str, bool] = {}
        self._in_force: dict[str, tuple[str, str]] = {}
        self._changes: Counter[str] = Counter()
        self._salts: dict[tuple[str, str], bytes] = {}  # of each login: targets that share one share its mark
        self._made: dict[tuple[bytes, str, str], asyncio.Task[str]] = {}
        for fact in facts:
            body = fact.body
            self._marks[body["target"]] = bytes.fromhex(body["salt"]), body["mark"]

    def worked(self, target: str) -> bool:
        """Whether the credential in force has been accepted before; False until `prepare` or `accepted` said so."""
        return self._checked.get(target, False)

    def changes(self, targets: Iterable[str]) -> tuple[int, ...]:
        """How often the credential of each was changed: differs where a check has outlasted the login it began with."""
        return tuple(self._changes[target] for target in targets)

    async def prepare(self, logins: dict[str, tuple[str, str]]) -> None:
        """Put these in force, (user, password) by target, compared with what has been accepted.

        Until it is done the former ones stay in force, and all change at once.
        """
        made: dict[str, tuple[bytes, str]] = {}
        for target, login in logins.items():
            if target in self._marks:
                salt, _ = self._marks[target]
                made[target] = salt, await self._mark(salt, *login)
        # From here without a wait; what was accepted meanwhile was a former one
        for target in self._in_force.keys() | logins.keys():
            if self._in_force.get(target) != logins.get(target):
                self._changes[target] += 1
                self._checked[target] = target in made and made[target] == self._marks[target]
                if self._checked[target]:
                    self._salts[logins[target]] = made[target][0]
        self._in_force = dict(logins)

    async def accepted(self, target: str, user: str, password: str, now: int) -> Fact | None:
        """The credential in force was accepted: the fact to record, or None where that is known already."""
        if self._checked.get(target):
            return None
        self._checked[target] = True
        salt = self._salts.setdefault((user, password), os.urandom(16))
        mark = await self._mark(salt, user, password)
        if self._in_force.get(target, (user, password)) != (user, password):
            return None  # changed meanwhile: the fact written last shall be of the one that holds
        self._marks[target] = salt, mark
        return Fact(now, KIND, {"target": target, "user": user, "salt": salt.hex(), "mark": mark})

    async def _mark(self, salt: bytes, user: str, password: str) -> str:
        """Made once: it takes 20 ms and 8 MB."""
        known = salt, user, password
        if known not in self._made:
            self._made[known] = asyncio.create_task(asyncio.to_thread(_mark, *known))
        return await asyncio.shield(self._made[known])


def _mark(salt: bytes, user: str, password: str) -> str:
    return hashlib.scrypt(f"{user}\0{password}".encode(), salt=salt, n=2**13, r=8, p=1, dklen=2).hex()
