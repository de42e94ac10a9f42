"""Proves the ManageSieve probe against a real Dovecot, and that a server, whatever it does, is named for it at once."""

from base64 import b64decode
from typing import Any

import pytest

from probes.errors import Cause
from tests.lab import Lab
from tests.probes.conftest import PASSWORD, Authority, Run, Secret
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

CAPABILITIES = b"".join(
    line + b"\r\n"
    for line in (
        b'"IMPLEMENTATION" "Example"',
        b'"SIEVE" "fileinto vacation"',
        b'"SASL" "PLAIN LOGIN"',
        b'"STARTTLS"',
        b'"VERSION" "1.0"',
    )
)
LISTED = CAPABILITIES + b'OK "done"\r\n'
POLITE = Script(
    greeting=LISTED,
    replies={
        "CAPABILITY": LISTED,
        "AUTHENTICATE": b'OK "logged in"\r\n',
        "LISTSCRIPTS": '"ลาพักร้อน" ACTIVE\r\n{7}\r\nsummer"\r\n"old"\r\nOK\r\n'.encode(),
        "LOGOUT": b"OK\r\n",
        "*": b'NO "what"\r\n',
    },
)


def lacking(capability: bytes) -> bytes:
    return b"".join(line for line in LISTED.splitlines(keepends=True) if not line.startswith(capability))


