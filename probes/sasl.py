"""How to log in: which mechanism to choose of those offered, and what the client says in it.

SASL as mail protocols carry it (RFC 4422): PLAIN (4616), LOGIN (never standardized), CRAM-MD5 (2195) and XOAUTH2
(Google's and Microsoft's). Pure: the sessions know how their protocol frames it, and that none of it may be shown.
"""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterable

from probes.errors import Cause, ProbeFailureError

AUTO = "auto"
SECURE = ("plain", "login", "user", "cram-md5", "apop")
"""What a careful mail program prefers over TLS: the server need not keep the password in clear."""
IN_CLEAR = ("cram-md5", "apop", "plain", "login", "user")
"""And without TLS: first what does not show the password to whoever listens."""
TOKENS = frozenset({"xoauth2"})
"""Where the password is a token that ends by itself."""
_LEADING = {"plain", "xoauth2"}  # the client speaks first

_Answer = Callable[[str, str, bytes], bytes]
_ANSWERS: dict[str, tuple[_Answer, ...]] = {
    "plain": (lambda user, password, _: f"\0{user}\0{password}".encode(),),
    "login": (lambda user, _, __: user.encode(), lambda _, password, __: password.encode()),
    "cram-md5": (lambda user, password, challenge: f"{user} {_keyed(password, challenge)}".encode(),),
    "xoauth2": (lambda user, token, _: f"user={user}\1auth=Bearer {token}\1\1".encode(),),
}


def choose(wanted: str, offered: Collection[str], *, secure: bool) -> str:
    """The mechanism to log in with; `offered` and the answer as they are written in the configuration.

    Raises ProbeFailureError (auth_unavailable) where the server offers none that may be used.
    """
    if wanted != AUTO:
        if wanted in offered:
            return wanted
        raise ProbeFailureError(Cause.AUTH_UNAVAILABLE, f"{wanted.upper()} is not offered for the login")
    found = next((mechanism for mechanism in (SECURE if secure else IN_CLEAR) if mechanism in offered), None)
    if found is None:
        raise ProbeFailureError(Cause.AUTH_UNAVAILABLE, "no mechanism is offered for a login with a password")
    return found


def apop(password: str, greeting: str) -> str | None:
    """The digest of APOP (RFC 1939 section 7); None where the greeting has no timestamp."""
    begin = greeting.find("<")
    end = greeting.find(">", begin)
    if begin < 0 or end < 0:
        return None
    text = f"{greeting[begin : end + 1]}{password}".encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


class Exchange:
    """The client's side of one attempt with one mechanism. Texts come and go in base64.

    `refusal` is what an XOAUTH2 server said of a token that it refused.
    """

    def __init__(self, mechanism: str, username: str, password: str, hide: Callable[[str], None]) -> None:
        self.mechanism = mechanism
        self.refusal = ""
        self._login = (username, password)
        self._hide = hide
        self._answers: list[_Answer] = list(_ANSWERS[mechanism])

    @property
    def name(self) -> str:
        return self.mechanism.upper()

    def initial(self, room: int) -> str | None:
        """What the client says first, if the mechanism has it speak first and it is no longer than `room`."""
        if self.mechanism not in _LEADING:
            return None
        text = self._say(b"")
        if len(text) <= room:
            return text
        self._answers = list(_ANSWERS[self.mechanism])
        return None

    def answer(self, challenge: str) -> str | None:
        """What to say to a challenge; None where there is nothing more to say."""
        if self._answers:
            return self._say(_decoded(challenge) if self.mechanism == "cram-md5" else b"")
        if self.mechanism == "xoauth2" and not self.refusal:
            self.refusal = _reason(challenge)
            return ""  # an empty answer, and the refusal follows
        return None

    def _say(self, challenge: bytes) -> str:
        text = self._answers.pop(0)(*self._login, challenge)
        encoded = b64encode(text).decode()
        self._hide(encoded)
        if self.mechanism == "cram-md5":
            self._hide(text.decode().rpartition(" ")[2])
        return encoded


def explained(reply: str, exchange: Exchange | None) -> str:
    """A refusal with what the mechanism itself said of it."""
    return f"{reply} ({exchange.refusal})" if exchange and exchange.refusal else reply


def known(names: Iterable[str]) -> set[str]:
    """Those of a server's mechanisms that can be used, as they are written in the configuration."""
    return {name.lower() for name in names} & _ANSWERS.keys()


def _keyed(password: str, challenge: bytes) -> str:
    return hmac.new(password.encode(), challenge, "md5").hexdigest()


def _decoded(challenge: str) -> bytes:
    try:
        return b64decode(challenge.encode(), validate=True)
    except ValueError:
        raise ProbeFailureError(Cause.PROTOCOL, f"a challenge that is not base64: {challenge}") from None


def _reason(challenge: str) -> str:
    """The error that XOAUTH2 wraps in JSON and base64: its status, and nothing else of what may be in it."""
    try:
        found = json.loads(_decoded(challenge))
        status = found.get("status") or found.get("error")
    except (ProbeFailureError, ValueError, AttributeError, RecursionError):
        status = None
    return f"XOAUTH2 status {status}" if isinstance(status, str | int) else "XOAUTH2 without a status"
