"""Proves that an IMAP server, whatever it does, is named for it at once."""

import asyncio
from base64 import b64decode, b64encode
from typing import Any

import pytest

from probes import session
from probes.errors import Cause
from probes.imap_replies import mailbox_name
from tests.probes.conftest import PASSWORD, Run
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
    stall,
    then_close,
)

CAPABILITIES = b"* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN STARTTLS\r\n%T OK done\r\n"
POLITE = Script(
    greeting=b"* OK ready\r\n",
    replies={
        "CAPABILITY": CAPABILITIES,
        "AUTHENTICATE": b"%T OK logged in\r\n",
        "LOGIN": b"%T OK logged in\r\n",
        "SELECT": b"* FLAGS ()\r\n* 3 EXISTS\r\n%T OK [READ-WRITE] selected\r\n",
        "STATUS": b'* STATUS "INBOX" (MESSAGES 3 UNSEEN 1 UIDNEXT 12)\r\n%T OK done\r\n',
        "LOGOUT": b"* BYE bye\r\n%T OK done\r\n",
        "*": b"%T BAD what\r\n",
    },
    tagged=True,
)


def lacking(*words: str) -> bytes:
    text = CAPABILITIES
    for word in words:
        text = text.replace(f" {word}".encode(), b"")
    return text


async def challenge(peer: Peer) -> None:
    """A server without SASL-IR: first asks, then accepts the right answer."""
    await peer.say(b"+ \r\n")
    answer = b64decode(await peer.hear()).decode()
    await peer.say(b"%T OK\r\n" if answer == f"\0probe@example.org\0{PASSWORD}" else b"%T NO wrong\r\n")


async def challenge_twice(peer: Peer) -> None:
    await peer.say(b"+ \r\n")
    gave_up = await peer.hear()
    await peer.say(b"%T NO [AUTHENTICATIONFAILED] gave up\r\n" if gave_up == b"*\r\n" else b"%T OK\r\n")


async def echo(peer: Peer) -> None:
    shown = b64encode(f"\0probe@example.org\0{PASSWORD}".encode())
    await peer.say(b"%T NO " + PASSWORD.encode() + b" and " + shown + b"\r\n")


async def echo_in_a_wrong_place(peer: Peer) -> None:
    await peer.say(b"zzz " + PASSWORD.encode() + b"\r\n")


