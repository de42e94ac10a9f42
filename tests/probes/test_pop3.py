"""Proves that a POP3 server, whatever it does, is named for it at once."""

from base64 import b64decode
from typing import Any

import pytest

from probes.errors import Cause
from tests.probes.conftest import PASSWORD, Authority, Run
from tests.probes.scripted import (
    Act,
    Peer,
    Script,
    bytewise,
    close,
    flood,
    half_close,
    reset,
    serving,
    upgrade,
)

CAPABILITIES = b"+OK\r\nSASL PLAIN LOGIN\r\nUSER\r\nUIDL\r\nSTLS\r\n.\r\n"
POLITE = Script(
    greeting=b"+OK ready\r\n",
    replies={
        "CAPA": CAPABILITIES,
        "AUTH": b"+OK logged in\r\n",
        "USER": b"+OK\r\n",
        "PASS": b"+OK logged in\r\n",
        "STAT": b"+OK 2 320\r\n",
        "LIST": b"+OK\r\n1 120\r\n2 200\r\n.\r\n",
        "UIDL": b"+OK\r\n1 aa!\r\n2 bb~\r\n.\r\n",
        "QUIT": b"+OK bye\r\n",
        "*": b"-ERR what\r\n",
    },
)


def lacking(capability: bytes) -> bytes:
    return CAPABILITIES.replace(capability + b"\r\n", b"")


ONLY_USER = lacking(b"SASL PLAIN LOGIN")


async def echo(peer: Peer) -> None:
    await peer.say(b"-ERR you said " + PASSWORD.encode() + b"\r\n")


HOSTILE: dict[str, tuple[dict[str, Act], Cause, str]] = {
    "refuses at once": ({"greeting": b"-ERR go away\r\n"}, Cause.REJECTED_PERMANENT, "greeting"),
    "refuses for now": ({"greeting": b"-ERR [SYS/TEMP] full\r\n"}, Cause.REJECTED_TEMPORARY, "greeting"),
    "closes at once": ({"greeting": close}, Cause.DISCONNECTED, "greeting"),
    "resets at once": ({"greeting": reset}, Cause.DISCONNECTED, "greeting"),
    "says no more": ({"greeting": half_close}, Cause.DISCONNECTED, "greeting"),
    "is an SMTP server": ({"greeting": b"220 hello\r\n"}, Cause.PROTOCOL, "greeting"),
    "greets with noise": ({"greeting": b"\xff\xfe\x80\r\n"}, Cause.PROTOCOL, "greeting"),
    "greets with NULs": ({"greeting": b"+OK \0\0\r\n"}, Cause.PROTOCOL, "greeting"),
    "greets with an endless line": ({"greeting": flood(b"A" * 8192)}, Cause.PROTOCOL, "greeting"),
    "greets twice": ({"greeting": b"+OK ready\r\n+OK ready\r\n"}, Cause.PROTOCOL, "capability"),
    "lists without end": ({"CAPA": flood(b"+OK\r\n" * 500)}, Cause.PROTOCOL, "capability"),
    "answers CAPA with noise": ({"CAPA": b"what?\r\n"}, Cause.PROTOCOL, "capability"),
    "closes within the list": ({"CAPA": half_close}, Cause.DISCONNECTED, "capability"),
    "offers no login": ({"CAPA": b"+OK\r\nUIDL\r\n.\r\n"}, Cause.AUTH_UNAVAILABLE, "auth"),
    "refuses the credential": ({"AUTH": b"-ERR [AUTH] no\r\n"}, Cause.AUTH, "auth"),
    "refuses without a code": ({"AUTH": b"-ERR no\r\n"}, Cause.AUTH, "auth"),
    "cannot authenticate now": ({"AUTH": b"-ERR [SYS/TEMP] later\r\n"}, Cause.REJECTED_TEMPORARY, "auth"),
    "has the mailbox locked": ({"AUTH": b"-ERR [IN-USE] locked\r\n"}, Cause.REJECTED_TEMPORARY, "auth"),
    "is broken for good": ({"AUTH": b"-ERR [SYS/PERM] broken\r\n"}, Cause.REJECTED_PERMANENT, "auth"),
    "refuses the password": ({"CAPA": ONLY_USER, "PASS": b"-ERR no\r\n"}, Cause.AUTH, "auth"),
    "sends the password back": ({"CAPA": ONLY_USER, "PASS": echo}, Cause.AUTH, "auth"),
    "closes at the login": ({"AUTH": close}, Cause.DISCONNECTED, "auth"),
    "asks on and on": ({"AUTH": b"+ more\r\n"}, Cause.PROTOCOL, "auth"),
    "counts in words": ({"STAT": b"+OK two messages\r\n"}, Cause.PROTOCOL, "stat"),
    "counts below nothing": ({"STAT": b"+OK -1 -5\r\n"}, Cause.PROTOCOL, "stat"),
    "lists in Thai digits": ({"LIST": "+OK\r\n๑ ๒\r\n.\r\n".encode()}, Cause.PROTOCOL, "list"),
    "answers STAT twice": ({"STAT": b"+OK 2 320\r\n+OK 2 320\r\n"}, Cause.PROTOCOL, "list"),
    "counts beyond all bounds": ({"STAT": b"+OK " + b"9" * 5000 + b" 1\r\n"}, Cause.PROTOCOL, "stat"),
    "lists in words": ({"LIST": b"+OK\r\none two\r\n.\r\n"}, Cause.PROTOCOL, "list"),
    "lists messages without end": ({"LIST": flood(b"+OK\r\n" + b"1 2\r\n" * 500)}, Cause.PROTOCOL, "list"),
    "has no identities": ({"UIDL": b"-ERR no\r\n"}, Cause.REJECTED_PERMANENT, "uidl"),
    "has empty identities": ({"UIDL": b"+OK\r\n1\r\n.\r\n"}, Cause.PROTOCOL, "uidl"),
    "has no figures": ({"STAT": b"-ERR no\r\n"}, Cause.REJECTED_PERMANENT, "stat"),
}


