"""Proves that an SMTP server, whatever it does, is named for it at once."""

from base64 import b64decode, b64encode
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

EXTENSIONS = b"250-mx.example.org\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 1000\r\n"
POLITE = Script(
    greeting=b"220 mx.example.org ready\r\n",
    replies={
        "EHLO": EXTENSIONS,
        "AUTH": b"235 2.7.0 logged in\r\n",
        "QUIT": b"221 bye\r\n",
        "*": b"502 what\r\n",
    },
)


def lacking(extension: bytes) -> bytes:
    return EXTENSIONS.replace(b"250-" + extension + b"\r\n", b"")


async def ask_for_both(peer: Peer) -> None:
    """AUTH LOGIN: first the user name, then the password."""
    await peer.say(b"334 VXNlcm5hbWU6\r\n")
    assert b64decode(await peer.hear()) == b"probe@example.org"
    await peer.say(b"334 UGFzc3dvcmQ6\r\n")
    answer = b64decode(await peer.hear()).decode()
    await peer.say(b"235 ok\r\n" if answer == PASSWORD else b"535 no\r\n")


async def echo(peer: Peer) -> None:
    shown = b64encode(f"\0probe@example.org\0{PASSWORD}".encode())
    await peer.say(b"535 5.7.8 " + shown + b" is " + PASSWORD.encode() + b"\r\n")


HOSTILE: dict[str, tuple[dict[str, Act], Cause, str]] = {
    "is busy": ({"greeting": b"421 too many\r\n"}, Cause.REJECTED_TEMPORARY, "greeting"),
    "refuses at once": ({"greeting": b"554-go\r\n554 away\r\n"}, Cause.REJECTED_PERMANENT, "greeting"),
    "closes at once": ({"greeting": close}, Cause.DISCONNECTED, "greeting"),
    "resets at once": ({"greeting": reset}, Cause.DISCONNECTED, "greeting"),
    "says no more": ({"greeting": half_close}, Cause.DISCONNECTED, "greeting"),
    "is an IMAP server": ({"greeting": b"* OK hello\r\n"}, Cause.PROTOCOL, "greeting"),
    "greets with code 000": ({"greeting": b"000 hello\r\n"}, Cause.PROTOCOL, "greeting"),
    "greets with code 999": ({"greeting": b"999 hello\r\n"}, Cause.PROTOCOL, "greeting"),
    "greets with two codes": ({"greeting": b"220-hello\r\n250 there\r\n"}, Cause.PROTOCOL, "greeting"),
    "answers EHLO with code 000": ({"EHLO": b"000 what\r\n"}, Cause.PROTOCOL, "ehlo"),
    "answers EHLO with code 999": ({"EHLO": b"999 what\r\n"}, Cause.PROTOCOL, "ehlo"),
    "answers AUTH with code 000": ({"AUTH": b"000 what\r\n"}, Cause.PROTOCOL, "auth"),
    "answers AUTH with code 999": ({"AUTH": b"999 what\r\n"}, Cause.PROTOCOL, "auth"),
    "answers EHLO twice": ({"EHLO": EXTENSIONS * 2}, Cause.PROTOCOL, "auth"),
    "greets with another code": ({"greeting": b"250 hello\r\n"}, Cause.PROTOCOL, "greeting"),
    "greets with noise": ({"greeting": b"\xff\xfe\x80\r\n"}, Cause.PROTOCOL, "greeting"),
    "greets with NULs": ({"greeting": b"220 \0\0\r\n"}, Cause.PROTOCOL, "greeting"),
    "greets with an endless line": ({"greeting": flood(b"A" * 8192)}, Cause.PROTOCOL, "greeting"),
    "greets without end": ({"greeting": flood(b"220-more\r\n" * 500)}, Cause.PROTOCOL, "greeting"),
    "greets twice": ({"greeting": b"220 ready\r\n220 ready\r\n"}, Cause.PROTOCOL, "ehlo"),
    "refuses EHLO": ({"EHLO": b"550 who are you\r\n"}, Cause.REJECTED_PERMANENT, "ehlo"),
    "defers EHLO": ({"EHLO": b"450 later\r\n"}, Cause.REJECTED_TEMPORARY, "ehlo"),
    "shuts down at EHLO": ({"EHLO": b"421 bye\r\n"}, Cause.REJECTED_TEMPORARY, "ehlo"),
    "answers EHLO with noise": ({"EHLO": b"what?\r\n"}, Cause.PROTOCOL, "ehlo"),
    "lists without end": ({"EHLO": flood(b"250-X\r\n" * 500)}, Cause.PROTOCOL, "ehlo"),
    "closes at EHLO": ({"EHLO": close}, Cause.DISCONNECTED, "ehlo"),
    "offers no AUTH": ({"EHLO": lacking(b"AUTH PLAIN LOGIN")}, Cause.AUTH_UNAVAILABLE, "auth"),
    "offers other mechanisms": (
        {"EHLO": EXTENSIONS.replace(b"PLAIN LOGIN", b"GSSAPI")},
        Cause.AUTH_UNAVAILABLE,
        "auth",
    ),
    "refuses the credential": ({"AUTH": b"535 5.7.8 no\r\n"}, Cause.AUTH, "auth"),
    "cannot authenticate now": ({"AUTH": b"454 4.7.0 later\r\n"}, Cause.REJECTED_TEMPORARY, "auth"),
    "wants encryption": ({"AUTH": b"538 5.7.11 no\r\n"}, Cause.AUTH_UNAVAILABLE, "auth"),
    "does not know the mechanism": ({"AUTH": b"504 5.5.4 no\r\n"}, Cause.AUTH_UNAVAILABLE, "auth"),
    "fails at AUTH": ({"AUTH": b"554 broken\r\n"}, Cause.REJECTED_PERMANENT, "auth"),
    "asks on and on": ({"AUTH": b"334 more\r\n"}, Cause.PROTOCOL, "auth"),
    "sends the password back": ({"AUTH": echo}, Cause.AUTH, "auth"),
    "closes at the login": ({"AUTH": close}, Cause.DISCONNECTED, "auth"),
}


