"""Proves that a mail server, whatever it lists, brings no round trip to delete what is not its own, or to fall over."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from probes.base import Steps
from probes.errors import Cause, ProbeFailureError
from probes.imap import ImapProbe
from probes.lookout import Lookout, within
from probes.message import compose
from probes.pop3 import Pop3Probe
from probes.tokens import Sighting, Token
from tests.probes import test_imap, test_pop3
from tests.probes.scripted import Act, Peer, Script, flood, serving, stall

TOKEN = Token("0123456789abcdef" * 2, datetime(2026, 11, 24, 3, 0, tzinfo=UTC))
OURS = compose(TOKEN, "probe@example.org", "probe@example.org")
NOBODYS = b"Subject: hello\r\n\r\n"


class Store:
    """Would have everything deleted that it is shown of the token."""

    def __init__(self) -> None:
        self.shown: list[Sighting] = []

    async def issue(self) -> Token:
        return TOKEN

    async def accepted(self, token: Token) -> None: ...

    async def seen(self, sightings: Sequence[Sighting], awaited: Token) -> frozenset[str]:
        self.shown += sightings
        return frozenset(one.place for one in sightings if one.token == awaited.text)

    async def looked(self) -> None: ...


def literal(number: int, uid: int, data: bytes) -> bytes:
    return b"* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (number, uid, len(data), data)


def imap(**answers: Act) -> Script:
    """A mailbox with one message of ours; `answers` by the verb behind UID, or by the verb."""
    whole: dict[str, Act] = {
        "LIST": b'* LIST (\\HasNoChildren) "/" INBOX\r\n%T OK\r\n',
        "SEARCH": b"* SEARCH 7\r\n%T OK\r\n",
        "FETCH": literal(1, 7, OURS) + b"%T OK\r\n",
        "STORE": b"%T OK\r\n",
        "EXPUNGE": b"* 1 EXPUNGE\r\n%T OK\r\n",
        **answers,
    }

    async def uid(peer: Peer) -> None:
        act = whole[script.heard[-1].split()[2].decode().upper()]
        await (peer.say(act) if isinstance(act, bytes) else act(peer))

    capabilities = test_imap.CAPABILITIES.replace(b"SASL-IR", b"SASL-IR UIDPLUS")
    select = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 5] valid\r\n%T OK [READ-WRITE] selected\r\n"
    script = test_imap.POLITE.but(CAPABILITY=capabilities, SELECT=select, UID=uid, **whole)
    return script


def pop3(**answers: Act) -> Script:
    """A mailbox with a message of somebody else's and one of ours."""

    async def top(peer: Peer) -> None:
        ours = script.heard[-1].split()[1] == b"2"
        await peer.say(b"+OK\r\n" + (OURS if ours else NOBODYS) + b".\r\n")

    whole: dict[str, Act] = {"TOP": top, "RETR": top, "DELE": b"+OK\r\n", **answers}
    script = test_pop3.POLITE.but(**whole)
    return script


async def look(script: Script, kind: Any, login: dict[str, Any], looks: int = 1) -> tuple[Lookout, Store, Steps]:
    """So many looks, and what they bring collected; only a server that stalls is not waited for."""
    patience = 0.3 if stall in script.replies.values() else 20.0
    steps, store = Steps(time.monotonic), Store()
    async with serving(script) as server, asyncio.timeout(30):
        options = kind.Options(host="127.0.0.1", port=server.port, tls="none", login=login)
        async with Lookout(steps, kind(options), store, TOKEN, patience) as lookout:
            for _ in range(looks):
                await lookout.look()
            if lookout.news:
                await lookout.collect()
    return lookout, store, steps


def said(script: Script, verb: str) -> list[bytes]:
    return [line for line in script.heard if verb.encode() in line.upper()]


async def test_a_message_is_found_read_and_deleted_by_its_uid(login: dict[str, Any]) -> None:
    script = imap()
    lookout, _, steps = await look(script, ImapProbe, login)
    assert lookout.failure is None
    assert steps.evidence.warnings == []
    assert [line.split(b" ", 1)[1] for line in said(script, "EXPUNGE")] == [b"UID EXPUNGE 7\r\n"]


async def test_a_message_is_found_read_and_deleted_by_its_number(login: dict[str, Any]) -> None:
    script = pop3()
    lookout, store, _ = await look(script, Pop3Probe, login)
    assert lookout.failure is None
    assert [one.place for one in store.shown] == ["bb~"]
    assert said(script, "DELE") == [b"DELE 2\r\n"]