def clear(script: Script, login: dict[str, Any] | None) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": script.port, "tls": "none", "login": login}


@pytest.mark.parametrize(("changes", "cause", "phase"), HOSTILE.values(), ids=HOSTILE)
async def test_a_server_is_named_at_once_for_what_it_does(
    changes: dict[str, Act], cause: Cause, phase: str, run: Run, login: dict[str, Any]
) -> None:
    async with serving(POLITE.but(**changes)) as script:
        result = await run("pop3", clear(script, login))
    assert (result.cause, result.steps.failed) == (cause, phase)


async def test_a_polite_server_is_up_after_all_phases(run: Run, login: dict[str, Any]) -> None:
    async with serving(POLITE.but()) as script:
        result = await run("pop3", clear(script, login))
    assert result.failure is None
    assert result.phases == ["dns", "connect", "greeting", "capability", "auth", "stat", "list", "uidl", "quit"]
    assert result.steps.evidence.figures == {"messages": 2, "octets": 320}
    assert result.steps.evidence.replies == ["+OK ready", "+OK logged in", "+OK 2 320"]


async def test_without_a_login_the_check_ends_after_the_capabilities(run: Run) -> None:
    async with serving(POLITE.but()) as script:
        result = await run("pop3", clear(script, None))
    assert result.failure is None
    assert result.phases == ["dns", "connect", "greeting", "capability", "quit"]
    assert script.heard == [b"CAPA\r\n", b"QUIT\r\n"]


async def test_one_attempt_with_sasl_plain_where_it_is_offered(run: Run, login: dict[str, Any]) -> None:
    async with serving(POLITE.but(AUTH=b"-ERR [AUTH] no\r\n")) as script:
        await run("pop3", clear(script, login))
    attempts = [line for line in script.heard if line.startswith((b"AUTH", b"USER", b"PASS"))]
    assert len(attempts) == 1
    assert b64decode(attempts[0].split()[2]).decode() == f"\0probe@example.org\0{PASSWORD}"


