"""Who may come in by name and password: bcrypt in a thread of its own, a bounded queue before it, a small memory.

Only what was right is remembered: what guesses costs a hash each time, one at a time, and never the event loop.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import bcrypt

MOST_WAITING = 16
MOST_REMEMBERED = 64
LONGEST_PASSWORD = 72
"""Bytes, beyond which bcrypt would not look."""
USUAL_COST = 10


class BusyError(Exception):
    """Too many passwords wait to be looked at."""


class Users:
    """`right` looks at one password."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="passwords")
        self._secret = secrets.token_bytes(32)
        self._right: dict[bytes, None] = {}
        self._waiting = 0

    async def right(self, users: Mapping[str, str], name: str, password: str) -> bool:
        """Whether the password is this user's. Raises BusyError. An unknown user takes as long as a known one."""
        given = password.encode()
        known = users.get(name)
        expected = known or _nobodys(users)
        key = hmac.digest(self._secret, f"{name}\0{expected}\0{password}".encode(), hashlib.sha256)
        if known is not None and key in self._right:
            return True
        if self._waiting >= MOST_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            same = await asyncio.get_running_loop().run_in_executor(
                self._thread, bcrypt.checkpw, given[:LONGEST_PASSWORD], expected.encode()
            )
        finally:
            self._waiting -= 1
        if not same or known is None or len(given) > LONGEST_PASSWORD:
            return False
        if len(self._right) >= MOST_REMEMBERED:
            del self._right[next(iter(self._right))]
        self._right[key] = None
        return True

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def _nobodys(users: Mapping[str, str]) -> str:
    """A hash that no password has, at the greatest cost among the users."""
    cost = max((int(one[4:6]) for one in users.values()), default=USUAL_COST)
    return f"$2b${cost:02d}${'.' * 53}"
