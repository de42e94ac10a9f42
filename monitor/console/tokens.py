"""Tokens that only a page of ours knows: without the right one a form changes nothing (CSRF).

A token is bound to who it was made for and to this process, and ends after a working day.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable

LASTS = 8 * 3600.0
"""Seconds."""


class Tokens:
    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._secret = secrets.token_bytes(32)

    def make(self, proof: str) -> str:
        made = str(int(self._monotonic()))
        return f"{made}.{self._sign(made, proof)}"

    def right(self, token: str, proof: str) -> bool:
        made, _, signature = token.partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(made, proof).encode()):
            return False
        return 0 <= self._monotonic() - int(made) + 1 <= LASTS  # signed: it is a number

    def _sign(self, made: str, proof: str) -> str:
        return hmac.new(self._secret, f"{made}\0{proof}".encode(), hashlib.sha256).hexdigest()
