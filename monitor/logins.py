"""What logging in does to an account: a mail server locks it, or bans the monitor, after a few refused logins.

1. An account is a user name; one without a domain is its host's own.
2. After a refused login nobody logs in to it for `after`, which doubles with each refusal up to `most`. The target that
   was refused tries again first, alone; it speaks until then (R1). The others wait until its attempt must have ended.
3. A login that is accepted ends it; an attempt that did not get as far as the login neither ends nor prolongs it.
4. So does another password in the configuration, since what it meets is not known. Nothing else does.
5. At most `at_once` checks of one account are under way; the others wait for their turn before their clock starts.
6. A round trip logs in with what other targets are configured with: each of its sessions is one of theirs.
"""

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf

from monitor.clock import Clock

_LEVELS = 30  # doublings; more of them only overflow


@dataclass(frozen=True, slots=True)
class Access:
    """How a target logs in: to which account, and how careful to be. Times in seconds."""

    account: str
    after: float
    most: float
    at_once: int


@dataclass(frozen=True, slots=True)
class Loan:
    """The login of another target, `lender`, whose check takes at most `patience` seconds."""

    lender: str
    access: Access
    patience: float
    password: Callable[[], str] = field(default=str, repr=False, compare=False)


@dataclass(slots=True)
class _Account:
    turn: asyncio.Condition = field(default_factory=asyncio.Condition)
    waiting: int = 0
    under_way: int = 0
    refusals: int = 0
    until: float = -inf  # monotonic seconds
    first: str | None = None  # the target that tries again first
    others: float = -inf
    passwords: dict[str, bytes] = field(default_factory=dict)  # of each target


def account_of(username: str, host: str) -> str:
    """`probe@example.go.th` is one account wherever it is used; `probe` is another on each host."""
    name = username.casefold()
    return name if "@" in name else f"{name} at {host.casefold().rstrip('.')}"


class Logins:
    """The accounts that targets log in to, and which of them are being rested.

    `changed` is called when a rest begins, grows or ends by what a login met.
    """

    changed: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._accounts: dict[str, _Account] = {}
        self._key = os.urandom(32)  # so that what is kept of a password tells nothing outside this process

    def prepare(self, logins: Iterable[tuple[str, Access, str]]) -> set[str]:
        """Take the targets in force, as (name, access, password); returns the accounts that need rest no more."""
        told: dict[str, dict[str, bytes]] = {}
        for target, access, password in logins:
            told.setdefault(access.account, {})[target] = self._mark(password)
        changed = set()
        for name, passwords in told.items():
            account = self._account(name)
            if account.until > -inf and set(passwords.values()) - set(account.passwords.values()):
                changed.add(name)
                self._recovered(account)
            if account.first not in passwords:
                account.first = None
            account.passwords = passwords
        return changed

    def in_force(self, target: str, access: Access, password: str) -> bool:
        """Whether a target's login is still with this password, as far as that was ever told."""
        mark = self._account(access.account).passwords.get(target)
        return mark is None or mark == self._mark(password)

    def not_before(self, target: str, access: Access | None) -> float:
        """When the target may log in at the earliest, in monotonic seconds; -inf at any time."""
        if access is None:
            return -inf
        account = self._account(access.account)
        return account.until if account.first in {None, target} else account.others

    def until(self, target: str, accesses: Iterable[Access]) -> float:
        """When it may log in to all of these at the earliest."""
        latest = -inf
        for access in accesses:
            latest = max(latest, self.not_before(target, access))
        return latest

    def resting(self) -> dict[str, float]:
        """For how many seconds nobody but one target that tries again logs in, by account."""
        now = self._clock.monotonic()
        return {name: account.others - now for name, account in self._accounts.items() if account.others > now}

    def rest(self, account: str, seconds: float) -> None:
        """Nobody logs in to it for so long, whoever said so."""
        rested = self._account(account)
        rested.until = rested.others = self._clock.monotonic() + seconds

    async def enter(self, access: Access | None) -> None:
        """Wait for a turn; `leave` must follow."""
        if access is None:
            return
        account = self._account(access.account)
        if account.waiting or account.under_way >= access.at_once:
            account.waiting += 1
            try:
                async with account.turn:
                    await account.turn.wait_for(lambda: account.under_way < access.at_once)
            finally:
                account.waiting -= 1
        account.under_way += 1

    async def leave(self, access: Access | None) -> None:
        if access is None:
            return
        account = self._account(access.account)
        account.under_way -= 1
        if account.waiting:
            async with account.turn:
                account.turn.notify_all()

    def refused(self, target: str, access: Access, began: float, patience: float) -> None:
        """A login was refused in a check that began then; `patience` is the longest that the target's check takes."""
        account = self._account(access.account)
        if began < account.until and account.first != target:
            return  # it was under way already when another was refused
        pause = min(access.after * 2.0 ** min(account.refusals, _LEVELS), access.most)
        account.refusals += 1
        account.first = target
        account.until = self._clock.monotonic() + pause
        account.others = account.until + patience
        self.changed()

    def accepted(self, target: str, access: Access) -> bool:
        """A login was accepted; returns whether that ended a rest."""
        account = self._account(access.account)
        if account.first not in {None, target}:
            return False
        rested = account.until > -inf
        self._recovered(account)
        if rested:
            self.changed()
        return rested

    def _mark(self, password: str) -> bytes:
        return hashlib.blake2b(password.encode(), key=self._key).digest()

    def _account(self, name: str) -> _Account:
        found = self._accounts.get(name)
        if found is None:
            found = self._accounts[name] = _Account()
        return found

    @staticmethod
    def _recovered(account: _Account) -> None:
        account.refusals, account.first = 0, None
        account.until = account.others = -inf