async def echo(peer: Peer) -> None:
    await peer.say(b'NO "you said ' + PASSWORD.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"\r\n')


async def cut(peer: Peer) -> None:
    await peer.say(b"{90}\r\nabc")
    await close(peer)


HOSTILE: dict[str, tuple[dict[str, Act], Cause, str]] = {
    "refuses at once": ({"greeting": b'BYE "too many"\r\n'}, Cause.REJECTED_TEMPORARY, "greeting"),
    "is busy": ({"greeting": b'BYE (TRYLATER) "busy"\r\n'}, Cause.REJECTED_TEMPORARY, "greeting"),
    "closes at once": ({"greeting": close}, Cause.DISCONNECTED, "greeting"),
    "resets at once": ({"greeting": reset}, Cause.DISCONNECTED, "greeting"),
    "says no more": ({"greeting": half_close}, Cause.DISCONNECTED, "greeting"),
    "is a POP3 server": ({"greeting": b"+OK hello\r\n"}, Cause.PROTOCOL, "greeting"),
    "is no Sieve server": ({"greeting": b'"IMPLEMENTATION" "x"\r\nOK\r\n'}, Cause.PROTOCOL, "greeting"),
    "greets with noise": ({"greeting": b"\xff\xfe\x80\r\n"}, Cause.PROTOCOL, "greeting"),
    "greets with NULs": ({"greeting": b'"SIEVE\0"\r\nOK\r\n'}, Cause.PROTOCOL, "greeting"),
    "greets with an endless line": ({"greeting": flood(b'"' + b"A" * 8192)}, Cause.PROTOCOL, "greeting"),
    "greets without end": ({"greeting": flood(b'"A" "b"\r\n' * 500)}, Cause.PROTOCOL, "greeting"),
    "greets twice": ({"greeting": LISTED + b"OK\r\n"}, Cause.PROTOCOL, "capability"),
    "announces a huge literal": ({"CAPABILITY": b"{4294967296}\r\n"}, Cause.PROTOCOL, "capability"),
    "announces a literal of absurd length": ({"CAPABILITY": b"{99999999999}\r\n"}, Cause.PROTOCOL, "capability"),
    "announces a negative literal": ({"CAPABILITY": b"{-5}\r\nOK\r\n"}, Cause.PROTOCOL, "capability"),
    "sends more of a literal than it said": ({"LISTSCRIPTS": b"{2}\r\nabc\r\nOK\r\n"}, Cause.PROTOCOL, "listscripts"),
    "answers twice": ({"CAPABILITY": LISTED * 2}, Cause.PROTOCOL, "auth"),
    "closes within a literal": ({"CAPABILITY": cut}, Cause.DISCONNECTED, "capability"),
    "refuses CAPABILITY": ({"CAPABILITY": b'NO "no"\r\n'}, Cause.REJECTED_PERMANENT, "capability"),
    "offers no login": ({"CAPABILITY": lacking(b'"SASL')}, Cause.AUTH_UNAVAILABLE, "auth"),
    "refuses the credential": ({"AUTHENTICATE": b'NO "Authentication failed."\r\n'}, Cause.AUTH, "auth"),
    "wants TLS first": ({"AUTHENTICATE": b'NO (ENCRYPT-NEEDED) "tls"\r\n'}, Cause.AUTH_UNAVAILABLE, "auth"),
    "cannot authenticate now": ({"AUTHENTICATE": b'NO (TRYLATER) "db"\r\n'}, Cause.REJECTED_TEMPORARY, "auth"),
    "sends the password back": ({"AUTHENTICATE": echo}, Cause.AUTH, "auth"),
    "says goodbye at the login": ({"AUTHENTICATE": b'BYE "bye"\r\n'}, Cause.DISCONNECTED, "auth"),
    "closes at the login": ({"AUTHENTICATE": close}, Cause.DISCONNECTED, "auth"),
    "asks on and on": ({"AUTHENTICATE": b'"bW9yZQ=="\r\n', "*": b'"bW9yZQ=="\r\n'}, Cause.PROTOCOL, "auth"),
    "has no scripts to tell of": ({"LISTSCRIPTS": b'NO "no"\r\n'}, Cause.REJECTED_PERMANENT, "listscripts"),
    "lists in words": ({"LISTSCRIPTS": b'"a" is active\r\nOK\r\n'}, Cause.PROTOCOL, "listscripts"),
    "lists without end": ({"LISTSCRIPTS": flood(b'"a"\r\n' * 500)}, Cause.PROTOCOL, "listscripts"),
}


def clear(script: Script, login: dict[str, Any] | None) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": script.port, "tls": "none", "login": login}


@pytest.mark.parametrize(("changes", "cause", "phase"), HOSTILE.values(), ids=HOSTILE)
async def test_a_server_is_named_at_once_for_what_it_does(
    changes: dict[str, Act], cause: Cause, phase: str, run: Run, login: dict[str, Any]
) -> None:
    async with serving(POLITE.but(**changes)) as script:
        result = await run("sieve", clear(script, login))
    assert (result.cause, result.steps.failed) == (cause, phase)


async def test_a_polite_server_is_up_after_all_phases(run: Run, login: dict[str, Any]) -> None:
    """A script's name may be a literal, in any script, with quotes in it."""
    async with serving(POLITE.but()) as script:
        result = await run("sieve", clear(script, login))
    assert result.failure is None
    assert result.phases == ["dns", "connect", "greeting", "capability", "auth", "listscripts", "quit"]
    assert result.steps.evidence.figures == {"scripts": 3}
    assert {"SIEVE VACATION", "SASL PLAIN", "STARTTLS"} <= set(result.steps.evidence.capabilities)


async def test_without_a_login_the_check_ends_after_the_capabilities(run: Run) -> None:
    async with serving(POLITE.but()) as script:
        result = await run("sieve", clear(script, None))
    assert (result.failure, script.heard) == (None, [b"CAPABILITY\r\n", b"LOGOUT\r\n"])


async def test_one_attempt_with_sasl_plain_where_it_is_offered(run: Run, login: dict[str, Any]) -> None:
    async with serving(POLITE.but(AUTHENTICATE=b"NO\r\n")) as script:
        await run("sieve", clear(script, login))
    (attempt,) = (line for line in script.heard if line.startswith(b"AUTHENTICATE"))
    name, answer = attempt.split()[1:]
    assert name == b'"PLAIN"'
    assert b64decode(answer.strip(b'"')).decode() == f"\0probe@example.org\0{PASSWORD}"


async def test_a_challenge_is_answered_in_strings(run: Run, login: dict[str, Any]) -> None:
    """CRAM-MD5, where nothing better is offered in clear."""
    offering = LISTED.replace(b"PLAIN LOGIN", b"CRAM-MD5")

    async def challenge(peer: Peer) -> None:
        await peer.say(b'"PDEuMkBtYWlsPg=="\r\n')
        answer = b64decode((await peer.hear()).strip().strip(b'"')).decode()
        known = answer.split()[0] == "probe@example.org" and len(answer.split()[1]) == 32
        await peer.say(b"OK\r\n" if known else b"NO\r\n")

    async with serving(POLITE.but(greeting=offering, CAPABILITY=offering, AUTHENTICATE=challenge)) as script:
        result = await run("sieve", clear(script, login))
    assert result.failure is None


@pytest.mark.parametrize(
    "changes",
    [
        {"CAPABILITY": bytewise(LISTED), "LISTSCRIPTS": bytewise(b"{3}\r\nabc\r\nOK\r\n")},
        {"LISTSCRIPTS": b"{0}\r\n\r\nOK\r\n"},
        {"CAPABILITY": LISTED.replace(b"\r\n", b"\n")},
        {"LISTSCRIPTS": b"OK (WARNINGS) {4}\r\nmany\r\n"},
        {"LOGOUT": close},
        {"LOGOUT": b"garbage\r\n"},
        {"LOGOUT": b'BYE "bye"\r\n'},
    ],
    ids=["byte by byte", "an empty name", "ends lines with LF", "text as a literal", "closes", "babbles", "says BYE"],
)
async def test_an_odd_server_is_up(changes: dict[str, Act], run: Run, login: dict[str, Any]) -> None:
    async with serving(POLITE.but(**changes)) as script:
        result = await run("sieve", clear(script, login))
    assert result.failure is None


async def test_a_literal_that_never_comes_to_its_end_is_left_to_the_deadline(run: Run, login: dict[str, Any]) -> None:
    async with serving(POLITE.but(LISTSCRIPTS=b"{500}\r\nfewer than it said\r\nOK\r\n")) as script:
        result = await run("sieve", clear(script, login), expire="listscripts")
    assert (result.timed_out, result.steps.failed) == (True, "listscripts")


# STARTTLS


def secured(authority: Authority) -> Act:
    """The server's side of the handshake, and the capabilities that are said again behind it."""

    async def act(peer: Peer) -> None:
        await upgrade(b'OK "go"\r\n', authority.good)(peer)  # type: ignore[operator]
        await peer.say(LISTED)

    return act


def starttls(script: Script, authority: Authority, login: dict[str, Any] | None) -> dict[str, Any]:
    return clear(script, login) | {"tls": {"mode": "starttls", "ca_file": authority.ca_file}}


async def test_starttls_protects_the_login(run: Run, login: dict[str, Any], authority: Authority) -> None:
    async with serving(POLITE.but(STARTTLS=secured(authority))) as script:
        result = await run("sieve", starttls(script, authority, login))
    assert result.failure is None
    assert result.phases[2:6] == ["greeting", "capability", "starttls", "capability"]


BEFORE_TLS: dict[str, tuple[dict[str, Act], Cause]] = {
    "offers no STARTTLS": ({"CAPABILITY": lacking(b'"STARTTLS')}, Cause.STARTTLS_UNAVAILABLE),
    "refuses STARTTLS": ({"STARTTLS": b"NO\r\n"}, Cause.REJECTED_PERMANENT),
    "injects plaintext": ({"STARTTLS": b"OK\r\n" + LISTED}, Cause.PROTOCOL),
    "injects half a literal": ({"STARTTLS": b"OK\r\n{9}\r\nab"}, Cause.PROTOCOL),
    "closes instead of TLS": ({"STARTTLS": close}, Cause.DISCONNECTED),
}


@pytest.mark.parametrize(("changes", "cause"), BEFORE_TLS.values(), ids=BEFORE_TLS)
async def test_nothing_goes_on_in_clear(
    changes: dict[str, Act], cause: Cause, run: Run, login: dict[str, Any], authority: Authority
) -> None:
    async with serving(POLITE.but(**changes)) as script:
        result = await run("sieve", starttls(script, authority, login))
    assert (result.cause, result.steps.failed) == (cause, "starttls")
    assert not any(line.startswith(b"AUTHENTICATE") for line in script.heard)


# A real Dovecot


def reach(lab: Lab, password: str) -> dict[str, Any]:
    login = {"username": lab.probe.username, "password": Secret(password)}
    return {
        "host": "localhost",
        "port": lab.ports.sieve,
        "tls": {"mode": "starttls", "ca_file": lab.ca_file},
        "login": login,
    }


async def test_a_real_server_is_up(shared_lab: Lab, run: Run) -> None:
    result = await run("sieve", reach(shared_lab, shared_lab.probe.password))
    assert result.failure is None
    assert result.phases[-2:] == ["listscripts", "quit"]
    assert shared_lab.probe.password not in repr(result.steps.evidence)


async def test_a_wrong_password_is_refused_as_such_by_a_real_server(shared_lab: Lab, run: Run) -> None:
    result = await run("sieve", reach(shared_lab, "wrong-0451"))
    assert (result.cause, result.steps.failed) == (Cause.AUTH, "auth")


async def test_a_pulse_sees_a_real_servers_greeting(shared_lab: Lab, run: Run) -> None:
    result = await run("sieve", reach(shared_lab, shared_lab.probe.password), pulse=True)
    assert (result.failure, result.phases) == (None, ["dns", "connect", "greeting"])