@pytest.mark.parametrize(
    "changes",
    [
        {"CAPA": b"-ERR what\r\n"},
        {"CAPA": ONLY_USER},
        {"CAPA": bytewise(CAPABILITIES), "STAT": bytewise(b"+OK 0 0\r\n")},
        {"CAPA": CAPABILITIES.replace(b"\r\n", b"\n")},
        {"greeting": "+OK สวัสดี\r\n".encode()},
        {"QUIT": close},
        {"QUIT": b"garbage\r\n"},
    ],
    ids=[
        "knows RFC 1939 only",
        "knows USER only",
        "sends byte by byte",
        "ends lines with LF",
        "greets in Thai",
        "closes",
        "babbles",
    ],
)
async def test_an_odd_server_is_up(changes: dict[str, Act], run: Run, login: dict[str, Any]) -> None:
    async with serving(POLITE.but(**changes)) as script:
        result = await run("pop3", clear(script, login))
    assert result.failure is None


async def test_a_long_credential_waits_to_be_asked_for(run: Run, login: dict[str, Any]) -> None:
    async def ask(peer: Peer) -> None:
        await peer.say(b"+ \r\n")
        await peer.say(b"+OK\r\n" if len(b64decode(await peer.hear())) > 300 else b"-ERR\r\n")

    async with serving(POLITE.but(AUTH=ask)) as script:
        result = await run("pop3", clear(script, login | {"username": "u" * 300}))
    assert result.failure is None
    assert b"AUTH PLAIN\r\n" in script.heard


# STLS


def stls(script: Script, authority: Authority, login: dict[str, Any] | None) -> dict[str, Any]:
    return clear(script, login) | {"tls": {"mode": "starttls", "ca_file": authority.ca_file}}


async def test_stls_protects_the_login(run: Run, login: dict[str, Any], authority: Authority) -> None:
    async with serving(POLITE.but(STLS=upgrade(b"+OK go\r\n", authority.good))) as script:
        result = await run("pop3", stls(script, authority, login))
    assert result.failure is None
    assert result.phases[2:6] == ["greeting", "capability", "starttls", "capability"]
    assert result.steps.evidence.certificate is not None


BEFORE_TLS: dict[str, tuple[dict[str, Act], Cause]] = {
    "offers no STLS": ({"CAPA": lacking(b"STLS")}, Cause.STARTTLS_UNAVAILABLE),
    "tells no capabilities": ({"CAPA": b"-ERR what\r\n"}, Cause.STARTTLS_UNAVAILABLE),
    "refuses STLS": ({"STLS": b"-ERR later\r\n"}, Cause.REJECTED_PERMANENT),
    "injects plaintext": ({"STLS": b"+OK go\r\n+OK logged in\r\n"}, Cause.PROTOCOL),
    "injects half a line": ({"STLS": b"+OK go\r\n+OK log"}, Cause.PROTOCOL),
    "closes instead of TLS": ({"STLS": close}, Cause.DISCONNECTED),
}


@pytest.mark.parametrize(("changes", "cause"), BEFORE_TLS.values(), ids=BEFORE_TLS)
async def test_nothing_goes_on_in_clear(
    changes: dict[str, Act], cause: Cause, run: Run, login: dict[str, Any], authority: Authority
) -> None:
    async with serving(POLITE.but(**changes)) as script:
        result = await run("pop3", stls(script, authority, login))
    assert (result.cause, result.steps.failed) == (cause, "starttls")
    assert not any(line.startswith((b"AUTH", b"USER", b"PASS")) for line in script.heard)


async def test_a_certificate_refused_behind_stls_is_shown(
    run: Run, login: dict[str, Any], authority: Authority
) -> None:
    async with serving(POLITE.but(STLS=upgrade(b"+OK go\r\n", authority.other_name))) as script:
        result = await run("pop3", stls(script, authority, login))
    assert result.cause is Cause.TLS_CERTIFICATE
    certificate = result.steps.evidence.certificate
    assert certificate is not None
    assert certificate.problem == "name"