HOSTILE: dict[str, tuple[dict[str, Act], Cause, str]] = {
    "says BYE at once": ({"greeting": b"* BYE too many\r\n"}, Cause.REJECTED_TEMPORARY, "greeting"),
    "closes at once": ({"greeting": close}, Cause.DISCONNECTED, "greeting"),
    "resets at once": ({"greeting": reset}, Cause.DISCONNECTED, "greeting"),
    "says no more": ({"greeting": half_close}, Cause.DISCONNECTED, "greeting"),
    "is a web server": ({"greeting": b"HTTP/1.1 400 Bad\r\n\r\n"}, Cause.PROTOCOL, "greeting"),
    "greets with noise": ({"greeting": b"\xff\xfe\x80\x90\r\n"}, Cause.PROTOCOL, "greeting"),
    "greets with NULs": ({"greeting": b"* OK \0\0\r\n"}, Cause.PROTOCOL, "greeting"),
    "greets with an endless line": ({"greeting": flood(b"A" * 8192)}, Cause.PROTOCOL, "greeting"),
    "takes us as logged in": ({"greeting": b"* PREAUTH hi\r\n"}, Cause.AUTH_UNAVAILABLE, "auth"),
    "answers with a wrong tag": ({"CAPABILITY": b"ZZ9 OK done\r\n"}, Cause.PROTOCOL, "capability"),
    "answers with noise": ({"CAPABILITY": b"\x80\x81 \xff\r\n"}, Cause.PROTOCOL, "capability"),
    "answers with undecodable words": ({"CAPABILITY": b"* \xff\xfe x\r\n%T OK\r\n"}, Cause.PROTOCOL, "capability"),
    "answers with NULs": ({"CAPABILITY": b"* OK \0\r\n"}, Cause.PROTOCOL, "capability"),
    "answers without end": ({"CAPABILITY": flood(b"* OK x\r\n" * 500)}, Cause.PROTOCOL, "capability"),
    "answers with an endless line": ({"CAPABILITY": flood(b"* " * 4000)}, Cause.PROTOCOL, "capability"),
    "announces a huge literal": ({"CAPABILITY": b"* X {99999999}\r\n"}, Cause.PROTOCOL, "capability"),
    "announces an absurd literal": (
        {"CAPABILITY": b"* X {" + b"9" * 5000 + b"}\r\n"},
        Cause.PROTOCOL,
        "capability",
    ),
    "sends a literal without end": (
        {"CAPABILITY": flood(b"* X {60000}\r\n" + b"x" * 60000)},
        Cause.PROTOCOL,
        "capability",
    ),
    "announces a literal beyond all numbers": (
        {"CAPABILITY": b"* X {18446744073709551616}\r\n"},
        Cause.PROTOCOL,
        "capability",
    ),
    "sends more of a literal than it said": ({"CAPABILITY": b"* X {2}\r\nab%T OK\r\n"}, Cause.PROTOCOL, "capability"),
    "closes within a literal": ({"CAPABILITY": then_close(b"* X {9}\r\nab")}, Cause.DISCONNECTED, "capability"),
    "continues what nobody began": ({"CAPABILITY": b"+ go on\r\n"}, Cause.PROTOCOL, "capability"),
    "is no IMAP4rev1": ({"CAPABILITY": b"* CAPABILITY IMAP9\r\n%T OK\r\n"}, Cause.PROTOCOL, "capability"),
    "knows no CAPABILITY": ({"CAPABILITY": b"%T BAD what\r\n"}, Cause.REJECTED_PERMANENT, "capability"),
    "answers twice": ({"CAPABILITY": CAPABILITIES + b"%T OK again\r\n"}, Cause.PROTOCOL, "auth"),
    "closes at CAPABILITY": ({"CAPABILITY": close}, Cause.DISCONNECTED, "capability"),
    "offers no login": (
        {"CAPABILITY": lacking("AUTH=PLAIN").replace(b"SASL-IR", b"LOGINDISABLED")},
        Cause.AUTH_UNAVAILABLE,
        "auth",
    ),
    "refuses the credential": (
        {"AUTHENTICATE": b"%T NO [AUTHENTICATIONFAILED] no\r\n"},
        Cause.AUTH,
        "auth",
    ),
    "refuses without a code": ({"AUTHENTICATE": b"%T NO no\r\n"}, Cause.AUTH, "auth"),
    "cannot authenticate now": (
        {"AUTHENTICATE": b"%T NO [UNAVAILABLE] later\r\n"},
        Cause.REJECTED_TEMPORARY,
        "auth",
    ),
    "wants more privacy": (
        {"AUTHENTICATE": b"%T NO [PRIVACYREQUIRED] no\r\n"},
        Cause.AUTH_UNAVAILABLE,
        "auth",
    ),
    "finds AUTHENTICATE bad": ({"AUTHENTICATE": b"%T BAD no\r\n"}, Cause.REJECTED_PERMANENT, "auth"),
    "asks a second time": ({"AUTHENTICATE": challenge_twice}, Cause.AUTH, "auth"),
    "closes at the login": ({"AUTHENTICATE": close}, Cause.DISCONNECTED, "auth"),
    "says BYE at the login": ({"AUTHENTICATE": b"* BYE shutting down\r\n"}, Cause.DISCONNECTED, "auth"),
    "sends the password back": ({"AUTHENTICATE": echo}, Cause.AUTH, "auth"),
    "sends the password astray": ({"AUTHENTICATE": echo_in_a_wrong_place}, Cause.PROTOCOL, "auth"),
    "has no mailbox": ({"SELECT": b"%T NO [NONEXISTENT] no\r\n"}, Cause.CONTENT, "select"),
    "has a broken mailbox": ({"SELECT": b"%T NO [SERVERBUG] no\r\n"}, Cause.REJECTED_TEMPORARY, "select"),
    "tells nothing of the mailbox": ({"SELECT": b"%T OK\r\n"}, Cause.CONTENT, "select"),
    "counts nothing": ({"STATUS": b"* STATUS INBOX (UNSEEN 1)\r\n%T OK\r\n"}, Cause.CONTENT, "status"),
    "counts beyond all bounds": (
        {"STATUS": b"* STATUS INBOX (MESSAGES " + b"9" * 5000 + b")\r\n%T OK\r\n"},
        Cause.CONTENT,
        "status",
    ),
    "finds SELECT bad": ({"SELECT": b"%T BAD no\r\n"}, Cause.REJECTED_PERMANENT, "select"),
}


def clear(script: Script, login: dict[str, Any] | None) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": script.port, "tls": "none", "login": login}


@pytest.mark.parametrize(("changes", "cause", "phase"), HOSTILE.values(), ids=HOSTILE)
async def test_a_server_is_named_at_once_for_what_it_does(
    changes: dict[str, Act], cause: Cause, phase: str, run: Run, login: dict[str, Any]
) -> None:
    async with serving(POLITE.but(**changes)) as script:
        result = await run("imap", clear(script, login))
    assert (result.cause, result.steps.failed) == (cause, phase)


async def test_a_polite_server_is_up_after_all_phases(run: Run, login: dict[str, Any]) -> None:
    async with serving(POLITE.but()) as script:
        result = await run("imap", clear(script, login))
    assert result.failure is None
    assert result.phases == ["dns", "connect", "greeting", "capability", "auth", "select", "status", "quota", "quit"]
    assert result.steps.evidence.figures == {"messages": 3, "unseen": 1, "uidnext": 12}
    assert result.steps.evidence.replies == ["* OK ready", "OK logged in", "OK [READ-WRITE] selected"]