async def test_a_server_that_finds_everything_brings_nothing_foreign_to_be_deleted(login: dict[str, Any]) -> None:
    everything = b"* SEARCH " + b" ".join(b"%d" % number for number in range(1, 500)) + b"\r\n%T OK\r\n"
    fetched = literal(1, 3, NOBODYS) + literal(2, 499, OURS) + literal(3, 9999, OURS) + b"%T OK\r\n"
    script = imap(SEARCH=everything, FETCH=fetched)
    await look(script, ImapProbe, login)
    assert [line.split(b" ", 1)[1] for line in said(script, "STORE")] == [
        b"UID STORE 499 +FLAGS.SILENT (\\Deleted)\r\n"
    ]


LISTED = {
    "by its use": (b'* LIST (\\HasNoChildren \\Junk) "/" "Unwanted mail"\r\n', b'"Unwanted mail"'),
    "by its name": (b'* LIST () "." INBOX.spam\r\n', b'"INBOX.spam"'),
    "its use before its name": (b'* LIST () "/" Junk\r\n* LIST (\\Junk) "/" &DgI-\r\n', b'"&DgI-"'),
    "where names have no levels": (b"* LIST () NIL Junk\r\n", b'"Junk"'),
}


@pytest.mark.parametrize(("listed", "name"), LISTED.values(), ids=list(LISTED))
async def test_junk_is_looked_into(listed: bytes, name: bytes, login: dict[str, Any]) -> None:
    script = imap(LIST=listed + b"%T OK\r\n", SEARCH=b"* SEARCH\r\n%T OK\r\n")
    lookout, _, _ = await look(script, ImapProbe, login)
    assert lookout.failure is None
    assert [line.split(b" ", 2)[2].strip() for line in said(script, "SELECT")] == [b'"INBOX"', name]


@pytest.mark.parametrize(
    "listed",
    [
        b'* LIST (\\Noselect \\Junk) "/" Junk\r\n',
        b'* LIST (\\Junk) "/" INBOX\r\n',
        b'* LIST (\\Junk) "/" {4}\r\nJunk\r\n',
        b"* LIST Junk\r\n",
        b"",
    ],
)
async def test_what_cannot_be_junk_is_not_looked_into(listed: bytes, login: dict[str, Any]) -> None:
    script = imap(LIST=listed + b"%T OK\r\n", SEARCH=b"* SEARCH\r\n%T OK\r\n")
    lookout, _, _ = await look(script, ImapProbe, login)
    assert lookout.failure is None
    assert len(said(script, "SELECT")) == 1


HOSTILE_IMAP: dict[str, tuple[dict[str, Act], Cause]] = {
    "refuses to search": ({"SEARCH": b"%T NO [SERVERBUG] oops\r\n"}, Cause.REJECTED_TEMPORARY),
    "refuses to fetch": ({"FETCH": b"%T BAD what\r\n"}, Cause.REJECTED_PERMANENT),
    "fetches without end": ({"FETCH": flood(literal(1, 7, b"x" * 4000))}, Cause.PROTOCOL),
    "finds without end": ({"SEARCH": flood(b"* SEARCH 1 2 3\r\n" * 500)}, Cause.PROTOCOL),
    "lists without end": ({"LIST": flood(b'* LIST () "/" a\r\n' * 500)}, Cause.PROTOCOL),
    "promises a huge literal": ({"FETCH": b"* 1 FETCH (UID 7 BODY[] {99999999}\r\nx"}, Cause.PROTOCOL),
    "says nothing": ({"SEARCH": stall}, Cause.TIMEOUT),
    "sends a NUL byte": ({"SEARCH": b"* SEARCH 7\0\r\n%T OK\r\n"}, Cause.PROTOCOL),
}


@pytest.mark.parametrize(("answers", "cause"), HOSTILE_IMAP.values(), ids=list(HOSTILE_IMAP))
async def test_an_imap_server_that_misbehaves_is_named_for_it(
    answers: dict[str, Act], cause: Cause, login: dict[str, Any]
) -> None:
    lookout, store, _ = await look(imap(**answers), ImapProbe, login)
    assert lookout.failure is not None
    assert (lookout.failure.cause, lookout.failure.reply.partition(":")[0]) == (cause, "look")
    assert store.shown == []