def clear(script: Script, login: dict[str, Any] | None) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": script.port, "tls": "none", "login": login, "helo": "probe.example.org"}


@pytest.mark.parametrize(("changes", "cause", "phase"), HOSTILE.values(), ids=HOSTILE)
async def test_a_server_is_named_at_once_for_what_it_does(
    changes: dict[str, Act], cause: Cause, phase: str, run: Run, login: dict[str, Any]
) -> None:
    async with serving(POLITE.but(**changes)) as script:
        result = await run("submission", clear(script, login))
    assert (result.cause, result.steps.failed) == (cause, phase)


async def test_a_polite_server_is_up_after_all_phases(run: Run, login: dict[str, Any]) -> None:
    async with serving(POLITE.but()) as script:
        result = await run("submission", clear(script, login))
    assert result.failure is None
    assert result.phases == ["dns", "connect", "greeting", "ehlo", "auth", "quit"]
    assert result.steps.evidence.replies[-1] == "235 2.7.0 logged in"


async def test_without_a_login_the_check_ends_after_the_capabilities(run: Run) -> None:
    async with serving(POLITE.but()) as script:
        result = await run("smtp", clear(script, None))
    assert result.failure is None
    assert script.heard == [b"EHLO probe.example.org\r\n", b"QUIT\r\n"]


async def test_one_attempt_where_several_mechanisms_are_offered(run: Run, login: dict[str, Any]) -> None:
    async with serving(POLITE.but(AUTH=b"535 no\r\n")) as script:
        await run("submission", clear(script, login))
    attempts = [line for line in script.heard if line.startswith(b"AUTH")]
    assert [attempt.split()[1] for attempt in attempts] == [b"PLAIN"]
    assert b64decode(attempts[0].split()[2]).decode() == f"\0probe@example.org\0{PASSWORD}"


@pytest.mark.parametrize(
    "changes",
    [
        {"EHLO": EXTENSIONS.replace(b"PLAIN LOGIN", b"LOGIN"), "AUTH": ask_for_both},
        {"EHLO": bytewise(EXTENSIONS)},
        {"EHLO": EXTENSIONS.replace(b"\r\n", b"\n")},
        {"greeting": b"220-mx\r\n220-no spam\r\n220 please\r\n"},
        {"greeting": "220 สวัสดี\r\n".encode()},
        {"QUIT": close},
        {"QUIT": b"500 what\r\n"},
    ],
    ids=[
        "knows LOGIN only",
        "sends byte by byte",
        "ends lines with LF",
        "greets at length",
        "greets in Thai",
        "closes",
        "babbles",
    ],
)
async def test_an_odd_server_is_up(changes: dict[str, Act], run: Run, login: dict[str, Any]) -> None:
    async with serving(POLITE.but(**changes)) as script:
        result = await run("submission", clear(script, login))
    assert result.failure is None


# STARTTLS


def starttls(script: Script, authority: Authority, login: dict[str, Any] | None) -> dict[str, Any]:
    return clear(script, login) | {"tls": {"mode": "starttls", "ca_file": authority.ca_file}}


async def test_starttls_protects_the_login(run: Run, login: dict[str, Any], authority: Authority) -> None:
    async with serving(POLITE.but(STARTTLS=upgrade(b"220 go\r\n", authority.good))) as script:
        result = await run("submission", starttls(script, authority, login))
    assert result.failure is None
    assert result.phases[2:6] == ["greeting", "ehlo", "starttls", "ehlo"]
    assert result.steps.evidence.certificate is not None


BEFORE_TLS: dict[str, tuple[dict[str, Act], Cause]] = {
    "offers no STARTTLS": ({"EHLO": lacking(b"STARTTLS")}, Cause.STARTTLS_UNAVAILABLE),
    "defers STARTTLS": ({"STARTTLS": b"454 later\r\n"}, Cause.REJECTED_TEMPORARY),
    "injects plaintext": ({"STARTTLS": b"220 go\r\n250 injected\r\n"}, Cause.PROTOCOL),
    "injects half a line": ({"STARTTLS": b"220 go\r\n250"}, Cause.PROTOCOL),
    "closes instead of TLS": ({"STARTTLS": close}, Cause.DISCONNECTED),
}


@pytest.mark.parametrize(("changes", "cause"), BEFORE_TLS.values(), ids=BEFORE_TLS)
async def test_nothing_goes_on_in_clear(
    changes: dict[str, Act], cause: Cause, run: Run, login: dict[str, Any], authority: Authority
) -> None:
    async with serving(POLITE.but(**changes)) as script:
        result = await run("submission", starttls(script, authority, login))
    assert (result.cause, result.steps.failed) == (cause, "starttls")
    assert not any(line.startswith(b"AUTH") for line in script.heard)


async def test_a_certificate_refused_behind_starttls_is_shown(
    run: Run, login: dict[str, Any], authority: Authority
) -> None:
    async with serving(POLITE.but(STARTTLS=upgrade(b"220 go\r\n", authority.other_name))) as script:
        result = await run("submission", starttls(script, authority, login))
    assert result.cause is Cause.TLS_CERTIFICATE
    certificate = result.steps.evidence.certificate
    assert certificate is not None
    assert certificate.problem == "name"