@pytest.mark.parametrize(
    "changes",
    [
        {"AUTHENTICATE": challenge, "CAPABILITY": lacking("SASL-IR")},
        {"CAPABILITY": lacking("AUTH=PLAIN"), "AUTHENTICATE": b"%T NO\r\n"},
        {"CAPABILITY": b"* OK noise\r\n" * 2000 + CAPABILITIES},
        {"CAPABILITY": b"* X {5}\r\nzz\r\n9 rest\r\n" + CAPABILITIES},
        {"CAPABILITY": bytewise(CAPABILITIES), "SELECT": bytewise(POLITE.replies["SELECT"])},  # type: ignore[arg-type]
        {"CAPABILITY": CAPABILITIES.replace(b"\r\n", b"\n")},
        {"greeting": b"* OK ready\r\n* 3 EXISTS\r\n* OK [ALERT] soon\r\n"},
        {"CAPABILITY": b"* X {-5}\r\n" + CAPABILITIES},
        {"CAPABILITY": b"* X {0}\r\n\r\n" + CAPABILITIES},
        {"STATUS": '* STATUS "งาน" (MESSAGES 3)\r\n%T OK เสร็จ\r\n'.encode()},
        {"LOGOUT": close},
        {"LOGOUT": b"garbage\r\n"},
    ],
    ids=[
        "asks for the answer",
        "knows LOGIN only",
        "has much to say",
        "sends a literal",
        "sends byte by byte",
        "ends lines with LF",
        "says more than a greeting at once",
        "announces a negative literal",
        "sends an empty literal",
        "answers in Thai",
        "closes at LOGOUT",
        "talks nonsense at LOGOUT",
    ],
)
async def test_an_odd_server_is_up(changes: dict[str, Act], run: Run, login: dict[str, Any]) -> None:
    async with serving(POLITE.but(**changes)) as script:
        result = await run("imap", clear(script, login))
    assert result.failure is None


IN_TURN = [verb for verb in POLITE.replies if verb not in {"*", "LOGIN", "LOGOUT"}]


@pytest.mark.parametrize("verb", IN_TURN)
async def test_what_nobody_asked_for_is_no_failure(verb: str, run: Run, login: dict[str, Any]) -> None:
    """A server may tell of its mailbox whenever it likes (RFC 3501 section 5.2)."""
    answer = POLITE.replies[verb]
    assert isinstance(answer, bytes)
    unasked = (
        "* OK [ALERT] ปิดปรับปรุงคืนนี้\r\n* 7 EXISTS\r\n* 1 FETCH (FLAGS ())\r\n* 2 EXPUNGE\r\n* NO low on space\r\n"
    ).encode()
    async with serving(POLITE.but(**{verb: unasked + answer})) as script:
        result = await run("imap", clear(script, login))
    assert result.failure is None


@pytest.mark.parametrize("verb", IN_TURN)
async def test_an_answer_to_another_command_is_no_answer(verb: str, run: Run, login: dict[str, Any]) -> None:
    answer = POLITE.replies[verb]
    assert isinstance(answer, bytes)
    async with serving(POLITE.but(**{verb: answer.replace(b"%T ", b"ZZ9 ")})) as script:
        result = await run("imap", clear(script, login))
    assert result.cause is Cause.PROTOCOL


async def test_login_quotes_user_and_password(run: Run, login: dict[str, Any]) -> None:
    async with serving(POLITE.but(CAPABILITY=lacking("AUTH=PLAIN"))) as script:
        await run("imap", clear(script, login))
    sent = next(line for line in script.heard if b" LOGIN " in line).decode()
    assert sent.endswith(' LOGIN "probe@example.org" "pa\\"ss\\\\wörd-0451"\r\n')


async def test_a_server_that_hangs_at_the_farewell_is_up(
    run: Run, login: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "FAREWELL_SECONDS", 0.01)
    async with serving(POLITE.but(LOGOUT=stall)) as script:
        result = await run("imap", clear(script, login))
    assert result.failure is None
    assert not result.timed_out
    assert not result.steps.phases[-1].ok
    assert result.steps.evidence.replies[-1] == "quit: no answer"


async def test_a_literal_that_never_comes_to_its_end_is_left_to_the_deadline(run: Run, login: dict[str, Any]) -> None:
    async with serving(POLITE.but(CAPABILITY=b"* X {500}\r\nfewer than it said\r\n" + CAPABILITIES)) as script:
        result = await run("imap", clear(script, login), expire="capability")
    assert (result.timed_out, result.steps.failed) == (True, "capability")


async def test_a_cancelled_check_closes_its_connection(run: Run, login: dict[str, Any]) -> None:
    reached = asyncio.Event()

    async def reach(peer: Peer) -> None:
        reached.set()
        await stall(peer)

    async with serving(POLITE.but(SELECT=reach)) as script:
        check = asyncio.create_task(run("imap", clear(script, login)))
        await reached.wait()
        check.cancel()
        with pytest.raises(asyncio.CancelledError):
            await check


@pytest.mark.parametrize(
    ("name", "encoded"),
    [("INBOX", "INBOX"), ("a&b", "a&-b"), ("กล่อง/2026", "&DgEOJQ5IDi0OBw-/2026"), ("日本語", "&ZeVnLIqe-")],
)
def test_mailbox_names_travel_in_modified_utf_7(name: str, encoded: str) -> None:
    assert mailbox_name(name) == encoded
