"""Every turn that a server has in a check of each protocol: what it answers to, and the phase that waits for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.probes.scripted import Act, Script, in_turn
from tests.probes.test_imap import CAPABILITIES
from tests.probes.test_mailbox import COUNTING as IMAP
from tests.probes.test_pop3 import POLITE as POP3
from tests.probes.test_recipient import PATIENT as SMTP
from tests.probes.test_sieve import POLITE as SIEVE
from tests.probes.test_webmail import INBOX, LISTING, LOGIN_FORM

VERBS: Mapping[str, tuple[Script, dict[str, str]]] = {
    "imap": (
        IMAP.but(CAPABILITY=CAPABILITIES.replace(b" STARTTLS", b"")),
        {
            "greeting": "greeting",
            "CAPABILITY": "capability",
            "AUTHENTICATE": "auth",
            "SELECT": "select",
            "STATUS": "status",
            "GETQUOTAROOT": "quota",
        },
    ),
    "pop3": (
        POP3,
        {
            "greeting": "greeting",
            "CAPA": "capability",
            "AUTH": "auth",
            "STAT": "stat",
            "LIST": "list",
            "UIDL": "uidl",
        },
    ),
    "submission": (
        SMTP,
        {
            "greeting": "greeting",
            "EHLO": "ehlo",
            "AUTH": "auth",
            "MAIL": "mail_from",
            "RCPT": "rcpt_to",
            "RSET": "rset",
        },
    ),
    "sieve": (
        SIEVE,
        {
            "greeting": "greeting",
            "CAPABILITY": "capability",
            "AUTHENTICATE": "auth",
            "LISTSCRIPTS": "listscripts",
        },
    ),
}
FAREWELLS = {"imap": "LOGOUT", "pop3": "QUIT", "submission": "QUIT", "sieve": "LOGOUT"}


@dataclass(frozen=True)
class Turn:
    """The moment in which a server says something else than it should."""

    protocol: str
    phase: str
    play: Callable[[Act], Script]

    def __str__(self) -> str:
        return f"{self.protocol}-{self.phase}"

    def options(self, script: Script, login: dict[str, Any]) -> dict[str, Any]:
        return reach(self.protocol, script.port, login)


def reach(protocol: str, port: int, login: dict[str, Any] | None) -> dict[str, Any]:
    if protocol == "webmail":
        return {"url": f"http://127.0.0.1:{port}/", "tls": "none", "login": login}
    more = {"submission": {"recipient": "postmaster@example.org", "helo": "probe.example.org"}}
    return {"host": "127.0.0.1", "port": port, "tls": "none", "login": login} | more.get(protocol, {})


def http(body: str, status: str = "200 OK", *more: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *more]
    return "\r\n".join([*head, "", body]).encode()


def webmail(turn: str, act: Act) -> Script:
    """Roundcube in a few lines: each request is its own connection, and one of them meets the act."""
    moved = http("", "302 Found", "Location: ./?_task=mail")
    answers: dict[str, Act] = {
        "page": http(LOGIN_FORM),
        "login": moved,
        "inbox": http(INBOX),
        "list": http(LISTING),
        "logout": http(""),
    }
    answers[turn] = act
    gets = [answer for name, answer in answers.items() if name != "login"]
    return Script(b"", {"GET": in_turn(*gets), "POST": answers["login"], "*": b""})


def _scripted() -> list[Turn]:
    return [
        Turn(protocol, phase, lambda act, script=script, verb=verb: script.but(**{verb: act}))  # type: ignore[misc]
        for protocol, (script, verbs) in VERBS.items()
        for verb, phase in verbs.items()
    ]


TURNS = [
    *_scripted(),
    Turn("webmail", "page", lambda act: webmail("page", act)),
    Turn("webmail", "login", lambda act: webmail("login", act)),
    Turn("webmail", "inbox", lambda act: webmail("inbox", act)),
]