@pytest.mark.parametrize(
    "fetched",
    [
        b"* 1 FETCH ()\r\n",
        b"* 1 FETCH (UID 7 BODY[] NIL)\r\n",
        b"* 1 FETCH (UID 8 BODY[] {0}\r\n)\r\n",
        b"* 1 FETCH\r\n",
    ],
)
async def test_a_fetch_without_a_message_is_no_sighting(fetched: bytes, login: dict[str, Any]) -> None:
    lookout, store, _ = await look(imap(FETCH=fetched + b"%T OK\r\n"), ImapProbe, login)
    assert lookout.failure is None
    assert store.shown == []


async def test_a_server_that_deletes_nothing_is_only_warned_of(login: dict[str, Any]) -> None:
    lookout, _, steps = await look(imap(STORE=b"%T NO read-only\r\n"), ImapProbe, login)
    assert lookout.failure is None
    assert steps.evidence.warnings == ["messages could not be deleted: NO read-only"]


HOSTILE_POP3: dict[str, tuple[dict[str, Act], Cause]] = {
    "has no UIDL": ({"UIDL": b"-ERR what\r\n"}, Cause.REJECTED_PERMANENT),
    "counts oddly": ({"STAT": b"+OK many\r\n"}, Cause.PROTOCOL),
    "counts beyond reason": ({"STAT": b"+OK 9999999999999999999999 1\r\n"}, Cause.PROTOCOL),
    "lists nonsense": ({"UIDL": b"+OK\r\nhello\r\n.\r\n"}, Cause.PROTOCOL),
    "lists without end": ({"UIDL": flood(b"1 a\r\n" * 500)}, Cause.PROTOCOL),
    "shows a message without end": ({"TOP": flood(b"+OK\r\n" + b"x\r\n" * 500)}, Cause.PROTOCOL),
    "says nothing": ({"TOP": stall}, Cause.TIMEOUT),
    "is locked": ({"PASS": b"-ERR [IN-USE] locked\r\n", "AUTH": b"-ERR [IN-USE] locked\r\n"}, Cause.REJECTED_TEMPORARY),
}


@pytest.mark.parametrize(("answers", "cause"), HOSTILE_POP3.values(), ids=list(HOSTILE_POP3))
async def test_a_pop3_server_that_misbehaves_is_named_for_it(
    answers: dict[str, Act], cause: Cause, login: dict[str, Any]
) -> None:
    lookout, store, _ = await look(pop3(**answers), Pop3Probe, login)
    assert lookout.failure is not None
    assert lookout.failure.cause is cause
    assert store.shown == []


async def test_a_message_that_cannot_be_read_is_in_the_way_of_one_look_only(login: dict[str, Any]) -> None:
    async def top(peer: Peer) -> None:
        foreign = script.heard[-1].split()[1] == b"1"
        await peer.say(b"+OK\r\nSubject: \0\r\n.\r\n" if foreign else b"+OK\r\n" + OURS + b".\r\n")

    script = pop3(TOP=top)
    lookout, store, _ = await look(script, Pop3Probe, login, looks=2)
    assert lookout.failure is None
    assert [one.place for one in store.shown] == ["bb~"]


async def test_of_a_huge_pop3_mailbox_both_ends_are_looked_at(login: dict[str, Any]) -> None:
    async def uidl(peer: Peer) -> None:
        number = script.heard[-1].split()[1]
        await peer.say(b"+OK %s id%s\r\n" % (number, number))

    script = pop3(STAT=b"+OK 100000 1\r\n", UIDL=uidl)
    lookout, store, _ = await look(script, Pop3Probe, login)
    assert lookout.failure is None
    assert [one.place for one in store.shown] == ["id2"]
    assert len(said(script, "TOP ")) == 35


@pytest.mark.parametrize(("waited", "cause"), [(0.0, Cause.TIMEOUT), (0.2, Cause.TIMEOUT), (0.6, Cause.OVERLOAD)])
async def test_a_session_that_waited_long_for_its_turn_and_runs_out_of_time_blames_nobody(
    waited: float, cause: Cause
) -> None:
    """`waited` of the session's time, on a clock of the test's own."""
    now = [0.0]
    steps = Steps(lambda: now[0])

    async def session() -> None:
        async with within(steps, 0.01) as aside:
            with aside("turn"):
                now[0] += waited * 0.01
            with aside("auth"):
                await asyncio.Event().wait()

    with pytest.raises(ProbeFailureError) as caught:
        await session()
    assert caught.value.cause is cause
    assert caught.value.reply.startswith("auth: ")
